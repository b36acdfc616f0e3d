"""What a preparation is measured by: millimetres of registration, Dice of masks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from SegMambaCore.case.case import Case
from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.restore import restore
from SegMambaCore.segmentation.segmentation import Segmentation
from SegMambaCore.volume.volume import Volume

Masks = Mapping[str, NDArray[np.bool_]]

_POINTS = 3000
FAST = InferenceSettings("onepass", "none", 0.5, "cpu")


def registration_errors(
    found: NDArray[np.float64], true: NDArray[np.float64], brain: Volume
) -> NDArray[np.float64]:
    """Return how far apart two motions (4 x 4, RAS mm, onto the reference) put points of the brain, in mm.

    brain: a mask in the world of the reference.
    """
    voxels = np.argwhere(brain.array > 0)[:, ::-1]
    some = voxels[:: max(1, len(voxels) // _POINTS)]
    points = np.column_stack([some, np.ones(len(some))]) @ brain.affine.T
    return np.linalg.norm((points @ (found @ np.linalg.inv(true)).T - points)[:, :3], axis=1)


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Twice what two masks share, of both; 1 where both are empty."""
    both = np.count_nonzero(a) + np.count_nonzero(b)
    return 2 * np.count_nonzero(a & b) / both if both else 1.0


def segment(case: Case, brain: Volume | None, network: nn.Module, spec: ModelSpec) -> Segmentation:
    """Segment a case that is prepared, in one pass on the CPU."""
    prepared = prepare_case(case, spec, brain)
    prediction = predict(network, spec, prepared.tensor, FAST)
    return restore(np.asarray(prediction.probabilities), prepared.record, spec)


def baseline_seconds() -> float:
    """Return what one forward pass of SegResNet with 16 filters over 4 x 128^3 takes here and now."""
    from SegMambaCore.benchmark.network import inputs_of
    from SegMambaCore.benchmark.timing import time_call
    from Training.networks.registry import NETWORKS

    network = NETWORKS["segresnet-16"].build(4, 4).eval()
    network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    inputs = inputs_of((128, 128, 128), "cpu")
    with torch.inference_mode():
        return time_call(lambda i: network(inputs[i % 2]), "cpu").milliseconds / 1000
