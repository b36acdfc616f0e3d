"""Events for programs and for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from SegMambaCore.command.progress import Progress, Result, make_progress

RESULT = Result(
    output=Path("out dir"),
    files={"label_map": "segmentation.nii.gz", "report": "report.json"},
    volumes_ml={"WT": 85.3456, "TC": 32.0, "ET": 0.0},
    device="cuda",
    seconds=12.34,
)


def _tell_everything(progress: Progress) -> None:
    progress.phase("read")
    progress.warning("T1 lies apart.")
    progress.phase("segment")
    progress.progress(1, 2, 3.21)
    progress.progress(2, 2, 0.0)
    progress.progress(1, 8, 9.0)
    progress.phase("write")
    progress.result(RESULT)
    progress.error("Out of paper.\nBuy some.")


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_everything(make_progress("json"))
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        {"event": "phase", "phase": "read", "title": "Reading volumes"},
        {"event": "warning", "message": "T1 lies apart."},
        {"event": "phase", "phase": "segment", "title": "Segmenting"},
        {"event": "progress", "phase": "segment", "done": 1, "total": 2, "seconds_left": 3.2},
        {"event": "progress", "phase": "segment", "done": 2, "total": 2, "seconds_left": 0.0},
        {"event": "progress", "phase": "segment", "done": 1, "total": 8, "seconds_left": 9.0},
        {"event": "phase", "phase": "write", "title": "Writing results"},
        {
            "event": "result",
            "output": "out dir",
            "files": {"label_map": "segmentation.nii.gz", "report": "report.json"},
            "volumes_ml": {"WT": 85.346, "TC": 32.0, "ET": 0.0},
            "device": "cuda",
            "seconds": 12.3,
        },
        {"event": "error", "message": "Out of paper.\nBuy some."},
    ]
    assert err == ""


def test_the_bar_talks_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_everything(make_progress("bar"))
    out, err = capsys.readouterr()
    assert "Whole tumor (WT): 85.3 mL" in out
    assert "Enhancing tumor (ET): none found" in out  # "0.0 mL" would read as a measurement
    assert "out dir" in out and "segmentation.nii.gz" in out
    assert "Reading volumes" in err and "Warning: T1 lies apart." in err and "3 s left" in err


def test_none_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_everything(make_progress("none"))
    assert capsys.readouterr() == ("", "")
