"""Runs in processes of their own, one at a time on each GPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from Training.cross_validation.plan import Run

EVALUATION_MINUTES = 1.0
"""Allowed for measuring a model, and for starting, beside the minutes of its training."""

Say = Callable[[str], None]


def execute(runs: Sequence[Run], gpus: Sequence[str], within_minutes: float, say: Say) -> list[Run]:
    """Train and measure the runs that are not finished; return those that failed.

    gpus: what CUDA_VISIBLE_DEVICES will be, one worker each. within_minutes: no run starts that would end later.
    Output goes to log.txt in the run's folder.
    """
    started = time.monotonic()
    waiting: SimpleQueue[Run] = SimpleQueue()
    for run in runs:
        waiting.put(run)
    failed: list[Run] = []
    lock = Lock()

    def tell(message: str) -> None:
        with lock:
            say(f"[{(time.monotonic() - started) / 60:5.1f} min] {message}")

    def work(gpu: str) -> None:
        while True:
            try:
                run = waiting.get_nowait()
            except Empty:
                return
            needed = run.recipe.minutes + EVALUATION_MINUTES
            if (time.monotonic() - started) / 60 + needed > within_minutes:
                tell(f"{run.title}: left for another time")
                continue
            tell(f"{run.title}: starts on GPU {gpu}")
            problem = _carry_out(run, gpu)
            if problem:
                failed.append(run)
            tell(f"{run.title}: {problem or 'finished'}")

    workers = [Thread(target=work, args=(gpu,)) for gpu in gpus]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return failed


def _carry_out(run: Run, gpu: str) -> str | None:
    """Train and measure; return what went wrong, if anything did."""
    run.begin()
    log = run.folder / "log.txt"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": gpu}
    with log.open("wb") as output:
        train, evaluate = run.commands()
        for words in [evaluate] if run.model.exists() else [train, evaluate]:
            process = subprocess.run(
                [sys.executable, *words],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                check=False,
            )
            if process.returncode:
                return f"failed ({Path(words[0]).name}): {_last_line(log)}"
    shutil.rmtree(run.folder / "checkpoints", ignore_errors=True)
    return None


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "no word of why")
