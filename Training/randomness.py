"""Where the random numbers of a training come from.

What a sample shows is a function of the seed, the step and the sample's number among all samples of that step: the same
in a training that was interrupted, and on any number of processes. What else draws, for instance a network with
dropout, draws from the generators that Python, NumPy and PyTorch share out; a checkpoint holds their states.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor


def step_generator(seed: int, step: int) -> np.random.Generator:
    """Return the generator for what all samples of a step have in common."""
    return np.random.default_rng((seed, step))


def sample_generators(seed: int, step: int, samples: Iterable[int]) -> list[np.random.Generator]:
    """Return a generator for each of the samples, which are numbered over all processes from 0."""
    return [np.random.default_rng((seed, step, 1 + sample)) for sample in samples]


def normal(shape: tuple[int, ...], device: torch.device, rng: np.random.Generator) -> Tensor:
    """Return standard normal numbers made on the device, a function of the next number of `rng`."""
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
    return torch.randn(shape, device=device, generator=generator)


def seed_shared_generators(seed: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # the one that other people's code draws from
    torch.manual_seed(seed)


def shared_states(device: torch.device) -> dict[str, Any]:
    """Return the states of the shared generators, with the one of this device if it is a GPU."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys).copy()), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def restore_shared_states(states: dict[str, Any], device: torch.device) -> None:
    """Put the shared generators into the states that `shared_states` returned."""
    random.setstate(states["python"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy(), *rest))  # noqa: NPY002
    torch.set_rng_state(states["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
