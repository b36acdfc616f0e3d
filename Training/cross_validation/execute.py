"""Runs in processes of their own: on each GPU one training at a time, while the model before it is measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    A model is measured while the next training imports, reads and records its steps, which leaves the GPU idle.
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

    def measure(run: Run, gpu: str) -> None:
        problem = _called(run, run.commands()[1], gpu)
        if problem:
            failed.append(run)
        else:
            shutil.rmtree(run.folder / "checkpoints", ignore_errors=True)
        tell(f"{run.title}: {problem or 'finished'}")

    def work(gpu: str) -> None:
        measurements: list[Future[None]] = []
        with ThreadPoolExecutor(max_workers=1) as measuring:
            while True:
                try:
                    run = waiting.get_nowait()
                except Empty:
                    break
                needed = run.recipe.minutes + EVALUATION_MINUTES
                if (time.monotonic() - started) / 60 + needed > within_minutes:
                    tell(f"{run.title}: left for another time")
                    continue
                run.begin()
                if not run.model.exists():
                    tell(f"{run.title}: starts on GPU {gpu}")
                    problem = _called(run, run.commands()[0], gpu)
                    if problem:
                        failed.append(run)
                        tell(f"{run.title}: {problem}")
                        continue
                measurements.append(measuring.submit(measure, run, gpu))
        for measurement in measurements:
            measurement.result()

    workers = [Thread(target=work, args=(gpu,)) for gpu in gpus]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return failed


def _called(run: Run, words: Sequence[str], gpu: str) -> str | None:
    """Call one of the run's two programs; return what went wrong, if anything did."""
    log = run.folder / "log.txt"
    with log.open("ab") as output:
        process = subprocess.run(
            [sys.executable, *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": gpu},
            check=False,
        )
    return f"failed ({Path(words[0]).name}): {_last_line(log)}" if process.returncode else None


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "no word of why")
