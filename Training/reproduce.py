"""Table 1 from cases to the page: every step by its own command, which is printed as it runs.

    python Training/reproduce.py --output REPRODUCTION
    python Training/reproduce.py --output REPRODUCTION --data BRATS --minutes 60 --networks tom segresnet-32 unetr

Without --data the cases are synthetic and everything is small: it ends within minutes on two cores, and shows that the
steps fit together, not which network is better. The same command again goes on where it stopped. What the paper's
own table takes: docs/reproduce.md.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm import tqdm

from SegMambaCore.errors import SegMambaError
from Training.comparison.evaluated import TABLE
from Training.networks.registry import NETWORKS, NetworkName
from Training.synthetic_cohort import LABELS, write_cohort

TRAINING = Path(__file__).resolve().parent
PAGE = "index.html"

PAPERS_PARTS, MINUTES = "70/10/20", 10.0
SYNTHETIC_PARTS, SYNTHETIC_MINUTES, SYNTHETIC_STEPS, SYNTHETIC_CASES = "60/0/40", 1.0, 100, 10
SYNTHETIC_CHANGES = (
    "patch=[32, 32, 32]",
    "whole=[48, 64, 48]",
    "p_whole=0.1",
    "warmup_steps=10",
    "learning_rate=2.0e-3",
    "average_decay=0.9",
    *(f"p_{change}=0.0" for change in ("rotation", "scale", "low_resolution", "blur", "gamma", "contrast")),
)
"""How the configuration is changed for heads of half size and a training of SYNTHETIC_STEPS."""


@dataclass(frozen=True)
class Plan:
    """data: folder of cases. labels: what their labels mean, None where their names tell.

    parts: percent of the patients for training, validation and measuring.

    config, changes: of the trainings; minutes: of each, which ends earlier after so many steps, None for no such end.
    """

    data: Path
    labels: str | None
    parts: str
    networks: tuple[NetworkName, ...]
    config: Path
    changes: tuple[str, ...]
    minutes: float
    steps: int | None
    output: Path


def main() -> None:
    """Read the arguments, run every step that has not been done, say how long each took."""
    plan = _parse()
    try:
        if plan.labels == LABELS:
            for _ in tqdm(write_cohort(plan.data, SYNTHETIC_CASES), "Synthetic cases", SYNTHETIC_CASES):
                pass
        seconds = {title: run(command) for title, command in steps(plan)}
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    for title, taken in seconds.items():
        print(f"{title:40} {taken:7.1f} s")
    print(f"Page: {plan.output / 'comparison' / PAGE}")


def steps(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    """Yield the title and the command of each step, as soon as the one before it is done."""
    packs, split = plan.output / "packs", plan.output / "split.json"
    labels = [] if plan.labels is None else ["--labels", plan.labels]
    yield "prepare", _python("prepare.py", "--data", plan.data, "--output", packs, *labels)
    if not split.is_file():
        yield "split", _python("split.py", "--data", packs, "--parts", plan.parts, "--output", split)
    evaluations = []
    for name in plan.networks:
        folder = plan.output / name
        model = folder / "model.safetensors"
        if not model.is_file():
            changes = [word for change in (f"network={name}", *plan.changes) for word in ("--set", change)]
            budget = [
                "--minutes",
                plan.minutes,
                *([] if plan.steps is None else ["--steps", plan.steps]),
                "--resume",
            ]
            cases = ["--data", packs, "--split", split, "--output", folder]
            yield f"train {name}", _python("train.py", "--config", plan.config, *changes, *cases, *budget)
            _check_trained(model)
        predictions = folder / "predictions"
        cases = ["--data", plan.data, "--split", split, "--output", predictions]
        yield f"predict {name}", _python("predict.py", "--model", model, *cases)
        if not (folder / TABLE).is_file():
            pairs = ["--predictions", predictions, "--references", plan.data, "--split", split, *labels]
            yield f"evaluate {name}", _python("evaluate.py", *pairs, "--output", folder)
        evaluations.append(f"{NETWORKS[name].title}={folder}")
    yield "compare", _python("compare.py", *evaluations, "--output", plan.output / "comparison")


def _check_trained(model: Path) -> None:
    """Refuse weights that no step has moved, as those of a computer that was too slow for the minutes.

    Raises SegMambaError; the training then goes on when it is called again with more.
    """
    last = max(path.stem for path in (model.parent / "checkpoints").glob("step_*.pt"))
    if int(last.removeprefix("step_")) == 0:
        model.unlink()
        raise SegMambaError(f"{model.parent}: there was no time for a single step. Give more --minutes.")


def run(command: Sequence[str]) -> float:
    """Run a command, which speaks for itself, and return its seconds. Raises SegMambaError when it fails."""
    line = shlex.join(["python", *command[1:]])
    print(f"\n$ {line}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command).returncode
    if code != 0:
        raise SegMambaError(
            f"This step failed (exit code {code}):\n{line}\nOnce that is mended, the same command goes on."
        )
    return time.monotonic() - started


def _python(script: str, *arguments: object) -> list[str]:
    return [sys.executable, str(TRAINING / script), *map(str, arguments)]


def _parse() -> Plan:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="BraTS cases; without it they are synthetic")
    parser.add_argument(
        "--minutes",
        type=float,
        help=f"of each training, at most ({SYNTHETIC_MINUTES:g}; with --data {MINUTES:g})",
    )
    parser.add_argument(
        "--networks",
        nargs="+",
        choices=NETWORKS,
        default=["small", "segresnet-16", "mednext-s"],
        help="the first is the one that the others are tested against",
    )
    parser.add_argument(
        "--config", type=Path, default=TRAINING / "configs" / "small.yaml", help="of all trainings"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for everything that is made")
    arguments = parser.parse_args()
    synthetic = arguments.data is None
    return Plan(
        data=arguments.output / "cases" if synthetic else arguments.data,
        labels=LABELS if synthetic else None,
        parts=SYNTHETIC_PARTS if synthetic else PAPERS_PARTS,
        networks=tuple(arguments.networks),
        config=arguments.config,
        changes=SYNTHETIC_CHANGES if synthetic else (),
        minutes=arguments.minutes or (SYNTHETIC_MINUTES if synthetic else MINUTES),
        steps=SYNTHETIC_STEPS if synthetic else None,
        output=arguments.output,
    )


if __name__ == "__main__":
    main()
