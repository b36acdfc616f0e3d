"""Preparing a folder: what is done stays, what is bad is listed, copies are found, a killed run goes on."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.case.read_case import read_case
from SegMambaCore.errors import DiskFullError
from Testing.Training.data_sets.layouts import brain, write_brats, write_task01
from Training import prepare as preparing
from Training.case_pack import pack_names, read_pack
from Training.data_sets.brats import BratsCase
from Training.data_sets.find import find_cases
from Training.data_sets.pack_found_case import pack_found_case
from Training.model_spec import model_spec
from Training.worker_pool import Done

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SEGMAMBA_DATA", ROOT.parent / "shared" / "data")) / "brats"


def _command(data: Path, output: Path) -> list[str]:
    script = str(ROOT / "Training" / "prepare.py")
    return [sys.executable, script, "--data", str(data), "--output", str(output), "--workers", "1"]


def _run(data: Path, output: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(data, output), capture_output=True, encoding="utf-8", errors="replace")


def test_bad_cases_and_copies_are_listed_and_the_rest_is_packed(tmp_path: Path) -> None:
    data, output = tmp_path / "data", tmp_path / "packs"
    write_brats(data, "BraTS2021_00001", brain(1))
    broken = write_brats(data, "BraTS2021_00002", brain(2))
    (broken / "BraTS2021_00002_t2.nii.gz").write_bytes(b"no image")
    # The same patient in earlier years: as float and another way round, and as a case of Task01.
    write_brats(data, "Brats17_TCIA_105_1", brain(1), dtype=np.float32, orientation="RAI")
    write_task01(data, {"BRATS_007": brain(1), "BRATS_008": brain(8)})
    write_brats(data / "again", "BraTS2021_00001", brain(9))

    first = _run(data, output)
    assert first.returncode == 0
    assert "2 cases in" in first.stdout
    assert pack_names(output) == ["BRATS_008", "BraTS2021_00001"]
    with (output / "cases.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {(row["case"], row["used"]): row["reason"] for row in rows if row["used"] == "yes"} == {
        ("BRATS_008", "yes"): "",
        ("BraTS2021_00001", "yes"): "",
    }
    reasons = [(row["case"], row["reason"]) for row in rows if row["used"] == "no"]
    for case, reason in reasons:
        assert case in first.stderr and reason.split(".")[0] in first.stderr.replace("\n", " ")
    assert [case for case, _ in reasons] == [
        "BRATS_007",
        "BraTS2021_00001",
        "BraTS2021_00002",
        "Brats17_TCIA_105_1",
    ]
    words = ("same scans as BraTS2021_00001", "has the same name", "T2:", "same scans as BraTS2021_00001")
    assert all(word in reason for word, (_, reason) in zip(words, reasons, strict=True))

    written = {path: path.stat().st_mtime_ns for path in output.glob("*.b2nd")}
    assert _run(data, output).returncode == 0
    assert written == {path: path.stat().st_mtime_ns for path in output.glob("*.b2nd")}


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    data, output = tmp_path / "data", tmp_path / "packs"
    names = [f"BraTS2021_0000{number}" for number in range(4)]
    for number, name in enumerate(names):
        write_brats(data, name, brain(number))
    process = subprocess.Popen(_command(data, output), stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and not pack_names(output):
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {name: read_pack(output / f"{name}.b2nd").labels.sum() for name in pack_names(output)}
    assert 1 <= len(done) < 4  # all of them whole
    written = {name: (output / f"{name}.b2nd").stat().st_mtime_ns for name in done}
    assert _run(data, output).returncode == 0
    assert pack_names(output) == names
    assert written == {name: (output / f"{name}.b2nd").stat().st_mtime_ns for name in done}


def test_nothing_of_use_is_a_failure(tmp_path: Path) -> None:
    assert _run(tmp_path, tmp_path / "packs").returncode == 1


def test_a_full_disk_is_no_bad_case_but_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_brats(tmp_path / "data", "BraTS2021_00001", brain(1))
    found = find_cases(tmp_path / "data")
    full = Done(found[0], error=DiskFullError("the disk is full"))
    monkeypatch.setattr(preparing, "each_in_processes", lambda *_, **__: (one for one in [full]))
    with pytest.raises(DiskFullError):
        preparing.prepare(found, tmp_path / "packs", workers=1)


@pytest.mark.slow
def test_a_real_pack_is_what_a_user_s_case_becomes(tmp_path: Path) -> None:
    folders = sorted(DATA.iterdir()) if DATA.is_dir() else []
    if not folders:
        pytest.skip(f"no BraTS cases in {DATA}; set SEGMAMBA_DATA")
    pack = read_pack(pack_found_case(BratsCase(folders[0]), tmp_path))
    tensor = prepare_case(read_case(find_case_files(folders[0])), model_spec("sigmoid")).tensor
    restored = pack.tensor()
    np.testing.assert_array_equal(restored == 0, tensor == 0)
    for channel, packed, low, step in zip(tensor, restored, pack.head.low, pack.head.step, strict=True):
        brain_voxels = channel != 0
        representable = brain_voxels & (channel <= low + 254 * step)
        assert np.abs(packed - channel)[representable].max() <= 0.501 * step
        assert representable.sum() >= 0.999 * brain_voxels.sum()
        assert abs(packed[brain_voxels].mean()) < 0.005
        assert packed[brain_voxels].std() == pytest.approx(1.0, abs=0.01)
