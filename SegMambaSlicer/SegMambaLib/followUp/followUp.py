"""What the panel and scripts can do about several scans of one patient, without Qt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ..core import makeCoreImportable
from ..run.program import findProgram
from ..run.programRun import RunState
from .figures import Figures
from .layScan import isLaid, putBack
from .registrationJob import RegistrationJob
from .scan import Scan

if TYPE_CHECKING:
    from SegMambaCore.follow_up.assess import Assessment


class FollowUp:
    """Comparison and registration of scans; `findPatients` tells which there are."""

    def __init__(self) -> None:
        self.job: RegistrationJob | None = None
        self._figures = Figures()

    def compare(
        self, scans: Sequence[Scan], confirmedBaseline: Scan | None = None, radiotherapyEnd: str = ""
    ) -> Assessment:
        """Return the changes of the scans' volumes and products.

        confirmedBaseline: the scan that a person has confirmed as the baseline; without one no change is
        assessable. radiotherapyEnd: its last day, "" where it is not known.
        Raises ValueError where names, dates or transforms do not do.
        """
        makeCoreImportable()
        from SegMambaCore.errors import SegMambaError
        from SegMambaCore.follow_up.assess import FollowUp as Comparison
        from SegMambaCore.follow_up.assess import assess
        from SegMambaCore.follow_up.read_folder import date_in

        end = date_in(radiotherapyEnd.strip())
        if radiotherapyEnd.strip() and end is None:
            raise ValueError(
                _("End of radiotherapy: {text} is no date. Enter it as 2024-05-02.").format(
                    text=radiotherapyEnd
                )
            )
        names = uniqueNames(scans)
        points = [self._figures.timePoint(scan, name) for scan, name in zip(scans, names, strict=True)]
        baseline = None if confirmedBaseline is None else names[list(scans).index(confirmedBaseline)]
        try:
            return assess(Comparison(points, baseline, end))
        except SegMambaError as error:
            raise ValueError(str(error)) from error

    def register(self, fixed: Scan, moving: Sequence[Scan]) -> None:
        """Start laying scans onto the fixed one; then call `poll` now and then.

        Raises ValueError for scans that do not do, RuntimeError when it cannot be started.
        """
        if self.isRunning:
            raise RuntimeError(_("A registration is running already."))
        self.job = RegistrationJob(fixed, moving, findProgram(), Path(slicer.app.temporaryPath))

    @property
    def isRunning(self) -> bool:
        """Whether a registration has been started and is not over."""
        return self.job is not None and not self.job.state.isOver

    def poll(self) -> RunState:
        """Look how the registration is getting on; the call that sees a success moves that scan."""
        assert self.job is not None
        return self.job.poll()

    def cancel(self) -> None:
        """Ask a registration to stop, if there is one."""
        if self.job is not None and self.isRunning:
            self.job.cancel()

    def stopNow(self) -> None:
        """End a registration before returning, if there is one."""
        if self.job is not None and self.isRunning:
            self.job.stopNow()

    def removeRegistrations(self, scans: Sequence[Scan]) -> None:
        """Put the scans back where they lay before they were registered."""
        for scan in scans:
            putBack(scan)


def uniqueNames(scans: Sequence[Scan]) -> list[str]:
    """Return a name for each scan, numbered where they repeat."""
    names: list[str] = []
    for scan in scans:
        name, number = scan.name, 2
        while name in names:
            name, number = f"{scan.name} ({number})", number + 1
        names.append(name)
    return names


def writeCsv(assessment: Assessment, path: Path) -> None:
    """Write the comparison for spreadsheets. Raises RuntimeError when the file cannot be written."""
    makeCoreImportable()
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.follow_up.csv_file import write_csv

    try:
        write_csv(assessment, path)
    except SegMambaError as error:
        raise RuntimeError(str(error)) from error


def writeReport(assessment: Assessment, patient: str, scans: Sequence[Scan], path: Path) -> None:
    """Write the comparison as one HTML page. Raises RuntimeError when the file cannot be written."""
    makeCoreImportable()
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.follow_up.report_page import write_report_page

    remarks = []
    laid = [name for scan, name in zip(scans, uniqueNames(scans), strict=True) if isLaid(scan)]
    if laid:
        remarks.append(
            _(
                "Registered rigidly: {scans}. Their volumes stay as they are; their products are measured in the "
                "axial planes of the scan that they lie on."
            ).format(scans=", ".join(laid))
        )
    try:
        from SegMambaCore.follow_up.plot import draw_plot

        picture = draw_plot(assessment)
    except ImportError:  # matplotlib comes with the packages of the segmentation
        picture = None
        remarks.append(_("Without a picture: the Python package matplotlib is not installed."))
    try:
        write_report_page(assessment, patient, picture, path, remarks)
    except SegMambaError as error:
        raise RuntimeError(str(error)) from error
