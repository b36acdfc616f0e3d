"""From the network's probabilities back to the patient: regions on the reference volume's own voxels."""

from __future__ import annotations

from itertools import product

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SegMambaCore.case.prepare import place_back
from SegMambaCore.case.prepared import PreparationRecord
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.decide import decide
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.bounding_box import Box, bounding_box
from SegMambaCore.volume.convert import lps_geometry
from SegMambaCore.volume.resample import resample, to_orientation
from SegMambaCore.volume.volume import Grid, Volume

Masks = dict[str, NDArray[np.bool_]]


def restore(probabilities: NDArray[np.float32], record: PreparationRecord, spec: ModelSpec) -> Segmentation:
    """Return the regions on the reference grid.

    probabilities: float32 (outputs, D, H, W) on the crop that the record describes, in the order of
        `spec.outputs`.

    Where `restore_masks` can move the decided voxels it does. Otherwise the probabilities, not the decisions, are
    interpolated linearly, so that a border stays where the network saw it to a fraction of a voxel. Outside the crop
    is background.

    Raises ValueError when the outputs are not those of the spec.
    """
    decided = decide(probabilities, spec)
    moved = restore_masks(decided, record)
    if moved is not None:
        return moved
    return Segmentation(_resampled(probabilities, decided["WT"], record, spec), record.reference_grid)


def restore_masks(decided: Masks, record: PreparationRecord) -> Segmentation | None:
    """Return what `restore` does, from the masks on the crop alone.

    None where the model's grid is not the reference's but for the order and direction of its axes: the masks do not
    suffice there.
    """
    _, _, direction = lps_geometry(record.reference_grid)
    orientation = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(direction)
    masks = {}
    for region, mask in decided.items():
        on_model_grid = Volume(place_back(mask, record, False), record.model_grid.affine)
        turned = to_orientation(on_model_grid, orientation)
        if not turned.grid.matches(record.reference_grid):
            return None
        masks[region] = np.ascontiguousarray(turned.array)
    return Segmentation(masks, record.reference_grid)


def _resampled(
    probabilities: NDArray[np.float32], tumor: NDArray[np.bool_], record: PreparationRecord, spec: ModelSpec
) -> Masks:
    """Decide on the reference grid, from interpolated probabilities; tumor: the crop's mask of WT."""
    masks = {region: np.zeros(record.reference_grid.shape, dtype=np.bool_) for region in REGIONS}
    # Between background voxels linear interpolation finds nothing but background: the rest never matters.
    tumor_box = bounding_box(place_back(tumor, record, False))
    if tumor_box is None:
        return masks
    source_box = _one_voxel_wider(tumor_box, record.model_grid.shape)
    source_grid = _grid_of(source_box, record.model_grid)
    target_box = _box_on(record.reference_grid, source_grid)
    target_grid = _grid_of(target_box, record.reference_grid)
    if 0 in target_grid.shape:
        return masks

    resampled = np.empty((len(spec.outputs), *target_grid.shape), dtype=np.float32)
    for output, channel in enumerate(probabilities):
        background = 1.0 if spec.outputs[output] == "background" else 0.0
        source = Volume(place_back(channel, record, background)[source_box], source_grid.affine)
        resampled[output] = resample(source, target_grid, outside=background).array
    for region, mask in decide(resampled, spec, record.reference_grid.voxel_volume_ml).items():
        masks[region][target_box] = mask
    return masks


def _one_voxel_wider(box: Box, shape: tuple[int, int, int]) -> Box:
    k, j, i = (
        slice(max(side.start - 1, 0), min(side.stop + 1, count))
        for side, count in zip(box, shape, strict=True)
    )
    return k, j, i


def _box_on(grid: Grid, part: Grid) -> Box:
    """The box of those voxels of `grid` whose centres may lie within voxels of `part`."""
    outer_corners = product(*((-0.5, count - 0.5) for count in part.shape[::-1]))
    part_to_grid = np.linalg.inv(grid.affine) @ part.affine
    indices = np.array([part_to_grid @ (*corner, 1.0) for corner in outer_corners])[:, 2::-1]  # k, j, i
    start = np.clip(np.floor(indices.min(axis=0)), 0, grid.shape).astype(int)
    stop = np.clip(np.ceil(indices.max(axis=0)) + 1, 0, grid.shape).astype(int)
    k, j, i = (slice(int(first), int(last)) for first, last in zip(start, stop, strict=True))
    return k, j, i


def _grid_of(box: Box, grid: Grid) -> Grid:
    k, j, i = box
    start, shape = (k.start, j.start, i.start), (k.stop - k.start, j.stop - j.start, i.stop - i.start)
    return grid.box(start, shape)
