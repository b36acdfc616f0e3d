"""What the panel says during and after a run."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..result.regions import REGIONS
from .progressEvents import PhaseEvent, ProgressEvent, ResultEvent


def progressText(phase: PhaseEvent | None, progress: ProgressEvent | None) -> str:
    """Return one line: what is being done, and how long it will still take."""
    if phase is None:
        return _("Starting")
    title = _phaseTitles().get(phase.phase, phase.title)
    if progress is None or progress.secondsLeft is None:
        return title
    return _("{phase}, {time} left").format(phase=title, time=durationText(progress.secondsLeft))


def resultText(result: ResultEvent) -> str:
    """Return one line with the regions' volumes. What was not found is said to be so, not to measure 0 mL."""
    regions = [
        f"{region} {volumeText(result.volumesMl[region])}" for region in REGIONS if region in result.volumesMl
    ]
    finished = _("Finished in {time}").format(time=durationText(result.seconds))
    return ". ".join([finished, ", ".join(regions)]) if regions else finished


def durationText(seconds: float) -> str:
    """Return a duration as a person would say it: seconds up to one and a half minutes, minutes beyond."""
    if seconds < 90:
        return _("{count} s").format(count=max(1, round(seconds)))
    return _("{count} min").format(count=round(seconds / 60))


def volumeText(millilitres: float) -> str:
    """Return a region's volume; 0 mL would read as proof that there is nothing."""
    return _("{volume:.1f} mL").format(volume=millilitres) if millilitres > 0 else _("none found")


def _phaseTitles() -> dict[str, str]:
    return {
        "find": _("Looking for patients"),
        "check": _("Looking who is finished"),
        "read": _("Reading volumes"),
        "prepare": _("Preparing volumes"),
        "load": _("Loading the model"),
        "segment": _("Segmenting"),
        "write": _("Writing the result"),
    }
