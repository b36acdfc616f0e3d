"""How long a run will take: as long as the last one, scaled by how often the network sees the brain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .devices import Devices
from .quality import QUALITIES, brainsSeen
from .segmentCommand import RunChoices

SECONDS_BESIDES = 6.0
"""What reading, preparing and writing take of a run on a CPU, before any run was measured (docs/results.md)."""


class Settings(Protocol):
    """Where figures outlive the session: Slicer's settings."""

    def value(self, key: str, default: Any = None) -> Any: ...
    def setValue(self, key: str, value: Any) -> None: ...


class RunTimes:
    """The last run on each device with each model."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def record(self, model: str, report: Mapping[str, Any]) -> None:
        """Remember the durations of a finished run. report: the command's report.json.

        A run that ran out of memory, and so was done in another way than asked, says nothing about the next.
        """
        used, seconds = report["settings"]["used"], report["seconds"]
        if report["fallbacks"]:
            return
        besides = sum(seconds.values()) - seconds["segment"]
        perBrain = seconds["segment"] / brainsSeen(used["mode"], used["mirror"], used["device"])
        self._settings.setValue(
            _key(used["device"], model), json.dumps([round(besides, 2), round(perBrain, 3)])
        )

    def expected(self, device: str, model: str, brains: float) -> float | None:
        """Return the seconds of a run in which the network sees so many brains, None before the first there."""
        text = self._settings.value(_key(device, model))
        if not text:
            return None
        besides, perBrain = json.loads(text)
        return float(besides + brains * perBrain)


@dataclass(frozen=True)
class ExpectedTime:
    """seconds: of the whole run. isMeasured: as the last run took, not an estimate from a moment's calibration."""

    seconds: float
    isMeasured: bool


def expectedTime(
    choices: RunChoices, network: str | None, devices: Devices, times: RunTimes
) -> ExpectedTime | None:
    """Return how long a run will take, None where nothing is known: on a graphics card before its first run.

    network: the kind of network in the model.
    """
    device = devices.find(choices.device)
    if device is None:
        return None
    quality = QUALITIES[choices.quality]
    brains = brainsSeen(quality.mode, quality.mirror, device.name)
    measured = times.expected(device.name, choices.model, brains)
    if measured is not None:
        return ExpectedTime(measured, True)
    if device.name == "cpu" and network in devices.cpuSeconds:
        return ExpectedTime(SECONDS_BESIDES + brains * devices.cpuSeconds[network], False)
    return None


def _key(device: str, model: str) -> str:
    return f"SegMamba/RunTime/{device}/{model or 'default'}"
