"""Make one weights file of a training, with a model card.

    python Training/export.py --run RUN --evaluation RUN/evaluation --name NAME --output NAME.safetensors
    python Training/export.py --run RUN --checkpoints 3 --name NAME --output NAME.safetensors
    python Training/export.py --run RUN --evaluation HELD_OUT/evaluation --name NAME --into-box

The first takes the weights that the training wrote at its end. --checkpoints takes those of its last checkpoints in
their place, of a training that was stopped too: their mean, where there are several. The file is fp16; beside it lies
NAME.md, made from configuration, cases, hardware and evaluation. Means and medians of the evaluation go into the file's
metadata, in the convention of BraTS 2021 alone: a user who picks a model should not have to tell conventions apart.
--robustness adds what Dice the model reached without some of the contrasts, which reports of such input quote.

--into-box makes it the shipped one: SegMambaCore/weights/NAME.safetensors and its line in SHA256SUMS. Other weights in
the box are removed: the repository carries one file, and its history every file there ever was.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from torch import nn

from SegMambaCore.case.case import ROLES
from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.figures import missing_key
from SegMambaCore.model_file.safetensors_file import write_model
from SegMambaCore.model_file.spec import ModelSpec
from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.whole_file import write_whole_file
from Training.checkpoint_average import average_of_checkpoints
from Training.evaluation.corrupted import missing_name
from Training.evaluation.table import read_table
from Training.metrics.conventions import convention_of
from Training.model_card import SUMMARY, model_card
from Training.networks.model_file import read_model
from Training.robustness import COLUMNS
from Training.run_record import RunRecord, read_run

BOX = Path(__file__).resolve().parents[1] / "SegMambaCore" / "weights"
LARGEST_BYTES = 20 * 10**6
CONVENTION = "brats2021"
STATISTICS = ("mean", "median")


def main() -> None:
    """Read the arguments, export, say what was written."""
    arguments = _parse()
    try:
        record = read_run(arguments.run)
        if arguments.checkpoints is None:
            network, spec = read_model(arguments.run / "model.safetensors")
        else:
            network, spec = average_of_checkpoints(arguments.run, record, arguments.checkpoints)
        figures = {} if arguments.evaluation is None else {"held_out": held_out_figures(arguments.evaluation)}
        if arguments.robustness is not None:
            figures["missing"] = missing_contrast_figures(arguments.robustness)
        spec = replace(spec, name=arguments.name, figures=figures)
        if arguments.into_box:
            target = into_box(network, spec)
            print(f"wrote {target}")
        else:
            export(network, spec, arguments.output, (record, arguments.run), arguments.evaluation)
            print(f"wrote {arguments.output} and {arguments.output.with_suffix('.md')}")
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def export(
    network: nn.Module, spec: ModelSpec, target: Path, run: tuple[RunRecord, Path], evaluation: Path | None
) -> None:
    """Write the weights and, beside them, the card. Raises SegMambaError when one cannot be written."""
    write_model(network, spec, target)
    card = model_card(network, spec, target, run, evaluation)
    write_whole_file(target.with_suffix(".md"), card.encode())


def into_box(network: nn.Module, spec: ModelSpec) -> Path:
    """Write the weights and the checksum; return the path of the weights.

    Raises SegMambaError when the file would be too large; then nothing has changed.
    """
    target = BOX / f"{spec.name}.safetensors"
    with TemporaryDirectory() as folder:
        write_model(network, spec, Path(folder, target.name))
        data = Path(folder, target.name).read_bytes()
    if len(data) > LARGEST_BYTES:
        raise SegMambaError(f"{target}: {len(data)} bytes, more than the {LARGEST_BYTES} allowed.")
    write_whole_file(target, data)
    for path in BOX.glob("*.safetensors"):
        if path != target:
            path.unlink()
    line = f"{hashlib.sha256(data).hexdigest()}  {target.name}\n"
    write_whole_file(BOX / "SHA256SUMS", line.encode())
    return target


def held_out_figures(evaluation: Path) -> dict[str, dict[str, str]]:
    """Return the lines that a model file carries, by statistic and way of inference.

    Raises SegMambaError when the folder is not that of an evaluation.
    """
    rows = [row for row in read_table(evaluation / SUMMARY) if row.get("statistic") in STATISTICS]
    return {
        ", ".join([row["statistic"], *_way(row)]): {
            name: value
            for name, value in row.items()
            if name in ("cases", "seconds") or convention_of(name) == CONVENTION
        }
        for row in rows
    }


def missing_contrast_figures(robustness: Path) -> dict[str, dict[str, str]]:
    """Return the mean Dice by region of each set of missing contrasts, as a model file carries them.

    Raises SegMambaError when the folder is not that of Training/robustness.py with a single model.
    """
    table = robustness / "robustness.csv"
    rows = read_table(table)
    if len({row.get("model") for row in rows}) != 1:
        raise SegMambaError(f"{table}: measures several models. Measure the exported one by itself.")
    figures = {}
    for count in (1, 2):
        for roles in combinations(ROLES, count):
            own = [row for row in rows if row["corruption"] == missing_name(roles)]
            if own:
                means = {
                    region: sum(float(row[COLUMNS[region]]) for row in own) / len(own) for region in REGIONS
                }
                figures[missing_key(roles)] = {region: f"{mean:.4f}" for region, mean in means.items()}
    return figures


def _way(row: dict[str, str]) -> list[str]:
    return [row["mode"], f"mirrors {row['mirror']}"] if "mode" in row else ["label maps"]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="output folder of Training/train.py")
    parser.add_argument(
        "--checkpoints",
        type=int,
        metavar="N",
        help="the mean weights of the last N checkpoints, not the final ones",
    )
    parser.add_argument(
        "--evaluation", type=Path, help="output folder of Training/evaluate.py: figures for the card"
    )
    parser.add_argument(
        "--robustness", type=Path, help="output folder of Training/robustness.py: Dice without some contrasts"
    )
    parser.add_argument("--name", required=True, help="what users will call it")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--output", type=Path, metavar="FILE.safetensors", help="file to write")
    target.add_argument("--into-box", action="store_true", help="make it the shipped model")
    arguments = parser.parse_args()
    if arguments.checkpoints is not None and arguments.checkpoints < 1:
        parser.error("--checkpoints must be 1 or more")
    if arguments.output and arguments.output.suffix != ".safetensors":
        parser.error("--output must end in .safetensors")
    return arguments


if __name__ == "__main__":
    main()
