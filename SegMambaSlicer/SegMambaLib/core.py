"""SegMambaCore within Slicer's own process: those of its rooms that need no PyTorch."""

from __future__ import annotations

import sys

from .run.program import coreParentFolder


def makeCoreImportable() -> None:
    """Let `import SegMambaCore...` work from now on; to be called before, and only where it is needed.

    Raises RuntimeError when SegMambaCore is not beside the module.
    """
    folder = str(coreParentFolder())
    if folder not in sys.path:
        # Last: nothing that Slicer has is hidden by what lies beside SegMambaCore.
        sys.path.append(folder)
