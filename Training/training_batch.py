"""What a training step gets to see: drawn, bent, augmented, in the memory layout of the network."""

from __future__ import annotations

import torch
from torch import Tensor

from Training.augmentation import augment_intensities
from Training.case_store import NOT_BRAIN, CaseStore
from Training.config import Config
from Training.randomness import sample_generators, step_generator
from Training.sampling import draw_batch


def shows_whole_brain(config: Config, step: int) -> bool:
    """Whether the batches of this step hold one whole brain each, not patches."""
    return bool(step_generator(config.seed, step).random() < config.p_whole)


def training_batch(
    store: CaseStore, config: Config, whole: bool, step: int, batch: int
) -> tuple[Tensor, Tensor]:
    """Return augmented images (B, channels, D, H, W), channels last, and labels uint8 (B, 1, D, H, W).

    batch: its number among all batches of the step. The same arguments give the same batch.
    """
    size = 1 if whole else config.batch_size
    rngs = sample_generators(config.seed, step, range(batch * size, (batch + 1) * size))
    images, tissue = draw_batch(store, config, whole, rngs)
    images = augment_intensities(images, tissue != NOT_BRAIN, config.augmentation, rngs)
    labels = (tissue.int() - 1).clamp_(min=0).to(torch.uint8)
    return images.contiguous(memory_format=torch.channels_last_3d), labels
