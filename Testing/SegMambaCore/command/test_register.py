"""The command: a file, its events, its errors, and nothing left after a cancel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.command.main import main
from SegMambaCore.registration.transform_file import read_transform
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.volume.volume import Volume
from SegMambaCore.volume.write import write_volume


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two files: a head, and another contrast of it 12 mm to the left."""
    folder = tmp_path_factory.mktemp("scans")
    case, _ = make_phantom(0, (50, 64, 54), np.diag([-3.0, -3.0, 3.0, 1.0]))
    second = case.volumes["t2f"]
    moved = np.eye(4)
    moved[0, 3] = -12
    write_volume(case.volumes["t1c"], folder / "first.nii.gz")
    write_volume(Volume(second.array, moved @ second.affine), folder / "second.nii.gz")
    return folder / "first.nii.gz", folder / "second.nii.gz"


def test_it_writes_the_transform_and_says_so(
    scans: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "second_to_first.tfm"
    arguments = ["register", "--fixed", str(scans[0]), "--moving", str(scans[1]), "--output", str(output)]
    assert main([*arguments, "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["phase"] for event in events if event["event"] == "phase"] == ["read", "register", "write"]
    assert events[-1]["event"] == "result"
    matrix = read_transform(output)
    np.testing.assert_allclose(matrix, events[-1]["matrix"], atol=1e-9)
    np.testing.assert_allclose(matrix[:3, 3], [12, 0, 0], atol=0.6)


def test_errors_name_the_input(
    scans: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixed, moving = map(str, scans)
    output = str(tmp_path / "a.tfm")
    assert main(["register", "--fixed", "none.nii", "--moving", moving, "--output", output]) == 1
    assert "none.nii: there is no such file" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["register", "--fixed", fixed, "--moving", moving, "--output", str(tmp_path / "a.nii")])
    assert caught.value.code == 2
    assert ".tfm" in capsys.readouterr().err
    assert main(["register", "--fixed", fixed, "--moving", fixed, "--output", output]) == 1
    assert "both scans are this one" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    folder = tmp_path / "folder.tfm"
    folder.mkdir()
    assert main(["register", "--fixed", fixed, "--moving", moving, "--output", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "this is a folder" in said and "Registering" not in said
    folder.rmdir()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_cancel_leaves_no_file(scans: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "a.tfm"
    command = [sys.executable, "-m", "SegMambaCore", "register", "--progress", "json"]
    command += ["--fixed", str(scans[0]), "--moving", str(scans[1]), "--output", str(output)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if '"progress"' in line:
            os.kill(process.pid, signal.SIGTERM)
            break
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not list(tmp_path.iterdir())
