"""From the volumes to the network's input, and the crop's way back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.brain_box import exact_box, grown_box, without_dust
from SegMambaCore.case.case import ROLE_TITLES, Case
from SegMambaCore.case.missing import missing_sentences
from SegMambaCore.case.prepared import PreparationRecord, PreparedCase
from SegMambaCore.case.skull import background_value, looks_skull_stripped
from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.volume.bounding_box import Box
from SegMambaCore.volume.resample import grid_at_spacing, resample, to_orientation
from SegMambaCore.volume.volume import Grid, Volume

_SIDE_MULTIPLE = 16  # the networks halve four times; such sides need no padding inside
_LEAST_COVERAGE = 0.9


@dataclass(frozen=True)
class _Channel:
    """A volume on the model's grid; content: where it differs from its background."""

    values: NDArray
    content: NDArray[np.bool_]


def prepare_case(case: Case, spec: ModelSpec, brain: Volume | None = None) -> PreparedCase:
    """Bring a case to the orientation, spacing, box and intensities that a model was trained with.

    The reference volume is turned to `spec.orientation` by permuting and flipping axes, never by
    interpolation; the model's grid has its field of view, at `spec.spacing` where that differs by more than
    1 %. Volumes that lie on this grid are copied, others interpolated linearly. The box holds all voxels
    where any channel differs from its background, the most frequent value on the faces of that volume. The channel of
    a contrast that is missing is 0 everywhere.
    brain: a mask, 1 in the brain, on any grid in the world of the case: of volumes that show a head, what lies
    outside it is background.

    "zscore_brain": the box passes over specks far from the brain and is grown on both sides to multiples of
    16; each channel gets mean 0 and standard deviation 1 over its voxels that differ from background, which
    becomes 0. "zscore_crop": the box is exact, and the figures are taken over all of it, background included.

    Raises SegMambaError when a channel shows nothing within the reference's field of view.
    """
    reference = to_orientation(case.reference_volume, spec.orientation)
    model_grid = _model_grid(reference.grid, spec)
    inside = None if brain is None else _mask_on_grid(brain, model_grid)

    def on_model_grid(role: str) -> _Channel:
        volume = case.volumes[role]
        if inside is None or looks_skull_stripped(volume):
            return _on_grid(to_orientation(volume, spec.orientation), model_grid)
        return _of_head(volume, model_grid, inside)

    roles = [role for role in spec.channels if role in case.volumes]
    with ThreadPoolExecutor() as pool:
        channels = dict(zip(roles, pool.map(on_model_grid, roles), strict=True))
    _check_content(case, {role: channel.content for role, channel in channels.items()})

    content = np.logical_or.reduce([channel.content for channel in channels.values()])
    over_brain = spec.normalisation == "zscore_brain"
    start, shape = grown_box(without_dust(content), _SIDE_MULTIPLE) if over_brain else exact_box(content)
    record = PreparationRecord(case.reference_volume.grid, model_grid, start, shape)

    tensor = np.zeros((len(spec.channels), *shape), dtype=np.float32)
    in_grid, in_crop = _shared_part(record)
    _check_content(case, {role: channel.content[in_grid] for role, channel in channels.items()})

    def fill(role: str) -> None:
        channel, target = channels[role], tensor[spec.channels.index(role)][in_crop]
        of_crop = channel.content[in_grid] if over_brain else np.ones(target.shape, dtype=np.bool_)
        target[...] = _z_scored(channel.values[in_grid], of_crop)

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, roles))  # what one raises comes out here
    return PreparedCase(
        tensor, record, missing_sentences(case.missing, spec) + _coverage_warnings(case, channels)
    )


def place_back(array: NDArray, record: PreparationRecord, fill: float) -> NDArray:
    """Undo the crop: put an array (..., k, j, i) on the box into one on the model's grid, else `fill`."""
    whole = np.full((*array.shape[:-3], *record.model_grid.shape), fill, dtype=array.dtype)
    in_grid, in_crop = _shared_part(record)
    all_channels = (Ellipsis,)
    whole[all_channels + in_grid] = array[all_channels + in_crop]
    return whole


