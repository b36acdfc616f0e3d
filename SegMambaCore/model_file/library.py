"""The models on this computer: those shipped with SegMamba, and the user's own."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.header import read_spec
from SegMambaCore.model_file.spec import ModelSpec

SHIPPED_FOLDER = Path(__file__).resolve().parent.parent / "weights"
CHECKSUMS = "SHA256SUMS"
"""Beside the shipped models, in the format of the sha256sum program."""


@dataclass(frozen=True)
class ModelEntry:
    """A model file that was found.

    name: the file's name without extension; what --model takes. shipped: part of SegMamba, not the user's
    own.
    spec: None when the file is of no use, with the reason in `problem`.
    """

    name: str
    path: Path
    shipped: bool
    spec: ModelSpec | None
    problem: str = ""


def list_models() -> list[ModelEntry]:
    """Return the shipped models by name, then the user's by name; those of no use too, with their problem."""
    return [
        _entry(path, shipped)
        for folder, shipped in ((SHIPPED_FOLDER, True), (user_folder(), False))
        for path in sorted(folder.glob("*.safetensors"), key=lambda path: path.stem)
        if not path.name.startswith(".")  # a file in the making
    ]


def find_model(name_or_path: str | None) -> Path:
    """Return the file of a model given by name or path; of the first shipped one for None.

    A shipped model's checksum is compared with the shipped list. Raises SegMambaError when there is no such
    model, with the names there are, or when the shipped file is damaged.
    """
    entries = list_models()
    if name_or_path is not None and name_or_path not in {entry.name for entry in entries}:
        path = Path(name_or_path)
        if path.is_file():
            return path
        if path.suffix or path.name != name_or_path:
            raise SegMambaError(
                f"Model {path}: there is no such file. `python -m SegMambaCore models` lists names."
            )
    for entry in entries:
        if name_or_path in (None, entry.name):
            if entry.problem:
                raise SegMambaError(entry.problem)
            return entry.path
    if not entries:
        raise SegMambaError(
            f"No model is installed in {SHIPPED_FOLDER} or {user_folder()}.\n"
            "Name a file: --model FILE.safetensors"
        )
    known = ", ".join(dict.fromkeys(entry.name for entry in entries))
    raise SegMambaError(
        f"Model {name_or_path!r} is unknown. There are: {known}; or give a .safetensors file."
    )


def user_folder() -> Path:
    """Return where the user's own models lie: SEGMAMBA_MODELS, else in the platform's application data."""
    chosen = os.environ.get("SEGMAMBA_MODELS")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "SegMamba" / "models"


def _entry(path: Path, shipped: bool) -> ModelEntry:
    try:
        if shipped:
            _check_shipped(path)
        return ModelEntry(path.stem, path, shipped, read_spec(path))
    except SegMambaError as error:
        return ModelEntry(path.stem, path, shipped, None, str(error))


def _check_shipped(path: Path) -> None:
    expected = _shipped_checksums().get(path.name)
    if expected is None:
        raise SegMambaError(
            f"Model {path}: not in the list of shipped models ({CHECKSUMS}). Install SegMamba again."
        )
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SegMambaError(f"Model {path}: cannot be read ({error.strerror or error}).") from error
    if found != expected:
        raise SegMambaError(f"Model {path}: damaged or altered (checksum). Install SegMamba again.")


def _shipped_checksums() -> dict[str, str]:
    path = SHIPPED_FOLDER / CHECKSUMS
    if not path.is_file():
        return {}
    lines = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    # sha256sum marks a file read in binary mode with an asterisk before its name.
    return {name.strip().lstrip("*"): digest.lower() for digest, name in lines}
