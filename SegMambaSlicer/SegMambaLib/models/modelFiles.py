"""The models that a run can use: those of the extension, and the user's own."""

from __future__ import annotations

import sys
from pathlib import Path

from ..run.program import coreParentFolder


def modelFiles() -> list[Path]:
    """Return the weights files beside SegMambaCore, by name, then those that `import-weights` made, by name."""
    shipped = coreParentFolder() / "SegMambaCore" / "weights"
    return [path for folder in (shipped, _userFolder()) for path in sorted(folder.glob("*.safetensors"))]


def modelNetwork(path: Path) -> str | None:
    """Return the kind of network in a weights file, "small" for instance; None for a file of no use."""
    _makeCoreImportable()
    from SegMambaCore.errors import SegMambaError
    from SegMambaCore.model_file.header import read_spec

    try:
        return read_spec(path).network
    except SegMambaError:
        return None


def _userFolder() -> Path:
    _makeCoreImportable()
    from SegMambaCore.model_file.library import user_folder

    return user_folder()


def _makeCoreImportable() -> None:
    # These parts of SegMambaCore need the standard library and numpy alone; nothing heavy enters Slicer with them.
    if str(coreParentFolder()) not in sys.path:
        sys.path.append(str(coreParentFolder()))
