"""The user's own models: added from a file, removed."""

from __future__ import annotations

from pathlib import Path

from ..core import makeCoreImportable

PYTORCH_SUFFIXES = (".pth", ".pt", ".ckpt", ".tar")


def isPyTorchFile(path: Path) -> bool:
    """Whether the file is to be imported (`WeightsImport`), not copied."""
    return path.suffix.lower() in PYTORCH_SUFFIXES


def freeModelName(path: Path) -> str:
    """Return the file's name without extension, made fit, or with a number where a model has it already."""
    makeCoreImportable()
    from SegMambaCore.model_file.own_models import free_name

    return free_name(path.stem)


def addModel(path: Path) -> str:
    """Copy a model file among the user's own, after checking it, and return the model's name.

    Raises ValueError with the reason when the file is no sound model file or cannot be copied.
    """
    makeCoreImportable()
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.model_file.own_models import add_model

    try:
        return add_model(path, freeModelName(path)).name
    except SegMambaError as error:
        raise ValueError(str(error)) from error


def removeModel(name: str) -> None:
    """Delete one of the user's own models. Raises ValueError with the reason when it is not or cannot be."""
    makeCoreImportable()
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.model_file.own_models import remove_model

    try:
        remove_model(name)
    except SegMambaError as error:
        raise ValueError(str(error)) from error
