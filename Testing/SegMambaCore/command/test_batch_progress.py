"""The time left for all."""

from __future__ import annotations

import pytest

from SegMambaCore.command import batch_progress
from SegMambaCore.command.batch_progress import TimeLeft


def test_the_time_left_comes_from_the_patients_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(batch_progress.time, "perf_counter", lambda: now)
    left = TimeLeft(4)
    assert left.between() is None
    left.begin()
    now += 5
    # 5 s passed and 15 s left make 20 s a patient; three more wait.
    assert left.amid(15.0) == 15 + 3 * 20
    now += 15
    left.end(counts=True)
    assert left.between() == 60
    left.begin()
    left.end(counts=False)  # failed at once: says nothing of the others
    assert left.between() == 40
    left.begin()
    now += 10
    assert left.amid(30.0) == 30 + 20
    now += 30
    left.end(counts=True)
    assert left.between() == 30
    left.begin()
    left.end(counts=True)
    assert left.between() == 0.0
