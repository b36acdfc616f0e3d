"""The learning rate, and budgets of steps, seconds or both."""

from __future__ import annotations

import pytest

from Testing.Training.synthetic import tiny_config
from Training.schedule import FINISH_SECONDS, Budget, Progress, learning_rate


@pytest.mark.parametrize("schedule", ["polynomial", "cosine"])
def test_learning_rate_warms_up_and_falls_to_zero(schedule: str) -> None:
    config = tiny_config(schedule=schedule, warmup_steps=10, learning_rate=1.0)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 10, 0.0) == 1.0
    rates = [learning_rate(config, 100, done / 10) for done in range(11)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == learning_rate(config, 100, 1.5) == 0.0


def _run(budget: Budget, progress: Progress, begin: float, step: float) -> list[float]:
    """Train with steps of so many seconds; return which fraction was done before each."""
    budget.begin(progress, begin)
    done, now = [], begin
    while not budget.is_spent(progress):
        done.append(budget.done(progress))
        now += step
        budget.advance(progress, now)
    return done


def test_steps_alone_do_not_look_at_the_clock() -> None:
    assert _run(Budget(4, None), Progress(), begin=1000.0, step=50.0) == [0.0, 0.25, 0.5, 0.75]


def test_seconds_alone_fill_what_the_preparations_left() -> None:
    done = _run(Budget(None, 100.0 + FINISH_SECONDS), Progress(), begin=60.0, step=10.0)
    assert done == pytest.approx([0.0, 0.25, 0.5, 0.75])


def test_of_steps_and_seconds_what_ends_first_counts() -> None:
    assert len(_run(Budget(4, 1000.0), Progress(), begin=0.0, step=1.0)) == 4
    assert len(_run(Budget(1000, 10.0 + FINISH_SECONDS), Progress(), begin=0.0, step=1.0)) == 10


def test_a_resumed_training_has_the_seconds_that_are_left_and_its_schedule_goes_on() -> None:
    progress = Progress()
    first = Budget(None, 100.0 + FINISH_SECONDS)
    first.begin(progress, 10.0)
    for now in (20.0, 30.0, 40.0):
        first.advance(progress, now)
    assert progress == Progress(step=3, used_seconds=40.0, trained_seconds=30.0)

    done = _run(Budget(None, 100.0 + FINISH_SECONDS), progress, begin=20.0, step=10.0)  # another start: 20 s
    assert done[0] == pytest.approx(30.0 / 70.0)  # of 100 s, 30 went into preparations
    assert (len(done), progress.used_seconds) == (4, 100.0)


def test_the_time_left_is_that_of_what_ends_first() -> None:
    progress = Progress(step=10, used_seconds=50.0)
    assert Budget(30, None).seconds_left(progress, 2.0) == 10.0
    assert Budget(None, 60.0 + FINISH_SECONDS).seconds_left(progress, 2.0) == 10.0
    assert Budget(100, 60.0 + FINISH_SECONDS).seconds_left(progress, 2.0) == 10.0
