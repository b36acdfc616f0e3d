"""How a failed run is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from SegMambaCore.errors import CancelledError, SegMambaError


def reason_of(error: Exception) -> str:
    """Return the sentences that tell a person why something failed."""
    if isinstance(error, SegMambaError):
        return str(error)
    if isinstance(error, MemoryError):
        return "Out of memory. Close other programs and try again."
    return f"SegMamba failed unexpectedly ({type(error).__name__}: {error})."


@contextmanager
def failure_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell why the block fails, and let the error pass; one about memory as a SegMambaError.

    A cancel is no failure: nothing is told.
    """
    try:
        yield
    except CancelledError:
        raise
    except Exception as error:
        tell(reason_of(error))
        if isinstance(error, MemoryError):
            raise SegMambaError(reason_of(error)) from error
        raise
