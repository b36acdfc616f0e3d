"""What has to stand beside the figures of a time point."""

from __future__ import annotations

from datetime import date, timedelta

from SegMambaCore.follow_up.time_point import TimePoint, Treatment

NOT_VALIDATED = "weights not validated on treated tumors"
TREATMENT_NOT_STATED = "treatment not stated: the weights are not validated on treated tumors"
_CONFIRMATION_WEEKS = 12


def caveats_of(
    point: TimePoint, baseline: TimePoint | None, radiotherapy_end: date | None
) -> tuple[str, ...]:
    """Return the sentences for a time point; RANO 2.0 is Wen et al., J Clin Oncol 2023."""
    sentences = []
    if point.treatment.is_treated:
        sentences.append(NOT_VALIDATED)
    elif point.treatment is Treatment.NOT_STATED:
        sentences.append(TREATMENT_NOT_STATED)
    if sentence := _about_radiotherapy(point, radiotherapy_end):
        sentences.append(sentence)
    if _has_later_baseline_by_rano(point, baseline):
        sentences.append("RANO 2.0 takes the first scan after radiotherapy as the baseline")
    return tuple(sentences)


def _about_radiotherapy(point: TimePoint, end: date | None) -> str | None:
    weeks = f"within {_CONFIRMATION_WEEKS} weeks of radiotherapy"
    if end is None or point.date is None:
        if point.treatment is Treatment.AFTER_RADIOTHERAPY:
            return f"time since radiotherapy unknown: {weeks} an increase needs a later scan to confirm it (RANO 2.0)"
        return None
    if point.date < end:
        if point.treatment is Treatment.AFTER_RADIOTHERAPY:
            return f"marked as after radiotherapy, but dated before its end on {end.isoformat()}: check both"
        return None
    if point.treatment is Treatment.BEFORE:
        return (
            f"marked as before treatment, but dated after radiotherapy ended on {end.isoformat()}: check both"
        )
    if point.date - end <= timedelta(weeks=_CONFIRMATION_WEEKS):
        return f"{weeks}: an increase needs a later scan to confirm it (RANO 2.0)"
    return None


def _has_later_baseline_by_rano(point: TimePoint, baseline: TimePoint | None) -> bool:
    return (
        baseline is not None
        and baseline.treatment is not Treatment.AFTER_RADIOTHERAPY
        and point.treatment is Treatment.AFTER_RADIOTHERAPY
    )
