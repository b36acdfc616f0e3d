"""The file against SimpleITK as the one who reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SegMambaCore.errors import SegMambaError
from SegMambaCore.registration.transform_file import read_transform, write_transform
from SegMambaCore.volume.convert import from_sitk, to_sitk
from SegMambaCore.volume.volume import Volume

from .moved_heads import motion


def test_itk_resamples_the_moving_volume_onto_the_fixed_with_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    fixed = Volume(rng.normal(size=(9, 10, 11)).astype(np.float32), np.diag([-2.0, -1.5, 3.0, 1.0]))
    moving_to_fixed = motion(np.array([5.0, -3.0, 8.0]), 14, 40)
    # The same voxels, lying elsewhere.
    moving = Volume(fixed.array, np.linalg.inv(moving_to_fixed) @ fixed.affine)
    path = tmp_path / "to_fixed.tfm"
    write_transform(moving_to_fixed, path)
    itk = sitk.Resample(to_sitk(moving), to_sitk(fixed), sitk.ReadTransform(str(path)), sitk.sitkLinear)
    inner = (slice(1, -1),) * 3  # rounding decides whether the rim is inside
    np.testing.assert_allclose(from_sitk(itk, "").array[inner], fixed.array[inner], atol=1e-4)
    np.testing.assert_allclose(read_transform(path), moving_to_fixed, atol=1e-12)


def test_what_is_no_linear_transform_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.tfm"
    path.write_text("nothing")
    with pytest.raises(SegMambaError, match="not an ITK transform"):
        read_transform(path)
    field = sitk.DisplacementFieldTransform(sitk.Image(4, 4, 4, sitk.sitkVectorFloat64))
    sitk.WriteTransform(field, str(tmp_path / "field.tfm"))
    with pytest.raises(SegMambaError, match="not linear"):
        read_transform(tmp_path / "field.tfm")
