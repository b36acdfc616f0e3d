"""The state machine around a program: against a scripted process, and against real ones that misbehave."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import pytest
from scenes import fake_program
from SegMambaLib.run.programRun import RunState
from SegMambaLib.run.progressEvents import PhaseEvent, ProgressEvent
from SegMambaLib.run.segmentationRun import SegmentationRun
from SegMambaLib.run.segmentCommand import RunChoices, segmentCommand


class ScriptedProcess:
    """A process whose every move the test makes."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> None:
        self.code: int | None = None
        self.calls: list[str] = []

    def exitCode(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.calls.append("terminate")

    def kill(self) -> None:
        self.calls.append("kill")

    def wait(self, seconds: float) -> None:
        self.calls.append("wait")


@pytest.fixture
def run(tmp_path: Path) -> SegmentationRun:
    return SegmentationRun(["program"], {}, tmp_path, ScriptedProcess)


def say(folder: Path, text: str, file: str = "events.jsonl") -> None:
    with (folder / file).open("ab") as output:
        output.write(text.encode())


RESULT = '{"event":"result","files":{"segments":"s","report":"r","check":"c"},"volumes_ml":{},"seconds":1}\n'


def test_events_arrive_while_the_program_runs_and_half_lines_wait(
    run: SegmentationRun, tmp_path: Path
) -> None:
    say(tmp_path, '{"event":"phase","phase":"read","title":"R"}\n{"event":"progress","done":1,"to')
    assert run.poll() is RunState.RUNNING
    assert (run.phase, run.progress) == (PhaseEvent("read", "R"), None)
    say(tmp_path, 'tal":2}\n')
    run.poll()
    assert run.progress == ProgressEvent(1, 2, None)
    say(tmp_path, '{"event":"phase","phase":"write","title":"W"}\n')
    run.poll()
    assert (run.phase, run.progress) == (PhaseEvent("write", "W"), None)


def test_success_needs_a_result_and_exit_code_zero(run: SegmentationRun, tmp_path: Path) -> None:
    say(tmp_path, RESULT)
    assert run.poll() is RunState.RUNNING
    run._process.code = 0
    assert run.poll() is RunState.SUCCEEDED
    assert run._process.calls == ["kill"]  # whatever it left behind
    assert run.poll() is RunState.SUCCEEDED


def test_a_result_followed_by_a_crash_is_a_failure(run: SegmentationRun, tmp_path: Path) -> None:
    say(tmp_path, RESULT)
    run._process.code = 1
    assert run.poll() is RunState.FAILED


def test_exit_code_zero_without_a_result_is_a_failure(run: SegmentationRun) -> None:
    run._process.code = 0
    assert run.poll() is RunState.FAILED
    assert "without a result" in run.errorMessage


def test_the_reason_is_the_error_event_before_the_last_lines_of_stderr(
    run: SegmentationRun, tmp_path: Path
) -> None:
    say(tmp_path, "noise\n" * 9, "messages.txt")
    say(tmp_path, '{"event":"error","message":"T2 is empty."}\n')
    run._process.code = 1
    run.poll()
    assert run.errorMessage == "T2 is empty."


def test_without_error_event_the_last_lines_of_stderr_are_the_reason(
    run: SegmentationRun, tmp_path: Path
) -> None:
    say(tmp_path, "Traceback\n  File x\n\nFirst\nSecond \nThird\n\n", "messages.txt")
    run._process.code = 1
    run.poll()
    assert run.errorMessage == "First\nSecond\nThird"


def test_a_killed_program_ran_out_of_memory(run: SegmentationRun) -> None:
    run._process.code = -9
    run.poll()
    assert "memory" in run.errorMessage


def test_cancel_asks_waits_then_kills(run: SegmentationRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run.cancel()
    assert run.poll() is RunState.CANCELLING
    assert run._process.calls == ["terminate"]
    run.cancel()
    assert run._process.calls == ["terminate"]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 10)
    assert run.poll() is RunState.CANCELLING
    assert run._process.calls == ["terminate", "kill"]
    run._process.code = -9
    assert run.poll() is RunState.CANCELLED
    assert run.errorMessage == ""


def test_a_result_after_cancel_is_not_wanted_any_more(run: SegmentationRun, tmp_path: Path) -> None:
    run.cancel()
    say(tmp_path, RESULT)
    run._process.code = 0
    assert run.poll() is RunState.CANCELLED


def test_stop_now_kills_and_waits(run: SegmentationRun) -> None:
    run.stopNow()
    assert run.state is RunState.CANCELLED
    assert run._process.calls == ["kill", "wait"]
    run.stopNow()
    assert run._process.calls == ["kill", "wait"]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("traceback", "No module named 'torch'"),
        ("silent", "exit code 3"),
        pytest.param(
            "killed", "memory", marks=pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
        ),
    ],
)
def test_real_programs_that_fail(behaviour: str, message: str, tmp_path: Path) -> None:
    run = start_fake(tmp_path, behaviour)
    assert run.state is RunState.FAILED
    assert message in run.errorMessage


def start_fake(folder: Path, behaviour: str) -> SegmentationRun:
    program = fake_program(FAKE_BEHAVIOUR=behaviour)
    files = {role: folder / f"{role}.nrrd" for role in ("t1n", "t1c", "t2w", "t2f")}
    command = segmentCommand(program.python, files, folder / "output", RunChoices())
    run = SegmentationRun(command, program.environment, folder)
    end = time.monotonic() + 20
    while not run.poll().isOver and time.monotonic() < end:
        time.sleep(0.02)
    return run


def test_a_real_program_that_prints_garbage_is_understood(tmp_path: Path) -> None:
    run = start_fake(tmp_path, "garbage")  # and fails for want of volumes
    assert run.phase == PhaseEvent("segment", "Segmenting")
    assert run.progress == ProgressEvent(3, 3, 0.0)
    assert run.warnings == ["The volumes T2 and T1Gd hardly resemble each other."]
    assert "t1c.nrrd" in run.errorMessage
