"""The upper half of the Follow-up section: which scans there are, and what the user says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..core import makeCoreImportable
from ..followUp.findScans import Patient, findPatients
from ..followUp.followUp import uniqueNames
from ..followUp.scan import Scan
from .followUpTables import fillScansTable

if TYPE_CHECKING:
    from .followUpSection import FollowUpSection


class FollowUpScans:
    """patients: those in the scene. scans: of the patient who is shown."""

    def __init__(self, section: FollowUpSection) -> None:
        makeCoreImportable()
        from SegMambaCore.follow_up.time_point import Treatment

        self.patients: list[Patient] = []
        self.scans: list[Scan] = []
        self._section = section
        self._ui = section.ui
        self._radiotherapyEnd = ""
        self._treatments = list(Treatment)
        self._ui.treatmentSelector.addItems([treatment.value for treatment in self._treatments])
        self._ui.patientSelector.connect("currentIndexChanged(int)", self.onPatientChosen)
        self._ui.scansTable.connect("itemSelectionChanged()", self.onScanChosen)
        self._ui.dateEdit.connect("editingFinished()", self.onDateEdited)
        self._ui.treatmentSelector.connect("currentIndexChanged(int)", self.onTreatmentChosen)
        self._ui.radiotherapyEdit.connect("editingFinished()", self.onRadiotherapyEdited)
        self._ui.baselineSelector.connect("currentIndexChanged(int)", self.onBaselineChosen)
        self._ui.confirmedCheckBox.connect("toggled(bool)", self.onConfirmed)

    @property
    def patientName(self) -> str:
        """The patient who is shown, "" without any."""
        return self.patients[self._patientIndex()].name if self.patients else ""

    @property
    def baseline(self) -> Scan | None:
        """The scan that was chosen as the baseline, confirmed or not."""
        node = self._section.panel.parameterNode
        chosen = node.followUpBaseline if node else None
        return next((scan for scan in self.scans if scan.segmentation is chosen), None)

    @property
    def confirmedBaseline(self) -> Scan | None:
        """The same, None until the user has confirmed it."""
        node = self._section.panel.parameterNode
        return self.baseline if node and node.followUpBaselineConfirmed else None

    def update(self) -> None:
        """Look what is in the scene, and show it."""
        chosen = self._chosenScan()
        self._showPatients(findPatients())
        names = uniqueNames(self.scans)
        fillScansTable(self._ui.scansTable, self.scans, names, self.baseline)
        if chosen in self.scans and chosen != self._chosenScan():
            # A date has changed the order: what is entered next is for the same scan.
            self._ui.scansTable.selectRow(self.scans.index(chosen))
        self._showRadiotherapy()
        blocked = self._ui.baselineSelector.blockSignals(True)
        self._ui.baselineSelector.clear()
        self._ui.baselineSelector.addItems([_("not chosen"), *names])
        self._ui.baselineSelector.currentIndex = self.scans.index(self.baseline) + 1 if self.baseline else 0
        self._ui.baselineSelector.blockSignals(blocked)
        blocked = self._ui.confirmedCheckBox.blockSignals(True)
        self._ui.confirmedCheckBox.enabled = self.baseline is not None
        self._ui.confirmedCheckBox.checked = self.confirmedBaseline is not None
        self._ui.confirmedCheckBox.blockSignals(blocked)

    def showLastPatient(self) -> None:
        """Show the patient who came last into the scene."""
        self._ui.patientSelector.currentIndex = len(self.patients) - 1

    def onPatientChosen(self, index: int) -> None:
        """Another patient."""
        self._section.update()

    def onScanChosen(self) -> None:
        """Show the chosen scan's date and treatment."""
        scan = self._chosenScan()
        for widget in (self._ui.dateEdit, self._ui.treatmentSelector):
            widget.enabled = scan is not None
        self._ui.dateEdit.text = _dateText(scan)
        blocked = self._ui.treatmentSelector.blockSignals(True)
        self._ui.treatmentSelector.currentIndex = self._treatments.index(scan.treatment) if scan else 0
        self._ui.treatmentSelector.blockSignals(blocked)

    def onDateEdited(self) -> None:
        """The user has entered a date."""
        scan = self._chosenScan()
        if scan is not None and self._ui.dateEdit.text != _dateText(scan):
            self._section.do(lambda: scan.setDate(self._ui.dateEdit.text))

    def onTreatmentChosen(self, index: int) -> None:
        """The user has said what was done before the chosen scan."""
        scan = self._chosenScan()
        if scan is not None:
            self._section.do(lambda: scan.setTreatment(self._treatments[index]))

    def onRadiotherapyEdited(self) -> None:
        """The user has entered the end of radiotherapy."""
        node = self._section.panel.parameterNode
        if node is not None and node.radiotherapyEnd != self._ui.radiotherapyEdit.text:
            self._radiotherapyEnd = self._ui.radiotherapyEdit.text
            node.radiotherapyEnd = self._radiotherapyEnd

    def onBaselineChosen(self, index: int) -> None:
        """Another baseline, which is not confirmed yet."""
        node = self._section.panel.parameterNode
        if node is not None:
            node.followUpBaselineConfirmed = False
            node.followUpBaseline = self.scans[index - 1].segmentation if index > 0 else None

    def onConfirmed(self, confirmed: bool) -> None:
        """The user confirms the baseline, or takes that back."""
        node = self._section.panel.parameterNode
        if node is not None:
            node.followUpBaselineConfirmed = confirmed

    def _showRadiotherapy(self) -> None:
        node = self._section.panel.parameterNode
        end = node.radiotherapyEnd if node else ""
        # Not on every update: the user may be writing.
        if end != self._radiotherapyEnd:
            self._radiotherapyEnd = self._ui.radiotherapyEdit.text = end

    def _chosenScan(self) -> Scan | None:
        row = self._ui.scansTable.currentRow()
        return self.scans[row] if 0 <= row < len(self.scans) else None

    def _patientIndex(self) -> int:
        return max(0, self._ui.patientSelector.currentIndex)

    def _showPatients(self, patients: list[Patient]) -> None:
        if [patient.name for patient in patients] != [patient.name for patient in self.patients]:
            index = self._patientIndex()
            blocked = self._ui.patientSelector.blockSignals(True)
            self._ui.patientSelector.clear()
            self._ui.patientSelector.addItems([patient.name for patient in patients])
            self._ui.patientSelector.currentIndex = min(index, len(patients) - 1)
            self._ui.patientSelector.blockSignals(blocked)
        self.patients = patients
        scans = list(patients[self._patientIndex()].scans) if patients else []
        if scans != self.scans:
            self.scans = scans
            self.onScanChosen()


def _dateText(scan: Scan | None) -> str:
    return scan.date.isoformat() if scan and scan.date else ""
