"""A command ends with the program that started it, even if that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]

WORK = """
import subprocess, sys, time
from pathlib import Path
from SegMambaCore.command.cancel import cancel_on_signal
from SegMambaCore.command.parent import ending_with_parent

with ending_with_parent():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path("started").write_text(str(child.pid))
    if sys.argv[1] == "asks":
        with cancel_on_signal() as is_cancelled:
            while not is_cancelled():
                time.sleep(0.05)
            Path(sys.argv[2]).write_text("asked")
            time.sleep(0.3)
    elif sys.argv[1] == "finishes":
        child.kill()
    else:
        time.sleep(60)
"""

PARENT = """
import os, subprocess, sys, time
environment = {**os.environ, "SEGMAMBA_PARENT": str(os.getpid()), "SEGMAMBA_PARENT_FOLDER": sys.argv[1]}
work = subprocess.Popen([sys.executable, *sys.argv[2:]], env=environment, cwd=sys.argv[1], start_new_session=True)
print(work.pid, flush=True)
time.sleep(60)
"""


def start(folder: Path, behaviour: str, note: Path) -> tuple[subprocess.Popen, psutil.Process]:
    """Return a parent and the work that it started in the folder."""
    script = note.parent / "work.py"
    script.write_text(WORK, encoding="utf-8")
    arguments = [str(folder), str(script), behaviour, str(note)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", PARENT, *arguments]
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    return parent, psutil.Process(int(parent.stdout.readline()))


def wait_until_gone(process: psutil.Process) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    raise AssertionError(f"{process} lives on")


@pytest.mark.parametrize("behaviour", ["asks", "ignores"])
def test_nothing_is_left_when_the_parent_was_killed(behaviour: str, tmp_path: Path) -> None:
    folder, note = tmp_path / "temporary", tmp_path / "note"
    folder.mkdir()
    (folder / "t1c.nrrd").write_bytes(b"a copy of a patient's volume")
    parent, work = start(folder, behaviour, note)
    end = time.monotonic() + 20
    while not (folder / "started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    child = psutil.Process(int((folder / "started").read_text(encoding="utf-8")))
    parent.kill()
    parent.wait()
    for process in (work, child):
        wait_until_gone(process)
    assert not folder.exists()
    assert note.exists() == (behaviour == "asks")


def test_work_that_is_done_ends_at_once_and_removes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    parent, work = start(folder, "finishes", tmp_path / "note")
    wait_until_gone(work)
    assert parent.poll() is None
    assert (folder / "started").exists()
    parent.kill()
    parent.wait()


def test_a_command_by_hand_has_no_parent_to_watch(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGMAMBA_")}
    done = subprocess.run(
        [sys.executable, "-m", "SegMambaCore", "models"], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0
