"""Millimetres and Dice against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from SegMambaCore.volume.volume import Volume
from Training.raw_studies.scores import dice, registration_errors


def test_a_shift_is_the_same_everywhere_and_a_turn_grows_with_the_radius() -> None:
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[5:15, 5:15, 5:15] = 1
    brain = Volume(mask, np.diag([2.0, 2.0, 2.0, 1.0]))
    shift, true = np.eye(4), np.eye(4)
    shift[:3, 3] = (3, 0, 4)
    true[:3, 3] = (10, -5, 2)
    assert registration_errors(shift @ true, true, brain) == pytest.approx(5.0)
    turn = np.eye(4)
    turn[:2, :2] = [[0, -1], [1, 0]]
    errors = registration_errors(turn @ true, true, brain)
    assert errors.max() == pytest.approx(np.sqrt(2) * np.hypot(28, 28))
    assert errors.min() == pytest.approx(np.sqrt(2) * np.hypot(10, 10))


def test_dice() -> None:
    a, b = np.zeros(10, bool), np.zeros(10, bool)
    assert dice(a, b) == 1.0
    a[:4], b[2:4] = True, True
    assert dice(a, b) == pytest.approx(4 / 6)
