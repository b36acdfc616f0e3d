"""Quality, device and model of the next run, and how long it will take."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..parameterNode import SegMambaParameterNode
from ..run.devices import DeviceQuery, Devices
from ..run.progressText import durationText
from ..run.quality import QUALITIES, qualityExplanation, qualityTitle
from ..run.segmentCommand import RunChoices
from .section import Panel

MILLISECONDS_BETWEEN_LOOKS = 500


class RunChoicesPart:
    """Three combo boxes of the run section.

    What they offer depends on the computer, so that the parameter node, which keeps the choice, can't connect them
    by itself.
    """

    def __init__(self, panel: Panel, ui: Any) -> None:
        self.devices: Devices | None = None
        self._panel = panel
        self._ui = ui
        self._query: DeviceQuery | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(MILLISECONDS_BETWEEN_LOOKS)
        self._timer.connect("timeout()", self.onTimer)
        self._filling = False
        for name in QUALITIES:
            ui.qualitySelector.addItem(qualityTitle(name), name)
        ui.qualitySelector.toolTip = "\n".join(
            f"{qualityTitle(name)}: {qualityExplanation(name)}" for name in QUALITIES
        )
        for selector in (ui.qualitySelector, ui.deviceSelector, ui.modelSelector):
            selector.connect("currentIndexChanged(int)", self.onChanged)

    def askForDevices(self) -> None:
        """Ask the computer what it has, in the background; once, and not before the packages are there."""
        if self.devices is None and self._query is None and self._panel.logic.packages.problem() is None:
            try:
                self._query = self._panel.logic.askForDevices()
            except RuntimeError as error:
                self._showProblem(str(error))
            else:
                self._timer.start()

    def onTimer(self) -> None:
        """Look whether the computer has answered."""
        assert self._query is not None
        try:
            self.devices = self._query.answer()
        except RuntimeError as error:
            self._showProblem(str(error))
        else:
            if self.devices is None:
                return
            self._panel.refresh()
        self._timer.stop()
        self._query = None

    def cleanup(self) -> None:
        """Leave nothing running."""
        self._timer.stop()
        if self._query is not None:
            self._query.stopNow()
            self._query = None

    def onChanged(self, _index: int = 0) -> None:
        """Remember what the user has chosen."""
        node = self._panel.parameterNode
        if node and not self._filling:
            ui = self._ui
            with slicer.util.NodeModify(node):
                node.quality, node.device = ui.qualitySelector.currentData, ui.deviceSelector.currentData
                node.model = ui.modelSelector.currentText

    def update(self, enabled: bool) -> None:
        """Show the parameter node's choices, and what follows from them."""
        ui = self._ui
        for selector in (ui.qualitySelector, ui.deviceSelector, ui.modelSelector):
            selector.enabled = enabled
        if node := self._panel.parameterNode:
            self._filling = True
            self._showChoices(node)
            self._filling = False
            ui.expectedTimeLabel.text = self._expectedTimeText(node)

    def _showChoices(self, node: SegMambaParameterNode) -> None:
        ui = self._ui
        _fill(ui.modelSelector, [(model, model) for model in self._panel.logic.models()])
        _fill(ui.deviceSelector, self._deviceItems(node.device))
        # A scene from another computer may name what this one lacks.
        ui.modelSelector.currentIndex = max(ui.modelSelector.findData(node.model), 0)
        ui.deviceSelector.currentIndex = max(ui.deviceSelector.findData(node.device), 0)
        ui.qualitySelector.currentIndex = max(ui.qualitySelector.findData(node.quality), 0)
        node.model = ui.modelSelector.currentText
        node.device = ui.deviceSelector.currentData
        node.quality = ui.qualitySelector.currentData

    def _deviceItems(self, chosen: str) -> list[tuple[str, str]]:
        if self.devices is None:
            items = [(_("Automatic"), "auto"), (_("CPU"), "cpu")]
            return items if chosen in ("auto", "cpu") else [*items, (chosen, chosen)]
        automatic = self.devices.find("auto")
        title = _("Automatic: {device}").format(device=automatic.title) if automatic else _("Automatic")
        return [
            (title, "auto"),
            *((f"{device.title}, {device.memoryGb:.0f} GB", device.name) for device in self.devices.usable),
        ]

    def _expectedTimeText(self, node: SegMambaParameterNode) -> str:
        if self.devices is None:
            return ""
        expected = self._panel.logic.expectedTime(
            RunChoices(node.model, node.quality, node.device, node.skipPreparation), self.devices
        )
        if expected is None:
            text = _("How long it takes on this device is known after the first run.")
        elif expected.isMeasured:
            text = _("Takes about {time}, as the last run did.").format(time=durationText(expected.seconds))
        else:
            text = _(
                "Takes roughly {time}: an estimate for this CPU, until the first run has shown it."
            ).format(time=durationText(expected.seconds))
        if self.devices.cudaProblem:
            text += "\n" + _("The NVIDIA graphics card is not used. {reason}").format(
                reason=self.devices.cudaProblem
            )
        return text

    def _showProblem(self, reason: str) -> None:
        self._ui.expectedTimeLabel.text = _(
            "The devices of this computer could not be listed. {reason}"
        ).format(reason=reason)


def _fill(selector: Any, items: list[tuple[str, str]]) -> None:
    """Give a combo box these texts and data, unless it has them."""
    present = [(selector.itemText(row), selector.itemData(row)) for row in range(selector.count)]
    if present != items:
        selector.clear()
        for text, data in items:
            selector.addItem(text, data)
