"""The whole way: volumes of a scene, SegMambaCore with its weights beside Slicer, segments."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from numpy.typing import NDArray
from scenes import REPOSITORY, add_transform, masks_on, shift_and_turn
from SegMambaLib.models.modelFiles import modelFiles
from SegMambaLib.result.runHistory import RunHistory
from SegMambaLib.run.program import Program, coreParentFolder
from SegMambaLib.run.programRun import RunState
from SegMambaLib.run.segmentationJob import SegmentationJob
from SegMambaLib.run.segmentCommand import RunChoices

from SegMambaCore.case.find import find_case_files

pytestmark = pytest.mark.slow

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(coreParentFolder())}


@pytest.fixture(params=["sample", "real"])
def case_files(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Path]:
    """Four files by role: of the synthetic case, and of a real one where there is one."""
    if not modelFiles():
        pytest.skip("no weights in SegMambaCore/weights")
    if request.param == "sample":
        command(["sample", str(tmp_path / "sample")])
        return find_case_files(tmp_path / "sample")
    folder = Path(os.environ.get("SEGMAMBA_DATA", REPOSITORY.parent / "shared" / "data")) / "brats"
    cases = sorted(path for path in folder.glob("*") if path.is_dir())
    if not cases:
        pytest.skip(f"no real cases in {folder}; set SEGMAMBA_DATA")
    return find_case_files(cases[0])


def command(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "SegMambaCore", *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def read(path: Path) -> tuple[NDArray, NDArray[np.float64]]:
    """Voxels (k, j, i) and affine to RAS."""
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), np.diag([-1, -1, 1, 1]) @ affine


def test_the_scene_gets_what_the_command_finds_in_the_files(
    case_files: dict[str, Path], tmp_path: Path
) -> None:
    """A parent transform moves the head, and the network sees the same voxels: the same result."""
    transform = add_transform(shift_and_turn())
    volumes = {}
    for role, path in case_files.items():
        voxels, affine = read(path)
        volumes[role] = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", role)
        slicer.util.updateVolumeFromArray(volumes[role], voxels)
        volumes[role].SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
        volumes[role].SetAndObserveTransformNodeID(transform.GetID())
    program = Program(sys.executable, ENVIRONMENT)
    choices = RunChoices(quality="fast")
    folder = Path(slicer.app.temporaryPath)
    job = SegmentationJob(volumes, None, choices, program, RunHistory(), folder)
    while not job.poll().isOver:
        time.sleep(0.1)
    assert job.state is RunState.SUCCEEDED, job.errorMessage

    output = tmp_path / "output"
    inputs = [argument for role, path in case_files.items() for argument in (f"--{role}", str(path))]
    command(["segment", *inputs, "--output", str(output), "--labels", "brats2023", "--progress", "none"])
    labels, _affine = read(output / "segmentation.nii.gz")
    expected = {"WT": labels > 0, "TC": (labels == 1) | (labels == 3), "ET": labels == 3}
    assert expected["WT"].any()
    for region, mask in masks_on(job.segmentation, volumes["t1c"]).items():
        # Interpolation in turned coordinates may move a voxel at the border.
        assert np.count_nonzero((mask > 0) != expected[region]) <= 1e-3 * max(
            np.count_nonzero(expected[region]), 1
        )
        voxel_ml = abs(np.linalg.det(read(case_files["t1c"])[1][:3, :3])) / 1000
        assert job.run.result.volumesMl[region] == pytest.approx(np.count_nonzero(mask) * voxel_ml, abs=0.01)
