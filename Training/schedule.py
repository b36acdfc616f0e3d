"""How long a training lasts, in steps, seconds or both, and the learning rate that is fitted to it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from Training.config import Config

FINISH_SECONDS = 5.0
"""Kept back from the seconds for writing the weights."""


@dataclass
class Progress:
    """How far a training has come, interruptions taken out.

    used_seconds: of the seconds that were given, imports and preparations included. trained_seconds: of
        these, the ones within the training loop, which the schedule follows.
    """

    step: int = 0
    used_seconds: float = 0.0
    trained_seconds: float = 0.0


class Budget:
    """What a training may use; it ends when either the steps or the seconds are used up."""

    def __init__(self, steps: int | None, seconds: float | None) -> None:
        """seconds: in total, from the start of the process, those of interrupted runs included."""
        self.steps = sys.maxsize if steps is None else steps
        self.seconds = math.inf if seconds is None else seconds - FINISH_SECONDS
        self._used_before = self._trained_before = 0.0
        self._schedule_seconds = math.inf

    def begin(self, progress: Progress, now: float) -> None:
        """Note where the loop begins, `now` seconds after the start of the process."""
        # The time before this is used up, but the schedule has not moved.
        self._used_before = progress.used_seconds
        self._trained_before = progress.trained_seconds - now
        self._schedule_seconds = progress.trained_seconds + self.seconds - progress.used_seconds - now
        progress.used_seconds += now

    def advance(self, progress: Progress, now: float) -> None:
        """Count one step more."""
        progress.step += 1
        progress.used_seconds = self._used_before + now
        progress.trained_seconds = self._trained_before + now

    def is_spent(self, progress: Progress) -> bool:
        """Whether there is nothing left for another step."""
        return progress.step >= self.steps or progress.used_seconds >= self.seconds

    def done(self, progress: Progress) -> float:
        """Return which fraction of the training has passed."""
        return max(progress.trained_seconds / self._schedule_seconds, progress.step / self.steps)

    def seconds_left(self, progress: Progress, steps_per_second: float) -> float:
        """Return how long the rest takes at this speed."""
        return max(
            0.0,
            min(
                self.seconds - progress.used_seconds,
                (self.steps - progress.step) / max(steps_per_second, 1e-9),
            ),
        )


def learning_rate(config: Config, step: int, done: float) -> float:
    """Return the rate of a step when the fraction `done` of the training has passed."""
    done = min(max(done, 0.0), 1.0)
    shape = (1 - done) ** 0.9 if config.schedule == "polynomial" else 0.5 * (1 + math.cos(math.pi * done))
    return config.learning_rate * shape * min(1.0, (step + 1) / config.warmup_steps)