def crop_to_box(array: NDArray, record: PreparationRecord) -> NDArray:
    """Crop an array (k, j, i) on the model's grid to the box, 0 where the box reaches beyond the grid."""
    box = np.zeros(record.crop_shape, dtype=array.dtype)
    in_grid, in_crop = _shared_part(record)
    box[in_crop] = array[in_grid]
    return box


def _model_grid(reference: Grid, spec: ModelSpec) -> Grid:
    wanted = np.asarray(spec.spacing[::-1])
    if np.abs(reference.spacing / wanted - 1.0).max() <= 0.01:
        return reference
    return grid_at_spacing(reference, spec.spacing)


def _on_grid(volume: Volume, grid: Grid) -> _Channel:
    background = background_value(volume.array)
    content = volume.array != background
    if volume.grid.matches(grid):
        return _Channel(volume.array, content)
    # Interpolating across the outline would mix background into the outermost layer of the brain: brain
    # voxels alone are averaged, each with its weight, and the outline runs where they make up half of the
    # weights.
    above_background = np.zeros(content.shape, np.float32)
    np.subtract(volume.array, background, out=above_background, where=content, dtype=np.float32)
    weights = resample(Volume(content.astype(np.float32), volume.affine), grid).array
    values = resample(Volume(above_background, volume.affine), grid).array
    content = weights >= 0.5
    return _Channel(np.divide(values, weights, out=np.zeros_like(values), where=content), content)


def _of_head(volume: Volume, grid: Grid, inside: NDArray[np.bool_]) -> _Channel:
    """Return the channel of a head, on the model's grid; inside: the brain there."""
    everywhere = Volume(np.ones(volume.array.shape, np.uint8), volume.affine)
    seen = resample(everywhere, grid, interpolation="nearest").array > 0
    content = inside & seen
    return _Channel(np.where(content, resample(volume, grid).array, np.float32(0)), content)


def _mask_on_grid(mask: Volume, grid: Grid) -> NDArray[np.bool_]:
    return resample(Volume(mask.array.astype(np.float32), mask.affine), grid).array >= 0.5


def _check_content(case: Case, content: dict[str, NDArray[np.bool_]]) -> None:
    for role, mask in content.items():
        if not mask.any():
            raise SegMambaError(
                f"{ROLE_TITLES[role]} ({case.volumes[role].name}) shows nothing within the field of view of "
                f"{ROLE_TITLES[case.reference]} ({case.reference_volume.name}).\n"
                "Check that both show the same part of the same patient, and register them if they lie apart."
            )


def _coverage_warnings(case: Case, channels: dict[str, _Channel]) -> tuple[str, ...]:
    """Name the channels that show clearly less of the brain than the reference does."""
    if case.reference not in channels:
        return ()
    reference = channels[case.reference].content
    covered = {
        role: np.count_nonzero(channel.content & reference) / np.count_nonzero(reference)
        for role, channel in channels.items()
    }
    return tuple(
        f"{ROLE_TITLES[role]} ({case.volumes[role].name}) shows only {share:.0%} of what "
        f"{ROLE_TITLES[case.reference]} shows. The segmentation cannot be relied on where it is missing."
        for role, share in covered.items()
        if share < _LEAST_COVERAGE
    )


def _z_scored(values: NDArray, content: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return values with mean 0 and standard deviation 1 over the content, and 0 elsewhere."""
    inside = values[content].astype(np.float32)
    inside -= inside.mean(dtype=np.float64)
    inside /= max(float(inside.std(dtype=np.float64)), 1e-8)
    result = np.zeros(values.shape, dtype=np.float32)
    result[content] = inside
    return result


def _shared_part(record: PreparationRecord) -> tuple[Box, Box]:
    """Return the part common to the box and the model's grid, as slices of the grid and of the box."""
    spans = [
        (max(start, 0), min(start + length, whole), start)
        for start, length, whole in zip(
            record.crop_start, record.crop_shape, record.model_grid.shape, strict=True
        )
    ]
    k, j, i = ((slice(low, high), slice(low - start, high - start)) for low, high, start in spans)
    return (k[0], j[0], i[0]), (k[1], j[1], i[1])
