"""Packages are asked for, once, and only when one is missing."""

from __future__ import annotations

import subprocess
import sys
import types
from typing import Any

import pytest
import slicer
from scenes import REPOSITORY
from SegMambaLib.packages import dependencies
from SegMambaLib.packages.dependencies import ensureDependencies, missingPackages, requirementLines


def test_the_list_is_that_of_the_core() -> None:
    tomllib = pytest.importorskip("tomllib", reason="new in Python 3.11")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert requirementLines() == project["dependencies"]


def test_nothing_is_missing_here() -> None:
    assert missingPackages() == []


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        "# comment\nnumpy>=1.26\nno-such-package_1>=2.0\n\nother[extra]>=1; python_version > '3'\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(dependencies, "REQUIREMENTS", requirements)


@pytest.fixture
def slicer_5_10(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Slicer without pip_ensure: an answer to give, and what was asked and installed."""
    seen: dict[str, Any] = {"answer": True, "questions": [], "installed": []}
    monkeypatch.setattr(
        slicer.util,
        "confirmOkCancelDisplay",
        lambda text, title: seen["questions"].append(text) or seen["answer"],
    )
    monkeypatch.setattr(slicer.util, "pip_install", lambda packages: seen["installed"].append(packages))
    return seen


def test_missing_packages_are_asked_for_and_installed(absent: None, slicer_5_10: dict) -> None:
    expected = ["no-such-package_1>=2.0", "other[extra]>=1; python_version > '3'"]
    assert missingPackages() == expected
    ensureDependencies()
    assert slicer_5_10["installed"] == [expected]
    assert len(slicer_5_10["questions"]) == 1
    assert "no-such-package_1>=2.0" in slicer_5_10["questions"][0]


def test_no_means_no(absent: None, slicer_5_10: dict) -> None:
    slicer_5_10["answer"] = False
    with pytest.raises(RuntimeError, match="not installed, as you chose"):
        ensureDependencies()
    assert slicer_5_10["installed"] == []


def test_nothing_is_asked_when_all_is_there(slicer_5_10: dict) -> None:
    ensureDependencies()
    assert slicer_5_10["questions"] == []


def test_a_failed_installation_is_said_plainly(
    absent: None, slicer_5_10: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(packages: list[str]) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(slicer.util, "pip_install", fail)
    with pytest.raises(RuntimeError, match="could not be installed"):
        ensureDependencies()


def test_newer_slicer_asks_itself(absent: None, slicer_5_10: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    packaging = types.ModuleType("slicer.packaging")
    packaging.load_requirements = lambda path: [f"from {path.name}"]
    packaging.pip_ensure = lambda requirements, requester: calls.append((requirements, requester))
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setattr(slicer, "packaging", packaging, raising=False)
    ensureDependencies()
    assert calls == [(["from requirements.txt"], "SegMamba")]
    assert slicer_5_10["questions"] == []


def test_an_early_slicer_packaging_is_told_by_its_functions(
    absent: None, slicer_5_10: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaging = types.ModuleType("slicer.packaging")
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setattr(slicer, "packaging", packaging, raising=False)
    ensureDependencies()
    assert len(slicer_5_10["installed"]) == 1
