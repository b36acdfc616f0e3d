"""The models that a run can use: those of the extension, and the user's own."""

from __future__ import annotations

import sys
from pathlib import Path

from ..run.program import coreParentFolder


def modelFiles() -> list[Path]:
    """Return the weights files beside SegMambaCore, by name, then those that `import-weights` made, by name."""
    shipped = coreParentFolder() / "SegMambaCore" / "weights"
    return [path for folder in (shipped, _userFolder()) for path in sorted(folder.glob("*.safetensors"))]


def _userFolder() -> Path:
    # This part of SegMambaCore needs the standard library and numpy alone; nothing heavy enters Slicer with it.
    if str(coreParentFolder()) not in sys.path:
        sys.path.append(str(coreParentFolder()))
    from SegMambaCore.model_file.library import user_folder

    return user_folder()
