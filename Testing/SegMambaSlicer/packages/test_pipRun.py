"""Through slicer.packaging where Slicer has it: a stand-in of its pip_install, with the real pip behind it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

import pytest
import slicer
from SegMambaLib.packages.installState import InstallState
from SegMambaLib.packages.pipRun import endProcessesWith
from throwaway import NRRD, Environment, attempt, publish_all


class SlicersPackaging(types.ModuleType):
    """slicer.packaging of Slicer 5.11: pip in a program of its own, lines and exit code by call from the event loop."""

    def __init__(self, environment: Environment) -> None:
        super().__init__("slicer.packaging")
        self._environment = environment
        self.calls: list[dict[str, Any]] = []
        self.busy = False
        self._events: list[Callable[[], None]] = []

    def pip_ensure(self) -> None:
        raise AssertionError("it asks without sizes, in a modal window")

    def isPipInstallInProgress(self) -> bool:
        return self.busy

    def pip_install(self, requirements: list[str], constraints: Any = None, **options: Any) -> None:
        self.calls.append({"requirements": requirements, "constraints": constraints, **options})
        assert not options["blocking"] and not options["show_progress"]
        program = self._environment.program
        process = subprocess.Popen(
            [program.python, "-m", "pip", "install", *requirements, "-c", str(constraints)],
            env=dict(program.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

        def follow() -> None:
            for line in process.stdout:
                self._events.append(lambda line=line: options["logCallback"](line.rstrip()))
            code = process.wait()
            self._events.append(lambda: options["completedCallback"](code))

        threading.Thread(target=follow, daemon=True).start()

    def processEvents(self) -> None:
        while self._events:
            self._events.pop(0)()


@pytest.fixture
def packaging(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> SlicersPackaging:
    packaging = SlicersPackaging(environment)
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setattr(slicer, "packaging", packaging, raising=False)
    return packaging


def wait(installation: Any, packaging: SlicersPackaging, *until: InstallState) -> InstallState:
    end = time.monotonic() + 30
    while not installation.poll().isOver and installation.state not in until:
        packaging.processEvents()
        assert time.monotonic() < end, installation.details
        time.sleep(0.01)
    return installation.state


def test_slicers_own_way_is_taken(environment: Environment, packaging: SlicersPackaging) -> None:
    publish_all(environment)
    environment.install("shared", "1.0")
    installation = attempt(environment)
    wait(installation, packaging, InstallState.ASKING)
    assert packaging.calls == []
    installation.answer(True)
    assert wait(installation, packaging) is InstallState.READY, installation.message
    (call,) = packaging.calls
    assert call["requirements"][-2:] == ["torch>=2.4", "pynrrd>=1.1"]
    assert call["constraints"].name == "constraints.txt"
    assert environment.installed() == {"torch": "2.6", "pynrrd": "1.1.3", "shared": "1.0"}


def test_two_installations_at_a_time_are_refused(
    environment: Environment, packaging: SlicersPackaging
) -> None:
    installation = attempt(environment)
    wait(installation, packaging, InstallState.ASKING)
    packaging.busy = True
    installation.answer(True)
    assert installation.state is InstallState.FAILED
    assert "for another module" in installation.message


def test_cancel_ends_the_pip_that_slicer_started(
    environment: Environment, packaging: SlicersPackaging
) -> None:
    environment.publish_slowly_installed_torch()
    environment.publish("pynrrd", "1.1.3", files=NRRD)
    installation = attempt(environment)
    wait(installation, packaging, InstallState.ASKING)
    installation.answer(True)
    end = time.monotonic() + 20
    while not (environment.site / "torch").exists():
        assert time.monotonic() < end
        time.sleep(0.005)
    installation.cancel()
    assert wait(installation, packaging) is InstallState.CANCELLED
    assert list(environment.temporary.iterdir()) == []
    assert not environment.imports("torch.part199")


def test_only_programs_with_the_argument_are_ended() -> None:
    sleep = "import time; time.sleep(60)"
    ours = subprocess.Popen([sys.executable, "-c", sleep, "/tmp/of-our-own-7f3a/constraints.txt"])
    others = subprocess.Popen([sys.executable, "-c", sleep, "/tmp/of-another/constraints.txt"])
    try:
        endProcessesWith("/tmp/of-our-own-7f3a/constraints.txt")
        assert ours.wait(10) != 0
        assert others.poll() is None
    finally:
        others.kill()
        others.wait()


def test_an_early_slicer_packaging_is_told_by_its_functions(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = types.ModuleType("slicer.packaging")
    monkeypatch.setitem(sys.modules, "slicer.packaging", early)
    monkeypatch.setattr(slicer, "packaging", early, raising=False)
    publish_all(environment)
    installation = attempt(environment)
    end = time.monotonic() + 30
    while installation.poll() is not InstallState.ASKING and time.monotonic() < end:
        time.sleep(0.01)
    installation.answer(True)
    while not installation.poll().isOver and time.monotonic() < end:
        time.sleep(0.01)
    assert installation.state is InstallState.READY
