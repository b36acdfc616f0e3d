"""The models that a run can use: those of the extension, and the user's own."""

from __future__ import annotations

from pathlib import Path

from ..core import makeCoreImportable
from ..run.program import coreParentFolder


def modelFiles() -> list[Path]:
    """Return the weights files beside SegMambaCore, by name, then those that `import-weights` made, by name."""
    shipped = coreParentFolder() / "SegMambaCore" / "weights"
    return [
        path
        for folder in (shipped, _userFolder())
        for path in sorted(folder.glob("*.safetensors"), key=lambda path: path.stem)
        if not path.name.startswith(".")  # a file in the making
    ]


def modelNetwork(path: Path) -> str | None:
    """Return the kind of network in a weights file, "small" for instance; None for a file of no use."""
    makeCoreImportable()
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.model_file.header import read_spec

    try:
        return read_spec(path).network
    except SegMambaError:
        return None


def _userFolder() -> Path:
    makeCoreImportable()
    from SegMambaCore.model_file.library import user_folder

    return user_folder()
