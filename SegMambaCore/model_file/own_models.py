"""The user's own models: added from a file, removed again. No network, no PyTorch."""

from __future__ import annotations

import re
from pathlib import Path

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.checksum import read_checked_spec
from SegMambaCore.model_file.library import ModelEntry, list_models, user_folder
from SegMambaCore.whole_file import write_whole_file

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def add_model(path: Path, name: str | None = None) -> ModelEntry:
    """Copy a model file among the user's own, whole or not at all, and return its entry.

    name: what `--model` will take; None for the file's name without extension. Length, description and
    checksum are compared before.
    Raises SegMambaError when the file is no sound model file, the name is taken or none, or the folder cannot
    be written to.
    """
    spec, data = read_checked_spec(path)
    name = name or path.stem
    check_name(name)
    target = own_path(name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegMambaError(
            f"{target.parent}: the folder cannot be made ({error.strerror or error}).\n"
            "Set the environment variable SEGMAMBA_MODELS to a folder that can."
        ) from error
    write_whole_file(target, data)
    return ModelEntry(name, target, shipped=False, spec=spec)


def check_name(name: str) -> None:
    """Raise SegMambaError when a model has that name already, or it is no name for a file."""
    if not _NAME.fullmatch(name):
        raise SegMambaError(
            f"Model name {name!r}: use letters, digits, dots, hyphens and underscores, a letter or digit first.\n"
            f"{free_name(name)} would do."
        )
    # Windows and macOS take "Mine" and "mine" for the same file.
    if name.casefold() in {entry.name.casefold() for entry in list_models()}:
        raise SegMambaError(
            f"There is a model named {name} already. Give another name, such as {free_name(name)}."
        )


def own_path(name: str) -> Path:
    """Return where an own model of this name lies or is to be written."""
    return user_folder() / f"{name}.safetensors"


def free_name(name: str) -> str:
    """Return the name made fit for a file, or the first of name-2, name-3 ... that no model has."""
    fit = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-._+") or "model"
    taken = {entry.name.casefold() for entry in list_models()}
    candidate, number = fit, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{fit}-{number}"
    return candidate


def remove_model(name: str) -> Path:
    """Delete one of the user's own models and return where it was.

    Raises SegMambaError when there is none of that name, it was shipped with SegMamba, or it cannot be deleted.
    """
    entries = [entry for entry in list_models() if entry.name == name]
    own = [entry for entry in entries if not entry.shipped]
    if not own:
        if entries:
            raise SegMambaError(f"Model {name} is part of SegMamba and stays. Only your own can be removed.")
        known = ", ".join(entry.name for entry in list_models() if not entry.shipped) or "none"
        raise SegMambaError(f"There is no model named {name}. Your own: {known}.")
    path = own[0].path
    try:
        path.unlink()
    except OSError as error:
        raise SegMambaError(f"Model {path}: cannot be removed ({error.strerror or error}).") from error
    return path
