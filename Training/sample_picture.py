"""What the network makes of a training case, beside the reference, at a glance."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib.image
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SegMambaCore.case.case import ROLES
from SegMambaCore.segmentation.decide import decide
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.whole_file import write_whole_file
from Training.cases import Cases, whole_box
from Training.config import Config
from Training.losses import regions_of
from Training.model_spec import model_spec

PICTURE_STEPS = 500
_OPACITY = 0.45

Masks = dict[str, NDArray[np.bool_]]


class SamplePicture:
    """Three times one axial slice of the first case: T1 with gadolinium, the network's regions on it, the reference's.

    The slice runs through the middle of the tumor. Nothing is drawn at random, so the training goes on unchanged.
    """

    def __init__(self, cases: Cases, config: Config) -> None:
        image, tissue = cases.crop(0, whole_box(cases.shapes[0]))
        labels = (tissue.int() - 1).clamp(min=0)
        points = np.concatenate([*cases.tumor_points[0], [np.asarray(cases.shapes[0]) // 2]])
        middle = np.median(points, axis=0).astype(int)
        low = [int(max(0, m - side // 2)) for m, side in zip(middle, config.patch, strict=True)]
        box = (slice(None), *(slice(a, a + side) for a, side in zip(low, config.patch, strict=True)))
        self._image = _padded(image[box], config.patch).contiguous(memory_format=torch.channels_last_3d)
        masks = regions_of(_padded(labels[box], config.patch)).cpu().numpy()
        self._slice = int(middle[0]) - low[0]
        self._reference: Masks = {key: masks[0, n, self._slice] for n, key in enumerate(REGIONS)}
        self._spec = model_spec(config.activation)

    @torch.no_grad()
    def draw(self, network: nn.Module) -> NDArray[np.uint8]:
        """Return the picture, (H, 3 W, 3)."""
        kind = self._image.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
            logits = network(self._image)[0, :, self._slice].float()
        activated = torch.sigmoid(logits) if self._spec.activation == "sigmoid" else torch.softmax(logits, 0)
        plane = self._image[0, ROLES.index("t1c"), self._slice].cpu().numpy()
        darkest, brightest = np.percentile(plane, (1, 99.5))
        grey = np.clip((plane - darkest) / max(brightest - darkest, 1e-6), 0, 1)[..., None].repeat(3, axis=-1)
        predicted = decide(activated.cpu().numpy(), self._spec)
        panels = (grey, _tinted(grey, predicted), _tinted(grey, self._reference))
        return (np.concatenate(panels, axis=1) * 255).round().astype(np.uint8)


def write_picture(picture: NDArray[np.uint8], path: Path) -> None:
    """Write a picture as PNG, whole or not at all. Raises SegMambaError when it cannot be written."""
    content = io.BytesIO()
    matplotlib.image.imsave(content, picture, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole_file(path, content.getvalue())


def _tinted(grey: NDArray[np.float32], masks: Masks) -> NDArray[np.float32]:
    picture = grey.copy()
    for key, region in REGIONS.items():
        picture[masks[key]] = (1 - _OPACITY) * grey[masks[key]] + _OPACITY * np.asarray(region.colour)
    return picture


def _padded(part: Tensor, size: tuple[int, int, int]) -> Tensor:
    """(C, d, h, w) with zeros at its far ends, as (1, C, D, H, W)."""
    missing = [side - have for side, have in zip(size, part.shape[1:], strict=True)]
    return nn.functional.pad(part, [pad for gap in reversed(missing) for pad in (0, gap)])[None]
