"""The network's answer for one case."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.decide import decide


@dataclass(frozen=True)
class Prediction:
    """Logits where they were computed, and what becomes of them on the host when somebody asks for it.

    logits: float32 (outputs, D, H, W) in the order of the spec's outputs, on the tensor's own box, on any device.
    settings_used: nothing left at "auto"; the mode and device that were really used.
    window: (D, H, W) of what the network saw at once.
    fallbacks: a sentence for each thing that was given up on the way (memory, float16).
    seconds: wall time.
    """

    logits: Tensor
    spec: ModelSpec
    settings_used: InferenceSettings
    window: tuple[int, int, int]
    fallbacks: tuple[str, ...]
    seconds: float

    @cached_property
    def tensors(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Probabilities and, as `decide` has it, the masks of WT, TC and ET, where the logits are."""
        return self._probabilities, decide(self._probabilities, self.spec)

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """Float32 (outputs, D, H, W), on the host."""
        return self._probabilities.cpu().numpy()

    @cached_property
    def _probabilities(self) -> Tensor:
        of_sigmoid = self.spec.activation == "sigmoid"
        return torch.sigmoid(self.logits) if of_sigmoid else torch.softmax(self.logits, dim=0)

    @cached_property
    def masks(self) -> dict[str, NDArray[np.bool_]]:
        """WT, TC and ET, each bool (D, H, W), on the host: of a GPU three bytes a voxel come over."""
        return {region: mask.cpu().numpy() for region, mask in self.tensors[1].items()}
