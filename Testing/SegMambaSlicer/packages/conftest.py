"""A Python environment to spoil."""

from __future__ import annotations

from pathlib import Path

import pytest
from throwaway import Environment


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)
