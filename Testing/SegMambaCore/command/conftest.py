"""What the tests of the command share."""

from __future__ import annotations

from pathlib import Path

import pytest

from .tiny_case import write_tiny_case, write_tiny_model


@pytest.fixture(scope="session")
def tiny_case(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The four files of a small synthetic case by role; not to be changed."""
    return write_tiny_case(tmp_path_factory.mktemp("case") / "Tiny")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of `small` with random weights; not to be changed."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")
