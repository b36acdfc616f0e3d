"""A PyTorch checkpoint of the public SegMamba code, turned into a model file."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.model_file.state_dict import difference
from SegMambaCore.network.build import build_network

WRAPPERS = ("state_dict", "model", "module")
"""Keys under which training programs put the state dictionary."""

PUBLIC_SPEC = ModelSpec(
    name="",
    network="tom",
    channels=("t2w", "t2f", "t1n", "t1c"),
    spacing=(1.0, 1.0, 1.0),
    orientation="LPS",
    normalisation="zscore_crop",
    activation="softmax",
    outputs=("background", "NCR", "ED", "ET"),
    licence="as its author gave it",
)
"""How the public code prepares its input (its 4_predict.py and light_training preprocessing)."""


def import_weights(path: Path, network_name: str | None = None) -> tuple[nn.Module, ModelSpec]:
    """Return the network with the checkpoint's weights, and the spec of the public code's preparation.

    network_name: "tom" or "paper"; None tells them apart by their tensors' names. Nothing in the file is
    executed.
    Raises SegMambaError when the file is no state dictionary, holds code, or has a tensor too few, too many,
    of another shape or not finite.
    """
    tensors = _without_parallel_prefix(_tensors(_load(path), path))
    name = network_name or _detect(tensors)
    network = build_network(name)
    expected = network.state_dict()
    differs = difference(expected, tensors)
    if differs:
        raise SegMambaError(_explain(path, name, expected, tensors, differs))
    broken = [key for key, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise SegMambaError(
            f"{path}: {len(broken)} tensors hold infinite or undefined numbers ({broken[0]})."
        )
    network.load_state_dict(tensors)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return network.eval(), replace(
        PUBLIC_SPEC,
        name=path.stem,
        network="paper" if name == "paper" else "tom",
        training=f"elsewhere, on data unknown to SegMamba; imported from {path.name}, SHA-256 {digest}",
        date=date.today().isoformat(),
    )


def _load(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are about the pickle's version
            # Only tensors and plain containers: a pickle may otherwise run any code.
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise SegMambaError(f"{path}: no such file.") from None
    except MemoryError:
        raise
    except pickle.UnpicklingError as error:
        raise SegMambaError(
            f"{path}: not opened: no plain state dictionary, but garbage or a pickle that could run code.\n"
            "Where it was made, save the weights alone: torch.save(network.state_dict(), FILE)"
        ) from error
    except Exception as error:  # torch.load raises many kinds for damaged files
        raise SegMambaError(f"{path}: not a PyTorch file, or truncated.") from error


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    while isinstance(content, dict):
        inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), dict)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, dict) or not content:
        raise SegMambaError(f"{path}: holds no state dictionary (tensors by name).")
    foreign = [str(key) for key, value in content.items() if not isinstance(value, Tensor)]
    if foreign:
        raise SegMambaError(f"{path}: holds no state dictionary: {foreign[0]!r} is not a tensor.")
    return {str(key): value for key, value in content.items()}


def _without_parallel_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """DataParallel and DistributedDataParallel put "module." before every name."""
    while all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _detect(tensors: dict[str, Tensor]) -> str:
    # Only the public code of today has the convolutions (GSC) before a stage's blocks.
    return "tom" if any(name.startswith("vit.gscs.") for name in tensors) else "paper"


def _explain(
    path: Path, name: str, expected: dict[str, Tensor], tensors: dict[str, Tensor], differs: str
) -> str:
    missing = {key for key in expected if key not in tensors}
    if missing and missing == {key for key in expected if _is_extra_direction(key)}:
        return (
            f"{path}: as the public release, it lacks the {len(missing)} tensors of the reverse and\n"
            f"inter-slice scans (names with _b and _s, such as {min(missing)}).\n"
            "Without them it is another network and cannot be used. Ask its authors for the full checkpoint."
        )
    return f"{path}: not the weights of network {name}: {differs}."


def _is_extra_direction(name: str) -> bool:
    """Whether the tensor belongs to the reverse or inter-slice scan: A_b_log, D_s, conv1d_b.weight ..."""
    if ".mamba." not in name:
        return False
    parameter = name.split(".mamba.")[1].split(".")[0]
    return "_b_" in f"{parameter}_" or "_s_" in f"{parameter}_"
