"""The packages in a session, for scripts: nothing is looked at by itself, and the real ones are there."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenes import fake_program
from SegMambaLib.logic import SegMambaLogic
from SegMambaLib.packages import packages as module
from SegMambaLib.packages.installState import InstallState
from SegMambaLib.packages.packageReport import Condition
from SegMambaLib.packages.packages import Packages
from throwaway import CPU, NEEDED, Environment, makeWheel, publish_all, wait


@pytest.fixture
def packages(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Packages:
    monkeypatch.setattr(module, "findProgram", lambda: environment.program)
    monkeypatch.setattr(module, "neededPackages", lambda: NEEDED)
    monkeypatch.setattr(module, "findGpu", lambda: None)
    monkeypatch.setattr(module, "torchBuilds", lambda gpu: [CPU])
    return Packages(environment.temporary)


def test_a_script_installs(environment: Environment, packages: Packages) -> None:
    publish_all(environment)
    lines: list[str] = []
    packages.install(onProgress=lines.append)
    assert packages.areReady
    assert any("To download: about 200 MB" in line for line in lines)
    assert [state.condition for state in packages.states()] == [Condition.GOOD] * 2
    assert environment.imports("torch")


def test_a_script_gets_the_reason(environment: Environment, packages: Packages) -> None:
    makeWheel(environment.wheels, "torch", "2.6")
    with pytest.raises(RuntimeError, match="lacks wheels for:\n    pynrrd"):
        packages.install(environment.wheels)
    assert not packages.areReady


def test_nothing_is_started_by_the_logic(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr("subprocess.Popen", fail)
    logic = SegMambaLogic()
    assert not logic.packages.areReady
    assert {state.condition for state in logic.packages.states()} == {Condition.GOOD}
    assert logic.packages.problem() is None


def test_a_segmentation_by_script_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# comment\nnumpy>=1.26\nno-such-package_1>=2.0\n", encoding="utf-8")
    monkeypatch.setattr("SegMambaLib.packages.neededPackages.REQUIREMENTS", requirements)
    with pytest.raises(RuntimeError, match=r"lacks no-such-package_1>=2.0.*packages.install\(\)"):
        SegMambaLogic().segment({})


@pytest.mark.slow
def test_the_real_packages_are_imported_for_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "findProgram", fake_program)
    packages = Packages(tmp_path)
    attempt = packages.begin()
    assert wait(attempt, InstallState.ASKING) is InstallState.READY
    packages.finished(attempt)
    assert packages.areReady
    assert {state.condition for state in attempt.states} == {Condition.GOOD}
