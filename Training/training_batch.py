"""What a training step gets to see: drawn, bent, augmented, in the memory layout of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from Training.augmentation import augment_intensities
from Training.case_store import NOT_BRAIN, Read
from Training.cases import Cases
from Training.config import Config
from Training.randomness import sample_generators, step_generator
from Training.sampling import draw_batch, reads_of


def shows_whole_brain(config: Config, step: int) -> bool:
    """Whether the batches of this step hold one whole brain each, not patches."""
    return bool(step_generator(config.seed, step).random() < config.p_whole)


def training_batch(cases: Cases, config: Config, whole: bool, step: int, batch: int) -> tuple[Tensor, Tensor]:
    """Return augmented images (B, channels, D, H, W), channels last, and labels uint8 (B, 1, D, H, W).

    batch: its number among all batches of the step. The same arguments give the same batch.
    """
    rngs = _generators(config, whole, step, batch)
    images, tissue = draw_batch(cases, config, whole, rngs)
    images = augment_intensities(images, tissue != NOT_BRAIN, config.augmentation, rngs)
    labels = (tissue.int() - 1).clamp_(min=0).to(torch.uint8)
    return images.contiguous(memory_format=torch.channels_last_3d), labels


def coming_reads(cases: Cases, config: Config, step: int, batches: Sequence[int]) -> Iterator[Read]:
    """Yield, without end, what this process' batches will read from a step on."""
    while True:
        whole = shows_whole_brain(config, step)
        for batch in batches:
            yield from reads_of(cases, config, whole, _generators(config, whole, step, batch))
        step += 1


def _generators(config: Config, whole: bool, step: int, batch: int) -> list[np.random.Generator]:
    size = 1 if whole else config.batch_size
    return sample_generators(config.seed, step, range(batch * size, (batch + 1) * size))
