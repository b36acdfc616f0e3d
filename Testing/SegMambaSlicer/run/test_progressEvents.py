"""The lines of the command's output."""

from __future__ import annotations

import pytest
from SegMambaLib.run.progressEvents import (
    ErrorEvent,
    PhaseEvent,
    ProgressEvent,
    ResultEvent,
    WarningEvent,
    parseEvent,
)
from SegMambaLib.run.progressText import durationText, progressText, resultText


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            b'{"event":"phase","phase":"read","title":"Reading volumes"}',
            PhaseEvent("read", "Reading volumes"),
        ),
        (
            b'{"event":"progress","phase":"segment","done":3,"total":64,"seconds_left":12.3}',
            ProgressEvent(3, 64, 12.3),
        ),
        (b'{"event":"progress","done":3,"total":64,"seconds_left":null}', ProgressEvent(3, 64, None)),
        ('{"event":"warning","message":"Größe"}'.encode(), WarningEvent("Größe")),
        (b'{"event":"error","message":"No\\nmemory"}', ErrorEvent("No\nmemory")),
        (
            b'{"event":"result","output":"out","files":{"segments":"s.seg.nrrd","report":"r.json","check":"c.png"},"volumes_ml":{"WT":1},'
            b'"device":"cpu","seconds":2}',
            ResultEvent("s.seg.nrrd", "r.json", "c.png", {"WT": 1.0}, 2.0),
        ),
    ],
)
def test_events(line: bytes, event: object) -> None:
    assert parseEvent(line) == event


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Loading weights",
        b"\xff\xfe\x00",
        b"3",
        b"[1]",
        b"null",
        b'"phase"',
        b'{"event": "unknown"}',
        b'{"event": ["phase"]}',
        b'{"event": "progress"}',
        b'{"event": "progress", "done": "many", "total": 2}',
        b'{"event": "result", "files": 3, "volumes_ml": {}, "seconds": 1}',
        b'{"event": "result", "files": {"report": "r"}, "volumes_ml": {}, "seconds": 1}',
        b'{"phase": "read"}',
    ],
)
def test_everything_else_is_passed_over(line: bytes) -> None:
    assert parseEvent(line) is None


def test_progress_in_words() -> None:
    phase = PhaseEvent("segment", "")
    assert progressText(None, None) == "Starting"
    assert progressText(phase, None) == "Segmenting"
    assert progressText(phase, ProgressEvent(1, 9, 41.4)) == "Segmenting, 41 s left"
    assert progressText(phase, ProgressEvent(1, 9, 170)) == "Segmenting, 3 min left"
    assert progressText(PhaseEvent("polish", "Polishing"), None) == "Polishing"


def test_a_region_that_was_not_found_does_not_measure_zero() -> None:
    result = ResultEvent("s.seg.nrrd", "r.json", "c.png", {"WT": 45.25, "TC": 20.0, "ET": 0.0}, 12.0)
    assert resultText(result) == "Finished in 12 s. WT 45.2 mL, TC 20.0 mL, ET none found"


def test_a_moment_is_not_zero_seconds() -> None:
    assert durationText(0.01) == "1 s"
