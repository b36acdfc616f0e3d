"""What NVRTC is given is whole: no header is left to be found."""

from __future__ import annotations

from pathlib import Path

import pytest

import SegMambaCore
from SegMambaCore.gpu.nvrtc import program_text

SOURCES = sorted(Path(SegMambaCore.__file__).parent.rglob("*.cu"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_source_stands_alone(source: Path) -> None:
    text = program_text(source)
    assert '#include "' not in text
    assert "__global__" in text
    assert "typedef long long i64;" in text, "the number formats come first"
