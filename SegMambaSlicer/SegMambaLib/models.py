"""The models that come with the extension."""

from __future__ import annotations

from pathlib import Path

from .program import coreParentFolder


def modelFiles() -> list[Path]:
    """Return the weights files beside SegMambaCore, by name."""
    return sorted((coreParentFolder() / "SegMambaCore" / "weights").glob("*.safetensors"))
