"""A cohort predicted: as the command does, resumable, on a Ray cluster, and with workers that are killed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import psutil
import pytest
import SimpleITK as sitk
import torch

from SegMambaCore.command.choices import Choices
from SegMambaCore.command.main import main as command
from SegMambaCore.command.progress import NoProgress
from SegMambaCore.command.segment_case import OUTPUT_FILES
from SegMambaCore.command.steps import Steps
from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.model_file.safetensors_file import write_model
from SegMambaCore.network.build import build_network
from Testing.Training.data_sets.layouts import brain, write_brats
from Training.data_sets.find import find_cases
from Training.data_sets.pack_found_case import pack_found_case
from Training.model_spec import model_spec
from Training.prediction.inputs import find_inputs
from Training.prediction.predict_case import CasePredictor

ROOT = Path(__file__).resolve().parents[3]
FILES = set(OUTPUT_FILES.values())
NAMES = ("BraTS2021_00001", "BraTS2021_00002")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that nobody has trained, and two cases as scans and as packs."""
    folder = tmp_path_factory.mktemp("cohort")
    torch.manual_seed(0)
    network = build_network("small", 4, 3)
    write_model(network, model_spec("sigmoid", patch=(32, 32, 32)), folder / "model.safetensors")
    for number, name in enumerate(NAMES):
        write_brats(folder / "scans", name, brain(number), orientation="RAI")
    (folder / "packs").mkdir()
    for found in find_cases(folder / "scans"):
        pack_found_case(found, folder / "packs")
    return folder


def _predict(cohort: Path, data: Path, output: Path, *options: str) -> subprocess.Popen[str]:
    script = str(ROOT / "Training" / "predict.py")
    arguments = ["--model", str(cohort / "model.safetensors"), "--data", str(data), "--output", str(output)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, script, *arguments, "--device", "cpu", *options],
        env=environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )


def _finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=240)
    return process.returncode, errors


def test_a_killed_process_costs_one_try_and_the_output_is_that_of_the_command(
    cohort: Path, tmp_path: Path
) -> None:
    output, again, name = tmp_path / "cohort", tmp_path / "command", NAMES[0]
    process = _predict(cohort, cohort / "scans", output)
    killed = _kill_worker(psutil.Process(process.pid), "spawn_main", process)
    assert _finish(process)[0] == 0
    assert not psutil.pid_exists(killed)

    torch.set_num_threads(1)
    options = ["--model", str(cohort / "model.safetensors"), "--device", "cpu", "--progress", "none"]
    command(["segment", str(cohort / "scans" / name), "--output", str(again), *options])
    assert {path.name for path in again.iterdir()} == FILES
    for each in NAMES:
        assert {path.name for path in (output / each).iterdir()} == FILES
    label_map = (output / name / "segmentation.nii.gz").read_bytes()
    assert label_map == (again / "segmentation.nii.gz").read_bytes()
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(again / "segmentation.nii.gz"))).any()
    segments, expected = (
        nrrd.read(str(folder / "segmentation.seg.nrrd"))[0] for folder in (output / name, again)
    )
    np.testing.assert_array_equal(segments, expected)
    ours, theirs = (
        json.loads((folder / "report.json").read_text("utf-8")) for folder in (output / name, again)
    )
    for key in ("started", "finished", "seconds", "device", "peak_memory_gb"):
        del ours[key], theirs[key]
    assert ours == theirs
    with (output / "summary.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert [(row["case"], row["status"]) for row in csv.DictReader(lines)] == [
            (each, "done") for each in NAMES
        ]

    # One case is lost and made again; the finished one is left alone.
    written = (output / name / "report.json").stat().st_mtime_ns
    shutil.rmtree(output / NAMES[1])
    choices = Choices(InferenceSettings(device="cpu"), None, "t1c", "brats2023")
    predictor = CasePredictor((cohort / "model.safetensors",), choices, output)
    for case in find_inputs(cohort / "scans"):
        assert predictor(case).model_sha256
    assert (output / name / "report.json").stat().st_mtime_ns == written
    assert {path.name for path in (output / NAMES[1]).iterdir()} == FILES


