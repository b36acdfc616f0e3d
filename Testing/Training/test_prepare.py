"""Preparing BraTS folders: conventions of names and labels, geometry, and parity with a user's case."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.case.read_case import read_case
from SegMambaCore.errors import SegMambaError
from Training.case_pack import read_pack
from Training.model_spec import model_spec
from Training.prepare import find_cases, prepare_training_case

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SEGMAMBA_DATA", ROOT.parent / "shared" / "data")) / "brats"
SHAPE = (30, 36, 33)
NAMES_2021, NAMES_2023 = ("_t1", "_t1ce", "_t2", "_flair", "_seg"), ("-t1n", "-t1c", "-t2w", "-t2f", "-seg")


@pytest.mark.parametrize(
    ("case", "suffixes", "et_label"),
    [
        ("Brats17_CBICA_AAA_1", NAMES_2021, 4),
        ("BraTS20_Training_001", NAMES_2021, 4),
        ("BraTS2021_00001", NAMES_2021, 4),
        ("BraTS-GLI-00001-000", NAMES_2023, 3),
    ],
)
def test_labels_mean_the_same_in_every_year(
    tmp_path: Path, case: str, suffixes: tuple[str, ...], et_label: int
) -> None:
    folder = _write_case(tmp_path, case, suffixes, et_label)
    pack = read_pack(prepare_training_case(folder, tmp_path))
    assert pack.name == case
    assert np.bincount(pack.labels.ravel(), minlength=4).tolist()[1:] == [24, 408, 216]
    assert set(pack.sources) == {"t1n", "t1c", "t2w", "t2f"}
    assert all(side % 16 == 0 for side in pack.labels.shape)
    # Enhancing tumour was made brighter than all else on T1Gd: labels lie where the image says.
    t1c = pack.tensor()[1]
    assert t1c[pack.labels == 3].min() > t1c[pack.labels != 3].max()


def test_another_orientation_gives_the_same_pack(tmp_path: Path) -> None:
    packs = []
    for number, orientation in enumerate(("LPS", "RSA")):
        folder = _write_case(tmp_path, f"BraTS2021_0000{number}", NAMES_2021, 4, orientation)
        packs.append(read_pack(prepare_training_case(folder, tmp_path)))
    np.testing.assert_array_equal(packs[0].labels, packs[1].labels)
    np.testing.assert_array_equal(packs[0].codes, packs[1].codes)


@pytest.mark.parametrize(
    ("case", "et_label", "words"),
    [
        ("BraTS-GLI-00001-000", 4, "labels"),
        ("BraTS2021_00001", 3, "labels"),
        ("patient7", 4, "no BraTS year"),
    ],
)
def test_labels_of_another_convention_are_refused(
    tmp_path: Path, case: str, et_label: int, words: str
) -> None:
    folder = _write_case(tmp_path, case, NAMES_2021, et_label)
    with pytest.raises(SegMambaError, match=words):
        prepare_training_case(folder, tmp_path)


def test_the_script_skips_a_bad_case_and_what_is_done(tmp_path: Path) -> None:
    data, output = tmp_path / "data", tmp_path / "packs"
    _write_case(data, "BraTS2021_00001", NAMES_2021, 4)
    broken = _write_case(data, "BraTS2021_00002", NAMES_2021, 4)
    (broken / "BraTS2021_00002_t2.nii.gz").write_bytes(b"no image")
    command = [
        sys.executable,
        str(ROOT / "Training" / "prepare.py"),
        "--data",
        str(data),
        "--output",
        str(output),
    ]
    first = subprocess.run(
        [*command, "--workers", "1"], capture_output=True, encoding="utf-8", errors="replace", check=True
    )
    assert "1 of 2 cases" in first.stdout
    assert "BraTS2021_00002: T2" in first.stderr
    (pack,) = output.iterdir()
    written = pack.stat().st_mtime_ns
    subprocess.run(
        [*command, "--workers", "1"], capture_output=True, encoding="utf-8", errors="replace", check=True
    )
    assert pack.stat().st_mtime_ns == written


@pytest.mark.slow
def test_a_real_pack_is_what_a_user_s_case_becomes(tmp_path: Path) -> None:
    cases = find_cases(DATA) if DATA.is_dir() else []
    if not cases:
        pytest.skip(f"no BraTS cases in {DATA}; set SEGMAMBA_DATA")
    pack = read_pack(prepare_training_case(cases[0], tmp_path))
    tensor = prepare_case(read_case(find_case_files(cases[0])), model_spec("sigmoid")).tensor
    restored = pack.tensor()
    np.testing.assert_array_equal(restored == 0, tensor == 0)
    for channel, packed, low, step in zip(tensor, restored, pack.low, pack.step, strict=True):
        brain = channel != 0
        representable = brain & (channel <= low + 254 * step)
        assert np.abs(packed - channel)[representable].max() <= 0.501 * step
        assert representable.sum() >= 0.999 * brain.sum()
        assert abs(packed[brain].mean()) < 0.005
        assert packed[brain].std() == pytest.approx(1.0, abs=0.01)


def _write_case(
    data: Path, case: str, suffixes: tuple[str, ...], et_label: int, orientation: str = "LPS"
) -> Path:
    """A brain of noise with a tumour: 24 voxels NCR, 216 ET around it, 408 ED around that."""
    folder = data / case
    folder.mkdir(parents=True)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[8:17, 9:17, 10:19] = 2
    labels[10:16, 11:16, 11:19] = et_label
    labels[11:15, 12:14, 13:16] = 1
    rng = np.random.default_rng(0)
    for suffix in suffixes:
        array = labels
        if suffix != suffixes[-1]:
            array = np.zeros(SHAPE, dtype=np.float32)
            array[3:-3, 3:-3, 3:-3] = rng.uniform(100, 200, size=tuple(side - 6 for side in SHAPE))
            array[labels == et_label] += 300
        image = sitk.GetImageFromArray(array)
        image.SetOrigin((5.0, -20.0, 7.0))
        sitk.WriteImage(sitk.DICOMOrient(image, orientation), str(folder / f"{case}{suffix}.nii.gz"))
    return folder
