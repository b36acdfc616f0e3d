"""The coil's uneven brightness taken out of the brain: N4 (Tustison et al., IEEE TMI 29, 2010), on voxels of 4 mm."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from SegMambaCore.case.skull import background_value, looks_skull_stripped
from SegMambaCore.volume.convert import to_sitk
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Volume

_SPACING_MM = 4.0
_ITERATIONS = [30, 30, 20]


def without_bias(volume: Volume, brain: Volume | None) -> Volume:
    """Return the volume (float32) divided by its bias field, as the brain shows that; background stays as it is.

    brain: a mask in the world of the volume, None where the volume shows nothing else.
    """
    content = volume.array != background_value(volume.array)
    inside = content & (volume.array > 0)
    if brain is not None and not looks_skull_stripped(volume):
        mask = Volume(brain.array.astype(np.float32), brain.affine)
        inside &= resample(mask, volume.grid).array >= 0.5
    image = sitk.Cast(to_sitk(volume), sitk.sitkFloat32)
    region = to_sitk(Volume(inside.astype(np.uint8), volume.affine))
    steps = [max(1, round(_SPACING_MM / step)) for step in volume.grid.spacing]
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(_ITERATIONS)
    try:
        n4.Execute(sitk.Shrink(image, steps), sitk.Shrink(region, steps))
    except RuntimeError:  # too little is seen
        return volume
    field = np.exp(sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)))
    corrected = np.where(content, volume.array / np.maximum(field, 0.05), volume.array)
    return Volume(corrected.astype(np.float32), volume.affine, volume.name)
