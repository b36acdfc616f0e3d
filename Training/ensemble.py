"""Several models that answer together, as one network: the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.spec import ModelSpec
from Training.networks.model_file import read_model

JOINED_BY = " + "
"""Between the networks' names in the spec of an ensemble."""

_SHARED = ("channels", "spacing", "orientation", "normalisation", "activation", "outputs", "patch")
"""What the members' specs must agree on, as all see one tensor and give one answer."""

_CHOSEN_FOR_ONE = ("least_volume_ml", "least_expected_dice", "usual_figures")
"""Limits that held-out cases chose for one model's answers: the ensemble has them if all members do."""

_SMALLEST_PROBABILITY = 1e-6


class Ensemble(nn.Module):
    """Networks side by side: logits whose probabilities are the mean of the members'.

    So inference, which blends logits of patches and mirrors, needs to know nothing of it.
    """

    def __init__(self, members: Sequence[nn.Module], softmax: bool) -> None:
        """softmax: whether the outputs are classes that exclude each other, else each is for itself."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self._softmax = softmax

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, D, H, W) to float32 logits (B, outputs, D, H, W)."""
        mean: Tensor | None = None
        for member in self.members:
            logits = member(x).float()
            probabilities = logits.softmax(1) if self._softmax else logits.sigmoid()
            mean = probabilities if mean is None else mean.add_(probabilities)
        assert mean is not None
        mean /= len(self.members)
        return (
            mean.clamp_(_SMALLEST_PROBABILITY).log_() if self._softmax else mean.logit_(_SMALLEST_PROBABILITY)
        )


def read_ensemble(paths: Sequence[Path]) -> tuple[nn.Module, ModelSpec]:
    """Return the models of one or more files as one network in evaluation mode, with what it says of itself.

    Its cases are those that any member was trained on: for the rest, it is measured on cases that none has seen.
    Raises SegMambaError when a file cannot be read, or two do not expect the same input or give the same outputs.
    """
    models = [read_model(path) for path in paths]
    if len(models) == 1:
        return models[0]
    networks, specs = zip(*models, strict=True)
    first = specs[0]
    for path, spec in zip(paths, specs, strict=True):
        for name in _SHARED:
            ours, theirs = getattr(first, name), getattr(spec, name)
            if ours != theirs:
                raise SegMambaError(
                    f"{path}: cannot answer together with {paths[0]}, their {name} differ: {theirs} and {ours}."
                )
    joint = replace(
        first,
        name=f"ensemble of {len(specs)}: {', '.join(spec.name for spec in specs)}",
        network=JOINED_BY.join(spec.network for spec in specs),
        training="; ".join(dict.fromkeys(spec.training for spec in specs)),
        cases=tuple(sorted({case for spec in specs for case in spec.cases})),
        date=max(spec.date for spec in specs),
        figures={},
        missing_contrasts=min(spec.missing_contrasts for spec in specs),
        **{name: _shared(specs, name) for name in _CHOSEN_FOR_ONE},
    )
    return Ensemble(networks, first.activation == "softmax").eval(), joint


def _shared(specs: Sequence[ModelSpec], name: str) -> Any:
    values = [getattr(spec, name) for spec in specs]
    return values[0] if all(value == values[0] for value in values) else {}
