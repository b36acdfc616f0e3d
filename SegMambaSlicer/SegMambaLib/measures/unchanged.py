"""Not computing again what has not changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Value = TypeVar("Value")


class Unchanged:
    """Values by what they depend on, kept from one round to the next and no longer."""

    def __init__(self) -> None:
        self._previous: dict[Hashable, Any] = {}
        self._current: dict[Hashable, Any] = {}

    def newRound(self) -> None:
        """Forget what the last round did not ask for."""
        self._previous, self._current = self._current, {}

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return the value of this key from this or the last round, or compute it."""
        if key not in self._current:
            self._current[key] = self._previous[key] if key in self._previous else compute()
        return self._current[key]
