"""Four files in, or one sentence that says why not."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from SegMambaCore.case.case import ROLES, Case
from SegMambaCore.case.read_case import read_case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.write import write_volume
from Testing.SegMambaCore.case.phantoms import coarse_phantom, moved


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, dict[str, Path]]:
    folder = tmp_path_factory.mktemp("case")
    case, _ = coarse_phantom()
    paths = {role: folder / f"a-{role}.nii.gz" for role in ROLES}
    for role, path in paths.items():
        write_volume(case.volumes[role], path)
    return case, paths


def test_case_is_read_with_hashes_and_sources(written: str) -> None:
    case, paths = written
    result = read_case(paths, reference="t2f")
    assert result.reference == "t2f" and result.sources == paths
    for role in ROLES:
        np.testing.assert_array_equal(result.volumes[role].array, case.volumes[role].array)
        assert result.hashes[role] == hashlib.sha256(paths[role].read_bytes()).hexdigest()


def _message(paths: dict[str, Path], reference: str = "t1c") -> None:
    with pytest.raises(SegMambaError) as error:
        read_case(paths, reference)
    assert 1 <= len(str(error.value).splitlines()) <= 3
    return str(error.value)


def test_error_names_role_and_file(written: str, tmp_path: Path) -> None:
    missing = tmp_path / "nothing.nii.gz"
    message = _message({**written[1], "t2f": missing})
    assert message.startswith("T2-FLAIR: ") and str(missing) in message


def test_same_file_twice(written: str) -> None:
    paths = written[1]
    message = _message(
        {**paths, "t2w": paths["t1n"].parent / ".." / paths["t1n"].parent.name / paths["t1n"].name}
    )
    assert "T1 and T2 are the same file" in message


def test_same_content_twice(written: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.nii.gz"
    shutil.copy(written[1]["t1c"], copy)
    message = _message({**written[1], "t2f": copy})
    assert "T1Gd and T2-FLAIR have the same content" in message and str(copy) in message


def test_same_voxels_in_another_format(written: str, tmp_path: Path) -> None:
    case, paths = written
    other = tmp_path / "other.nrrd"
    write_volume(case.volumes["t1n"], other)
    assert "T1 and T2 have the same content" in _message({**paths, "t2w": other})


def test_volumes_that_do_not_overlap(written: str, tmp_path: Path) -> None:
    case, paths = written
    far = np.eye(4)
    far[2, 3] = 500
    write_volume(moved(case.volumes["t2w"], far), tmp_path / "far.nii.gz")
    message = _message({**paths, "t2w": tmp_path / "far.nii.gz"})
    assert "T2 (far.nii.gz)" in message and "do not overlap" in message


def test_small_slab_within_the_reference_overlaps(written: str, tmp_path: Path) -> None:
    case, paths = written
    whole = case.volumes["t2w"]
    shift = np.eye(4)
    shift[:3, 3] = (25, 30, 25)
    slab = type(whole)(whole.array[25:28, 30:33, 25:28], whole.affine @ shift)
    write_volume(slab, tmp_path / "slab.nii.gz")
    assert read_case({**paths, "t2w": tmp_path / "slab.nii.gz"}).volumes["t2w"].array.shape == (3, 3, 3)


def test_two_contrasts_are_enough_and_one_is_not(written: tuple[Case, dict[str, Path]]) -> None:
    paths = written[1]
    case = read_case({role: paths[role] for role in ("t2f", "t1n")})
    assert set(case.volumes) == set(case.hashes) == {"t1n", "t2f"}
    assert case.missing == ("t1c", "t2w")
    assert case.reference == "t1n"  # T1Gd would have been
    assert read_case({role: paths[role] for role in ("t2f", "t1n")}, reference="t2f").reference == "t2f"
    with pytest.raises(SegMambaError, match=r"Only T2 was given\. At least two of T1, T1Gd"):
        read_case({"t2w": paths["t2w"]})
    with pytest.raises(SegMambaError, match=r"Nothing was given\. At least two"):
        read_case({})


def test_unknown_reference(written: str) -> None:
    assert "t1gd: there is no such role" in _message(written[1], reference="t1gd")
