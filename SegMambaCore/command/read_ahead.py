"""Reading the next thing while the present one is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Content = TypeVar("Content")


def read_ahead(
    items: Sequence[Item], read: Callable[[Item], Content], thread: Executor
) -> Iterator[tuple[Item, Future[Content]]]:
    """Yield each item with what is read of it; the next one is being read meanwhile, and no more than that.

    thread: an executor with one worker. A failed read is raised by its future.
    """
    upcoming = thread.submit(read, items[0]) if items else None
    for number, item in enumerate(items):
        present, following = upcoming, items[number + 1 : number + 2]
        upcoming = thread.submit(read, following[0]) if following else None
        assert present is not None
        yield item, present
