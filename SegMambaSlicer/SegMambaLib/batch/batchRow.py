"""One patient of a batch, as the panel shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from slicer.i18n import tr as _

from ..result.regions import REGIONS
from ..run.progressText import volumeText
from .batchEvents import FoundPatient, PatientEvent


@dataclass(frozen=True)
class BatchRow:
    """sources, seriesUids: as `FoundPatient`.

    status: "" before anything was run, else as `PatientEvent`. remarks: the reason, warnings and notes.
    """

    case: str
    sources: Mapping[str, Path]
    status: str = ""
    volumesMl: Mapping[str, float | None] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    seriesUids: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, found: FoundPatient) -> BatchRow:
        """Return the row of a patient who was found a moment ago."""
        status = "incomplete" if found.problem else ""
        remarks = tuple(filter(None, [found.problem, *found.notes]))
        return cls(found.case, found.sources, status, {}, remarks, found.seriesUids)

    def after(self, event: PatientEvent) -> BatchRow:
        """Return the row with what is new."""
        remarks = tuple(filter(None, [event.reason, *event.warnings]))
        return replace(self, status=event.status, volumesMl=event.volumesMl, remarks=remarks)

    @property
    def needsAttention(self) -> bool:
        return self.status in ("failed", "incomplete")

    def texts(self) -> list[str]:
        """Return the cells: name, state and remarks, and a volume for each region."""
        title = {
            "": _("found"),
            "waiting": _("waiting"),
            "running": _("being segmented"),
            "done": _("done"),
            "failed": _("failed"),
            "incomplete": _("incomplete"),
        }.get(self.status, self.status)
        state = ". ".join([title, *(remark.rstrip(".") for remark in self.remarks)])
        volumes = [
            volumeText(self.volumesMl[region] or 0.0) if region in self.volumesMl else ""
            for region in REGIONS
        ]
        return [self.case, state, *volumes]
