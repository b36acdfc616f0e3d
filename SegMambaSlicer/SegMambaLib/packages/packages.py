"""The needed packages in this session of Slicer: what is known of them, and attempts to have them all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from slicer.i18n import tr as _

from ..run.program import findProgram
from .installState import InstallState
from .neededPackages import neededPackages
from .packageInstallation import PackageInstallation
from .packageReport import Condition, PackageState, installedStates
from .torchBuild import TorchBuild, findGpu, torchBuilds

SECONDS_BETWEEN_POLLS = 0.1


class Packages:
    """areReady: all were imported with success in this session. build: which PyTorch to install, if it is missing.

    Nothing is looked at, started or installed before it is asked for.
    """

    def __init__(self, temporaryPath: Path) -> None:
        self.areReady = False
        self.build: TorchBuild | None = None
        self._temporaryPath = temporaryPath
        self._builds: list[TorchBuild] = []
        self._seen: list[PackageState] = []

    def states(self) -> list[PackageState]:
        """Return the state of each package: as last seen, else as the metadata say, at once."""
        return self._seen or installedStates(neededPackages())

    def builds(self) -> list[TorchBuild]:
        """Return which PyTorch can be installed here, the recommended one first. Asks NVIDIA's driver, once."""
        if not self._builds:
            self._builds = torchBuilds(findGpu())
        return self._builds

    def begin(self, wheels: Path | None = None) -> PackageInstallation:
        """Start to look, and return the attempt; poll it, answer its question, then tell `finished`.

        wheels: a folder to take wheels from instead of the network. Raises RuntimeError when Slicer's Python
        cannot be started.
        """
        build = self.build or self.builds()[0]
        return PackageInstallation(neededPackages(), findProgram(), build, self._temporaryPath, wheels)

    def finished(self, attempt: PackageInstallation) -> None:
        """Keep what an attempt that is over has found."""
        self.areReady = attempt.state is InstallState.READY
        # After a cancelled or failed installation what was seen before it says nothing.
        self._seen = [] if attempt.hasInstalled and not self.areReady else attempt.states

    def runFailed(self, message: str) -> None:
        """Look again before the next run if this message speaks of a package that cannot be imported."""
        if re.search(
            r"ModuleNotFoundError|ImportError|DLL load failed|cannot open shared object file", message
        ):
            self.areReady = False

    def install(self, wheels: Path | None = None, onProgress: Callable[[str], None] | None = None) -> None:
        """Install what is missing and repair what is damaged, and wait; for scripts. The call is the consent.

        onProgress: gets the question's text, then a line ten times a second.
        Raises RuntimeError when something stands in the way, or pip fails; other packages are never changed.
        """
        attempt = self.begin(wheels)
        try:
            while not attempt.poll().isOver:
                if onProgress:
                    onProgress(attempt.question if attempt.state is InstallState.ASKING else attempt.text)
                attempt.answer(True)
                time.sleep(SECONDS_BETWEEN_POLLS)
        finally:
            attempt.stopNow()
            self.finished(attempt)
        if attempt.state is InstallState.FAILED:
            raise RuntimeError(attempt.message)

    def problem(self) -> str | None:
        """Say which packages the metadata know to be missing or too old, and how a script installs them, or None."""
        lacking = [s.needed.line for s in self.states() if s.condition is not Condition.GOOD]
        if not lacking:
            return None
        return _(
            "Slicer's Python lacks {packages}. Install them in the panel (Models and packages), or in a script with "
            "SegMambaLogic().packages.install()."
        ).format(packages=", ".join(lacking))