def test_a_pack_is_the_case_that_it_was_made_of(cohort: Path) -> None:
    choices = Choices(InferenceSettings(), None, "t1c", "brats2023", preparation=False)
    for both in zip(find_inputs(cohort / "packs"), find_inputs(cohort / "scans"), strict=True):
        pack, scans = (
            one.read(model_spec("sigmoid"), choices, Steps(NoProgress(), lambda: False)) for one in both
        )
        ours, theirs = pack.preparation.case, scans.preparation.case
        step = 8 / 254  # of z-scores, at most
        error = np.abs(pack.prepared.tensor - scans.prepared.tensor)
        assert np.percentile(error, 99.9) < step  # the brightest voxels have one code for all
        for role, volume in theirs.volumes.items():
            assert ours.volumes[role].grid.matches(volume.grid)
            deviation = volume.array[volume.array != 0].std()
            error = np.abs(ours.volumes[role].array - volume.array)
            assert np.percentile(error, 99.9) < step * deviation


def test_cases_that_are_not_there_are_named(cohort: Path) -> None:
    with pytest.raises(SegMambaError, match="does not hold c"):
        find_inputs(cohort / "packs", [NAMES[0], "c"])
    assert [one.name for one in find_inputs(cohort / "packs", NAMES[1:])] == [NAMES[1]]


@pytest.fixture
def ray_address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Ray cluster on this computer alone, with one worker at a time."""
    ray: Any = pytest.importorskip("ray")
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # sockets have short paths
        monkeypatch.setenv("HOME", folder)  # Ray leaves a token there
        monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=1,
            num_gpus=0,
            object_store_memory=80_000_000,
            include_dashboard=False,
            log_to_driver=False,
            _temp_dir=folder,
            _node_ip_address="127.0.0.1",
        )
        try:
            yield ray.get_runtime_context().gcs_address
        finally:
            ray.shutdown()


def test_a_killed_worker_of_a_ray_cluster_costs_one_try_and_a_bad_case_nothing_else(
    cohort: Path, tmp_path: Path, ray_address: str
) -> None:
    data, output = tmp_path / "packs", tmp_path / "out"
    shutil.copytree(cohort / "packs", data)
    (data / "bad.b2nd").write_bytes((data / f"{NAMES[0]}.b2nd").read_bytes()[:2000])
    process = _predict(cohort, data, output, "--ray-address", ray_address)
    killed = _kill_worker(psutil.Process(), "ray::_call", process)
    code, errors = _finish(process)
    assert code == 3, errors
    assert not psutil.pid_exists(killed)
    assert "Failed: bad: " in errors and "is damaged" in errors
    assert {path.name for path in output.iterdir() if path.is_dir()} == set(NAMES)
    for name in NAMES:
        assert {path.name for path in (output / name).iterdir()} == FILES
        # The pack was made of scans that lie another way round; the result lies as they do.
        scan = sitk.ReadImage(str(cohort / "scans" / name / f"{name}_t1ce.nii.gz"))
        result = sitk.ReadImage(str(output / name / "segmentation.nii.gz"))
        for geometry in ("GetSize", "GetOrigin", "GetDirection"):
            assert getattr(result, geometry)() == getattr(scan, geometry)()


def test_no_cluster_is_told(cohort: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    code, errors = _finish(_predict(cohort, cohort / "scans", tmp_path, "--ray-address", "nowhere"))
    assert code == 1
    assert "--ray-address nowhere: no Ray cluster can be reached" in errors


def _kill_worker(above: psutil.Process, name: str, process: subprocess.Popen[str]) -> int:
    """Kill the worker that is at a case, which has made it import PyTorch; return its number."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        for child in above.children(recursive=True):
            try:
                if any(name in part for part in child.cmdline()) and any(
                    "libtorch_cpu" in area.path for area in child.memory_maps()
                ):
                    os.kill(child.pid, signal.SIGKILL)
                    return child.pid
            except (psutil.Error, ProcessLookupError):
                continue
        time.sleep(0.02)
    raise AssertionError(f"no worker was seen: {process.returncode}")
