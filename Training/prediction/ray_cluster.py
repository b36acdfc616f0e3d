"""Cases by the workers of a Ray cluster, one a task."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from SegMambaCore.errors import SegMambaError
from Training.worker_pool import ATTEMPTS, Done

Item = TypeVar("Item")
Result = TypeVar("Result")

_CPUS = 4
"""For a case on a computer without a GPU, if it has that many."""

_CODE = Path(__file__).resolve().parents[2]


def each_on_cluster(
    function: Callable[[Item], Result], items: Sequence[Item], address: str
) -> Generator[Done[Item, Result], None, None]:
    """Yield what became of each item, in the order in which they are done.

    Each is a task of its own that gets a whole GPU where the cluster has any. A worker or a machine that is lost costs
    the items it was at one try of three. address: as `ray.init` takes it, HOST:PORT or "auto". Code, files and output
    must lie at the same place on all machines.

    Raises SegMambaError when Ray is not installed or there is no cluster at the address.
    """
    # Ray would tell its makers of each use.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise SegMambaError("Ray is not installed. Run: pip install .[ray]") from error
    environment = {"PYTHONPATH": str(_CODE)}
    try:
        ray.init(address=address, runtime_env={"env_vars": environment}, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SegMambaError(
            f"--ray-address {address}: no Ray cluster can be reached ({error}). Start one: ray start --head"
        ) from error
    try:
        yield from _each(ray, function, items)
    finally:
        ray.shutdown()


def _each(
    ray: Any, function: Callable[[Item], Result], items: Sequence[Item]
) -> Generator[Done[Item, Result], None, None]:
    task = ray.remote(**_share_of_a_machine(ray), max_retries=ATTEMPTS - 1)(_call)
    running = {task.remote(function, item): item for item in items}
    while running:
        (reference, *_), _ = ray.wait(list(running), num_returns=1)
        item = running.pop(reference)
        try:
            yield Done(item, result=ray.get(reference))
        except ray.exceptions.RayTaskError as error:  # raised by the function itself
            yield Done(item, error=error.cause)
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[0]
            yield Done(
                item,
                error=SegMambaError(f"its worker was lost {ATTEMPTS} times ({reason}). For want of memory?"),
            )


def _share_of_a_machine(ray: Any) -> dict[str, float]:
    machines = [machine["Resources"] for machine in ray.nodes() if machine["Alive"]]
    if any(machine.get("GPU") for machine in machines):
        return {"num_gpus": 1, "num_cpus": 1}
    return {"num_cpus": min(_CPUS, max(machine.get("CPU", 1) for machine in machines))}


def _call(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)
