"""How far a batch is, in words and numbers."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..run.programRun import RunState
from ..run.progressText import durationText, progressText
from .batch import Batch


def statusText(batch: Batch) -> str:
    """Return one line: what is being done and for how long, or who was found, or how it ended."""
    if batch.isSearching:
        return _("Looking for patients")
    if batch.isRunning:
        return _runText(batch)
    if batch.run is not None and batch.run.state is RunState.CANCELLED:
        return _("Cancelled. Who is finished stays so; the next run goes on from there.")
    if batch.run is not None and (result := batch.run.batchResult):
        return _("{done} done, {failed} failed, {incomplete} incomplete.").format(
            done=result.done, failed=result.failed, incomplete=result.incomplete
        )
    if not batch.rows:
        return ""
    missing = sum(row.status == "incomplete" for row in batch.rows.values())
    return _("{count} patients, {missing} of them incomplete.").format(count=len(batch.rows), missing=missing)


def progressValue(batch: Batch) -> tuple[int, int]:
    """Return how much of how much is done; the second is 0 where nobody knows."""
    if not batch.isRunning or batch.run is None or batch.run.overall is None:
        return 0, 0
    patient, overall = batch.run.progress, batch.run.overall
    share = patient.done / max(patient.total, 1) if patient else 0.0
    return min(round(100 * (overall.done + share)), 100 * overall.total), 100 * overall.total


def _runText(batch: Batch) -> str:
    assert batch.run is not None
    if batch.run.state is RunState.CANCELLING:
        return _("Cancelling")
    atWork = next((row.case for row in batch.rows.values() if row.status == "running"), "")
    phase = progressText(batch.run.phase, None)
    texts = [f"{atWork}: {phase}" if atWork else phase]
    if overall := batch.run.overall:
        texts.append(_("{done} of {total} patients").format(done=overall.done, total=overall.total))
        if overall.secondsLeft is not None:
            texts.append(_("{time} left for all").format(time=durationText(overall.secondsLeft)))
    return ", ".join(texts)
