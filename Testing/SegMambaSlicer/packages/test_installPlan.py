"""What is planned, asked and refused; sizes, builds and paths that decide about it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from scenes import REPOSITORY
from SegMambaLib.packages.installPlan import makePlan, question
from SegMambaLib.packages.installSteps import constraints, installSteps
from SegMambaLib.packages.longPaths import LONGEST_IN_TORCH, longPathProblem, longPathsEnabled
from SegMambaLib.packages.neededPackages import neededPackage, neededPackages
from SegMambaLib.packages.packageReport import Condition, PackageReport, installedStates, parseReport
from SegMambaLib.packages.packageSizes import packageSize, sizeText
from SegMambaLib.packages.torchBuild import Gpu, TorchBuild, indexOfVersion, parseGpu, torchBuilds

CPU = TorchBuild("cpu", "PyTorch for the CPU only", "")
NEEDED = [neededPackage(line) for line in ("torch>=2.4", "numpy>=1.26", "SimpleITK>=2.5", "matplotlib>=3.8")]
ALL = {"torch": "2.6", "numpy": "2.0.2", "simpleitk": "2.5.2", "matplotlib": "3.8", "pip": "25.0"}


def report(installed: dict, failures: dict | None = None, damaged: tuple = ()) -> PackageReport:
    return PackageReport("/site", "3.12", installed, {"user": ["torch"]}, failures or {}, damaged)


def test_the_list_is_that_of_the_core_but_for_what_slicer_brings() -> None:
    tomllib = pytest.importorskip("tomllib", reason="new in Python 3.11")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = [package.line for package in neededPackages()]
    assert [line for line in ours if not line.startswith("SimpleITK")] == [
        line for line in project["dependencies"] if not line.startswith(("SimpleITK", "highdicom"))
    ]
    # Slicer 5.10 and 5.11 have SimpleITK 2.5.2; it is never replaced.
    assert "SimpleITK>=2.5" in ours


def test_here_all_is_there() -> None:
    assert {state.condition for state in installedStates(neededPackages())} == {Condition.GOOD}


def test_nothing_to_do() -> None:
    assert makePlan(report(ALL), NEEDED, CPU).isEmpty


def test_what_slicer_brings_is_never_installed() -> None:
    for version, name in (("1.20", "numpy"), (None, "numpy"), (None, "simpleitk")):
        installed = {**ALL, name: version} if version else {n: v for n, v in ALL.items() if n != name}
        plan = makePlan(report(installed), NEEDED, CPU)
        assert plan.problem and ("newer Slicer" in plan.problem or "Install Slicer again" in plan.problem)
    damaged = makePlan(report(ALL, {"torch": "ImportError: numpy"}, ("numpy",)), NEEDED, CPU)
    assert "numpy is part of Slicer and damaged" in damaged.problem


def test_slicers_development_version_of_simpleitk_will_do() -> None:
    assert makePlan(report({**ALL, "simpleitk": "2.5.2.dev12+gabc"}), NEEDED, CPU).isEmpty


def test_what_fails_for_want_of_another_is_not_called_damaged() -> None:
    installed = {name: version for name, version in ALL.items() if name != "torch"}
    plan = makePlan(report(installed, {"matplotlib": "ModuleNotFoundError: torch"}), NEEDED, CPU)
    assert ([package.name for package in plan.missing], plan.broken, plan.problem) == (["torch"], (), "")


def test_the_question_adds_up() -> None:
    asked = report({"numpy": "2.0.2", "simpleitk": "2.5.2"})
    plan = makePlan(asked, NEEDED, CPU)
    text = question(plan, asked, None, "A note.")
    assert "    PyTorch for the CPU only: about " in text and "    matplotlib: about 25 MB" in text
    sizes = [packageSize(name, CPU).download for name in ("torch", "matplotlib")]
    assert plan.size.download == sum(sizes)
    assert "Without the GPU" not in text
    gpu = makePlan(asked, NEEDED, TorchBuild("gpu", "PyTorch for RTX", ""))
    assert "Without the GPU it would be a tenth" in question(gpu, asked, None, "")
    assert text.endswith("A note.\nInstall them now?")


@pytest.mark.parametrize(
    ("megabytes", "text"),
    [(1, "about 1 MB"), (137, "about 135 MB"), (999, "about 1000 MB"), (3950, "about 4.0 GB")],
)
def test_sizes_in_words(megabytes: int, text: str) -> None:
    assert sizeText(megabytes) == text


def test_pytorchs_build_decides_where_it_comes_from() -> None:
    gpu = TorchBuild("gpu", "PyTorch for a GPU", "https://example.org/cu126")
    asked = report({name: ALL[name] for name in ("numpy", "simpleitk")})
    steps = installSteps(makePlan(asked, NEEDED, gpu), asked, NEEDED, None)
    assert [step.arguments for step in steps] == [
        ("--index-url", "https://example.org/cu126", "torch>=2.4"),
        ("matplotlib>=3.8",),
    ]
    steps = installSteps(makePlan(asked, NEEDED, CPU), asked, NEEDED, None)
    assert [step.arguments for step in steps] == [("torch>=2.4", "matplotlib>=3.8")]
    steps = installSteps(makePlan(asked, NEEDED, gpu), asked, NEEDED, Path("/wheels"))
    assert [step.arguments for step in steps] == [
        ("--no-index", "--find-links", str(Path("/wheels")), "torch>=2.4", "matplotlib>=3.8")
    ]


def test_a_damaged_build_is_replaced_by_the_same() -> None:
    asked = report({**ALL, "torch": "2.6+cu126"}, {"torch": "no"}, ("torch",))
    repair, rest = installSteps(makePlan(asked, NEEDED, CPU), asked, NEEDED, None)[1:]
    assert repair.arguments[-3:] == ("--index-url", indexOfVersion("2.6+cu126"), "torch==2.6+cu126")
    assert "--no-deps" in repair.arguments and rest.arguments == ("torch>=2.4",)
    assert indexOfVersion("2.6+cu126").endswith("/cu126") and indexOfVersion("2.6") == ""
    assert indexOfVersion("2.6+local/../x") == ""


def test_every_other_package_is_pinned() -> None:
    text = constraints({"numpy": "2.0.2", "torch": "2.6", "odd": "not a version"}, ["torch"])
    assert text == "numpy==2.0.2\n"


@pytest.mark.parametrize(
    ("text", "gpu"),
    [
        ("NVIDIA RTX A4000, 550.54.15, 8.6\n", Gpu("NVIDIA RTX A4000", (550, 54), (8, 6))),
        (
            "NVIDIA H100 80GB HBM3, 580.65.06, 9.0\nNVIDIA H100",
            Gpu("NVIDIA H100 80GB HBM3", (580, 65), (9, 0)),
        ),
        ("No devices were found\n", None),
        ("", None),
    ],
)
def test_what_nvidias_driver_says(text: str, gpu: Gpu | None) -> None:
    assert parseGpu(text) == gpu


def test_builds_to_choose_from() -> None:
    old, ampere = Gpu("Old", (470, 0), (8, 6)), Gpu("RTX", (550, 54), (8, 6))
    blackwell = Gpu("New", (580, 0), (12, 0))

    def kinds(gpu: Gpu | None, platform: str) -> list[tuple[str, str]]:
        return [(build.kind, build.index.rpartition("/")[2]) for build in torchBuilds(gpu, platform)]

    assert kinds(ampere, "win32") == [("gpu", "cu126"), ("cpu", "")]
    assert kinds(blackwell, "linux") == [("gpu", "cu128"), ("cpu", "cpu"), ("gpu", "")]
    assert kinds(None, "linux") == kinds(old, "linux") == [("cpu", "cpu"), ("gpu", "")]
    assert kinds(None, "win32") == [("cpu", "")]
    assert kinds(None, "darwin") == [("cpu", "")]


def test_long_paths_are_named_with_what_to_do() -> None:
    site = (
        r"C:\Users\somebody\AppData\Local\slicer.org\3D Slicer 5.11.0-2026-11-20\lib\Python\Lib\site-packages"
    )
    problem = longPathProblem(site, LONGEST_IN_TORCH, enabled=False)
    assert problem and site in problem and "C:\\Slicer" in problem and "Enable Win32 long paths" in problem
    assert longPathProblem(site, LONGEST_IN_TORCH, enabled=True) is None
    assert longPathProblem(r"C:\Slicer\lib\Python\Lib\site-packages", LONGEST_IN_TORCH, enabled=False) is None
    assert longPathProblem("x" * 100, 158, enabled=False) is None
    assert longPathProblem("x" * 100, 159, enabled=False) is not None
    if sys.platform != "win32":
        assert longPathsEnabled()


def test_the_longest_path_is_not_longer_than_believed() -> None:
    """The installed torch is the oracle."""
    import importlib.metadata

    assert max(len(str(file)) for file in importlib.metadata.files("torch") or []) <= LONGEST_IN_TORCH


def test_a_report_without_its_list_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="could not be asked"):
        parseReport(["Fatal Python error", "[1]", '{"importing": "torch"}'], 1)
