"""One batch at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from SegMambaCore.batch.lock import only_batch_in
from SegMambaCore.errors import SegMambaError

_HOLD = (
    "import sys, time; from pathlib import Path; from SegMambaCore.batch.lock import only_batch_in\n"
    "with only_batch_in(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
)


def test_a_second_one_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        with pytest.raises(SegMambaError, match="another batch is at work"), only_batch_in(tmp_path / "out"):
            pass
        first.kill()
    with only_batch_in(tmp_path / "out"):
        pass
    with only_batch_in(tmp_path / "out"):
        pass


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(SegMambaError, match="cannot be written to"), only_batch_in(tmp_path / "out"):
        pass
