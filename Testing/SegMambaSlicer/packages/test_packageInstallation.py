"""Real pip in real environments: installed, refused, repaired, cancelled; and nothing else changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from SegMambaLib.packages.installState import InstallState
from SegMambaLib.packages.packageInstallation import PackageInstallation
from SegMambaLib.packages.packageReport import Condition
from SegMambaLib.packages.pipRun import startPip
from throwaway import CPU, NEEDED, NRRD, Environment, attempt, makeWheel, publish_all, wait


def install(environment: Environment, wheels: Path | None = None) -> PackageInstallation:
    installation = attempt(environment, wheels)
    assert wait(installation, InstallState.ASKING) is InstallState.ASKING, installation.message
    installation.answer(True)
    wait(installation)
    return installation


def test_from_nothing_to_ready(environment: Environment) -> None:
    publish_all(environment)
    installation = attempt(environment)
    assert installation.text == "Looking at the Python packages"
    assert wait(installation, InstallState.ASKING) is InstallState.ASKING
    assert [state.condition for state in installation.states] == [Condition.MISSING] * 2
    for words in (
        "PyTorch for the CPU only: about 200 MB",
        "pynrrd: about 1 MB",
        "To download: about 200 MB",
    ):
        assert words in installation.question
    assert environment.installed() == {}
    installation.answer(True)
    assert wait(installation) is InstallState.READY, installation.message + installation.details
    assert environment.installed() == {"torch": "2.6", "pynrrd": "1.1.3", "shared": "1.5"}
    assert environment.imports("torch") and environment.imports("nrrd")
    assert list(environment.temporary.iterdir()) == []
    again = attempt(environment)
    assert wait(again) is InstallState.READY
    assert [state.version for state in again.states] == ["2.6", "1.1.3"]


def test_a_no_downloads_nothing(environment: Environment) -> None:
    calls: list[object] = []
    installation = attempt(environment, startPip=lambda *arguments: calls.append(arguments))
    wait(installation, InstallState.ASKING)
    time.sleep(0.1)
    assert installation.poll() is InstallState.ASKING  # nothing happens before the answer
    installation.answer(False)
    assert installation.poll() is InstallState.DECLINED
    installation.answer(True)  # too late
    assert installation.poll() is InstallState.DECLINED
    assert calls == [] and environment.installed() == {}
    assert list(environment.temporary.iterdir()) == []


def test_packages_of_others_stay_as_they_are(environment: Environment) -> None:
    publish_all(environment)
    environment.install("shared", "1.0")
    environment.install("other-extension", "3", requires=["shared==1.0"])
    assert install(environment).state is InstallState.READY
    assert environment.installed() == {
        "torch": "2.6",
        "pynrrd": "1.1.3",
        "shared": "1.0",
        "other-extension": "3",
    }


def test_a_conflict_is_named_and_changes_nothing(environment: Environment) -> None:
    publish_all(environment)
    environment.publish("torch", "2.6", requires=["shared>=2"])
    environment.publish("shared", "2.0")
    environment.install("shared", "1.0")
    environment.install("other-extension", "3", requires=["shared==1.0"])
    installation = install(environment)
    assert installation.state is InstallState.FAILED
    assert installation.message == (
        "shared 1.0 is installed (used by other-extension), but torch 2.6 needs shared>=2.\n"
        "Packages that are there stay as they are, so nothing was installed or changed."
    )
    assert "ResolutionImpossible" in installation.details
    assert environment.installed() == {"shared": "1.0", "other-extension": "3"}


def test_an_old_package_of_another_extension_is_left_to_the_user(environment: Environment) -> None:
    environment.install("torch", "2.1")
    environment.install("other-extension", "3", requires=["torch"])
    installation = attempt(environment)
    assert wait(installation) is InstallState.FAILED
    assert "torch 2.1 is installed, torch>=2.4 is needed." in installation.message
    assert "(here: other-extension)" in installation.message
    assert installation.states[0].condition is Condition.OLD
    assert environment.installed()["torch"] == "2.1"


TORCH = {"torch/__init__.py": "import shared, torch.deep\nis_whole = True\n", "torch/deep.py": ""}
SHARED = {"shared/__init__.py": "import shared.library\n", "shared/library.py": ""}


def lose_a_file(environment: Environment) -> None:
    (environment.site / "torch" / "deep.py").unlink()


def truncate_a_file(environment: Environment) -> None:
    """As when the disk is full."""
    (environment.site / "torch" / "__init__.py").write_text("import (", encoding="utf-8")


def lose_the_first_file(environment: Environment) -> None:
    """Python takes a folder without __init__.py for a package."""
    (environment.site / "torch" / "__init__.py").unlink()


def lose_the_list(environment: Environment) -> None:
    """As when pip is killed before its last file."""
    lose_a_file(environment)
    (environment.site / "torch-2.5.dist-info" / "RECORD").unlink()


def truncate_the_metadata(environment: Environment) -> None:
    """As when it is killed within the metadata."""
    lose_the_list(environment)
    (environment.site / "torch-2.5.dist-info" / "WHEEL").unlink()


def end_python(environment: Environment) -> None:
    (environment.site / "torch" / "__init__.py").write_text("import os; os.abort()", encoding="utf-8")


def damage_what_torch_requires(environment: Environment) -> None:
    (environment.site / "shared" / "library.py").unlink()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lose_a_file, "torch 2.5"),
        (lose_the_first_file, "torch 2.5"),
        (lose_the_list, "torch 2.5"),
        pytest.param(truncate_a_file, "torch 2.5", marks=pytest.mark.slow),
        pytest.param(truncate_the_metadata, "torch 2.5", marks=pytest.mark.slow),
        (end_python, "torch 2.5"),
        (damage_what_torch_requires, "shared 1.0"),
    ],
)
def test_half_installed_is_recognised_and_repaired(
    environment: Environment, damage: Any, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    publish_all(environment)
    environment.publish("torch", "2.5", requires=["shared>=1"], files=TORCH)
    environment.publish("shared", "1.0", files=SHARED)
    environment.install("torch", "2.5", requires=["shared>=1"], files=TORCH)
    environment.install("shared", "1.0", files=SHARED)
    environment.install("pynrrd", "1.1.3", files=NRRD)
    assert environment.runs("import torch; torch.is_whole")
    damage(environment)
    assert environment.installed()["torch"] == "2.5"  # its metadata are there
    assert not environment.runs("import torch; torch.is_whole")
    installation = attempt(environment)
    assert wait(installation, InstallState.ASKING) is InstallState.ASKING, installation.message
    assert installation.states[0].condition is Condition.BROKEN and installation.states[0].reason
    assert f"Installed only in part, to be installed anew:\n    {named}\nTo" in installation.question
    installation.answer(True)
    assert wait(installation) is InstallState.READY, installation.message + installation.details
    assert environment.runs("import torch; torch.is_whole")
    # This process has neither, but pretends to have loaded one of them.
    assert installation.advice == ""
    monkeypatch.setitem(sys.modules, "torch", object())
    assert ("Start Slicer again" in installation.advice) == named.startswith("torch")
    # The versions that other extensions expect, though the index has newer ones.
    assert environment.installed() == {"torch": "2.5", "shared": "1.0", "pynrrd": "1.1.3"}


def test_the_remnants_of_an_interrupted_replacement_go_away(environment: Environment) -> None:
    publish_all(environment)
    for name in ("~orch", "~orch-2.1.dist-info", "~-rch", "torch"):
        (environment.site / name).mkdir()
    (environment.site / "torch" / "old.py").write_text("", encoding="utf-8")
    (environment.site / "~nother").mkdir()
    assert install(environment).state is InstallState.READY
    assert sorted(path.name for path in environment.site.glob("~*")) == ["~nother"]
    assert not (environment.site / "torch" / "old.py").exists()


def test_what_a_repair_cannot_mend_is_said_with_pythons_reason(environment: Environment) -> None:
    publish_all(environment)
    environment.publish("torch", "2.6", files={"torch/__init__.py": "raise OSError('c10.dll: no runtime')"})
    installation = install(environment)
    assert installation.state is InstallState.FAILED
    assert "still cannot be used:\ntorch: OSError: c10.dll: no runtime" in installation.message


def test_a_cancelled_installation_can_be_repaired(environment: Environment) -> None:
    environment.publish_slowly_installed_torch()
    environment.publish("pynrrd", "1.1.3", files=NRRD)
    installation = attempt(environment)
    wait(installation, InstallState.ASKING)
    installation.answer(True)
    end = time.monotonic() + 30
    while not (environment.site / "torch").exists():
        assert installation.poll() is InstallState.INSTALLING and time.monotonic() < end
        time.sleep(0.005)
    installation.cancel()
    assert installation.text == "Cancelling"
    assert wait(installation) is InstallState.CANCELLED
    assert str(environment.site.parent) not in processes()
    assert not environment.imports("torch.part199")
    assert install(environment).state is InstallState.READY
    assert environment.imports("torch")


def processes() -> str:
    return subprocess.run(
        ["ps", "-A", "-ww", "-o", "command="], capture_output=True, text=True, check=True
    ).stdout


def test_leaving_slicer_ends_it_at_once(environment: Environment) -> None:
    installation = attempt(environment)
    installation.stopNow()
    assert installation.state is InstallState.CANCELLED
    assert str(environment.python) not in processes()
    assert list(environment.temporary.iterdir()) == []


def test_without_a_network(environment: Environment) -> None:
    program = environment.program
    unreachable = {**program.environment, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    installation = PackageInstallation(
        NEEDED, type(program)(program.python, unreachable), CPU, environment.temporary, startPip=startPip
    )
    wait(installation, InstallState.ASKING)
    installation.answer(True)
    assert wait(installation) is InstallState.FAILED
    assert "package index cannot be reached" in installation.message
    assert "folder of wheels" in installation.message


def test_a_folder_of_wheels(environment: Environment) -> None:
    makeWheel(environment.wheels, "torch", "2.6", requires=["shared>=1", "absent; extra == 'x'"])
    makeWheel(environment.wheels, "pynrrd", "1.1.3", files=NRRD)
    makeWheel(environment.wheels, "shared", "1.2")
    environment.install("other-extension", "3")
    installation = install(environment, environment.wheels)
    assert installation.state is InstallState.READY, installation.message
    assert f"come from the folder {environment.wheels}" in installation.question
    assert "download:" not in installation.question
    assert set(environment.installed()) == {"torch", "pynrrd", "shared", "other-extension"}


def test_wheels_that_are_missing_are_named_before_anything_starts(environment: Environment) -> None:
    makeWheel(environment.wheels, "torch", "2.6", requires=["shared>=1"])
    makeWheel(environment.wheels, "shared", "0.9")
    makeWheel(environment.wheels, "pynrrd", "1.1.3", files=NRRD, tag="cp27-cp27m-win32")
    installation = attempt(environment, environment.wheels)
    assert wait(installation) is InstallState.FAILED
    assert "lacks wheels for:\n    pynrrd>=1.1\n    shared>=1\n" in installation.message
    assert "another system:\n    pynrrd-1.1.3-cp27-cp27m-win32.whl\n" in installation.message
    assert "python -m pip download --dest wheels" in installation.message
    assert environment.installed() == {}


def test_a_folder_that_belongs_to_an_administrator(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    installation = attempt(environment)
    assert wait(installation) is InstallState.FAILED
    assert f"{environment.site}, where you may not write (Permission denied)" in installation.message


def test_a_full_disk_is_told_before(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=500 * 10**6))
    installation = attempt(environment)
    assert wait(installation) is InstallState.FAILED
    assert "need about 861 MB" in installation.message and "500 MB are free" in installation.message


def test_long_paths_of_windows_are_told_before(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SegMambaLib.packages.preparation.longPathsEnabled", lambda: False)
    deep = {"torch/" + "deep/" * 40 + "__init__.py": ""}
    makeWheel(environment.wheels, "torch", "2.6", files=deep)
    makeWheel(environment.wheels, "pynrrd", "1.1.3", files=NRRD)
    installation = attempt(environment, environment.wheels)
    assert wait(installation) is InstallState.FAILED
    assert "Windows allows paths of 259 characters" in installation.message
    monkeypatch.setattr("SegMambaLib.packages.preparation.LONGEST_IN_TORCH", 250)
    installation = attempt(environment)
    assert wait(installation, InstallState.ASKING) is InstallState.ASKING
    assert "This may fail. Windows allows paths of 259 characters" in installation.question


def test_a_wheel_that_nobody_can_read_ends_it(environment: Environment) -> None:
    makeWheel(environment.wheels, "torch", "2.6", requires=["== nonsense"])
    installation = attempt(environment, environment.wheels)
    assert wait(installation) is InstallState.FAILED
    assert "could not be looked at" in installation.message and "Traceback" in installation.details


def test_a_python_that_cannot_be_started(environment: Environment) -> None:
    os.remove(environment.python)
    with pytest.raises(RuntimeError, match="cannot be started"):
        attempt(environment)
    assert list(environment.temporary.iterdir()) == []
