"""From "is all there?" to "all is there": look, ask once, install, look again. Polled, cancelled, never modal."""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from slicer.i18n import tr as _

from ..run.lineRun import LineRun
from ..run.program import Program
from ..run.programRun import RunState
from ..run.temporaryFolder import makeFolder, removeFolder
from .installPlan import makePlan, question
from .installState import InstallState
from .installSteps import Step, constraints, installSteps
from .neededPackages import NeededPackage, canonicalName
from .packageReport import PackageState, parseReport
from .pipMessages import progressLine, progressOption, reasonOfFailure
from .pipRun import PipRun, startPip
from .preparation import preparation
from .torchBuild import TorchBuild

PROBE = Path(__file__).resolve().parent / "probe.py"

StartPip = Callable[[Sequence[str], Path, Program], PipRun]


class PackageInstallation:
    """One attempt to have all needed packages.

    state; message: why it FAILED; details: what pip printed. question: what to ask in ASKING. states: of the packages,
    once looked at. hasInstalled: whether pip was started. Nothing is downloaded before `answer(True)`.
    """

    def __init__(
        self,
        needed: Sequence[NeededPackage],
        program: Program,
        build: TorchBuild,
        temporaryPath: Path,
        wheels: Path | None = None,
        startPip: StartPip = startPip,
    ) -> None:
        """Begin to look. build: which PyTorch, if it is missing. wheels: a folder in place of the network.

        Raises RuntimeError when Slicer's Python cannot be started.
        """
        self.state = InstallState.LOOKING
        self.message = ""
        self.question = ""
        self.states: list[PackageState] = []
        self._needed, self._program, self._build = needed, program, build
        self._wheels, self._startPip = wheels, startPip
        self._folder = makeFolder(temporaryPath)
        self._steps: list[Step] = []
        self._broken: tuple[str, ...] = ()
        self._log: list[str] = []
        self.hasInstalled = False
        self._title = ""
        try:
            self._run: LineRun | PipRun = self._look()
        except RuntimeError:
            removeFolder(self._folder)
            raise

    def poll(self) -> InstallState:
        """Look how it is getting on, go on to the next step, and return the state."""
        if self.state not in (InstallState.LOOKING, InstallState.INSTALLING, InstallState.CANCELLING):
            return self.state
        run = self._run.poll()
        if not run.isOver:
            return self.state
        self._log += self._run.lines
        if self.state is InstallState.CANCELLING or run is RunState.CANCELLED:
            self._end(InstallState.CANCELLED)
        else:
            try:
                if self.state is InstallState.LOOKING:
                    self._looked()
                else:
                    self._installed(run)
            except RuntimeError as error:
                self._fail(str(error))
            except Exception as error:
                # Whatever it is (a wheel or metadata that nobody can read): this is called from a timer, and would go
                # on for ever.
                self._log.append(traceback.format_exc())
                self._fail(_("The packages could not be looked at: {reason}").format(reason=error))
        return self.state

    def answer(self, yes: bool) -> None:
        """Tell what the user said to the question; a no ends it, and nothing was downloaded."""
        if self.state is not InstallState.ASKING:
            return
        if not yes:
            self._end(InstallState.DECLINED)
            return
        self.hasInstalled = True
        self.state = InstallState.INSTALLING
        try:
            self._nextStep()
        except RuntimeError as error:
            self._fail(str(error))

    def cancel(self) -> None:
        """Stop; `poll` goes on to CANCELLED. What pip has begun may be left half-way: the next attempt repairs it."""
        if self.state is InstallState.ASKING:
            self._end(InstallState.CANCELLED)
        elif not self.state.isOver:
            self._run.cancel()
            self.state = InstallState.CANCELLING

    def stopNow(self) -> None:
        """Stop before returning: for the moment when Slicer itself ends."""
        if not self.state.isOver:
            self._run.stopNow()
            self._end(InstallState.CANCELLED)

    @property
    def text(self) -> str:
        """One line: what is being done."""
        if self.state is InstallState.CANCELLING:
            return _("Cancelling")
        if self.state is InstallState.INSTALLING:
            return f"{self._title}. {progressLine(self._run.lines)}"
        return _("Looking at the Python packages") if self.state is InstallState.LOOKING else ""

    @property
    def advice(self) -> str:
        """Return what to do after a repair, "" for nothing: this process may have loaded what was replaced."""
        replaced = [
            p.name for p in self._needed if canonicalName(p.name) in self._broken and p.module in sys.modules
        ]
        if self.state is not InstallState.READY or not replaced:
            return ""
        return _(
            "{names} had been loaded by another module. Start Slicer again before you use that module."
        ).format(names=", ".join(replaced))

    @property
    def details(self) -> str:
        """Return what the programs printed, for a report."""
        return "\n".join(self._log)

    def _look(self) -> LineRun:
        packages = json.dumps([[package.name, package.module] for package in self._needed])
        return LineRun([self._program.python, str(PROBE), packages], self._program.environment, self._folder)

    def _looked(self) -> None:
        assert isinstance(self._run, LineRun)
        self._report = parseReport(self._run.lines, self._run.exitCode)
        self.states = self._report.states(self._needed)
        plan = makePlan(self._report, self._needed, self._build)
        if plan.isEmpty:
            self._end(InstallState.READY)
        elif plan.problem:
            self._fail(plan.problem)
        elif self.hasInstalled:
            self._fail(self._stillBroken())
        else:
            self._steps = installSteps(plan, self._report, self._needed, self._wheels)
            self._broken = plan.broken
            note = preparation(plan, self._report, self._wheels)
            self.question = question(plan, self._report, self._wheels, note)
            self.state = InstallState.ASKING

    def _installed(self, run: RunState) -> None:
        if run is RunState.FAILED:
            self._fail(reasonOfFailure(self._run.lines, self._report, offline=self._wheels is not None))
        elif self._steps:
            self._nextStep()
        else:
            importlib.invalidate_caches()  # this process has looked into the folder before
            self.state = InstallState.LOOKING
            self._run = self._look()

    def _nextStep(self) -> None:
        step = self._steps.pop(0)
        self._title = step.title
        if step.script:
            command = [self._program.python, step.script, *step.arguments]
            self._run = LineRun(command, self._program.environment, self._folder)
            return
        path = self._folder / "constraints.txt"
        path.write_text(constraints(self._report.installed, self._broken), encoding="utf-8")
        self._run = self._startPip([*progressOption(self._report), *step.arguments], path, self._program)

    def _stillBroken(self) -> str:
        reasons = [f"{name}: {reason}" for name, reason in self._report.failures.items()]
        return "\n".join(
            [
                _("The packages were installed, and still cannot be used:"),
                *(reasons or [_("some are missing")]),
            ]
        )

    def _fail(self, message: str) -> None:
        self.message = message
        self._end(InstallState.FAILED)

    def _end(self, state: InstallState) -> None:
        self.state = state
        removeFolder(self._folder)
