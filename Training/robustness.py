"""What clinics do to the input, and what it costs: Dice of one or more models under every corruption.

    python Training/robustness.py --model A/model.safetensors B/model.safetensors --data PACKS \
        --split Training/configs/split_44.json --output DIR

Writes DIR/robustness.csv, a line for each model, corruption and case, and DIR/robustness.md: means over the cases, the
models side by side. The cases are the held-out ones of the split; the corruptions are those of
Training/evaluation/corrupted.py, drawn for each case in the same way for every model. Where a model's file has limits
(Training/limits.py), both tell how often its warnings came, and when they were right.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm import tqdm

from SegMambaCore.errors import SegMambaError
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.prepared_network import PreparedNetwork
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.segmentation.regions import REGIONS, regions_from_label_map
from SegMambaCore.segmentation.trust import assess_trust
from SegMambaCore.whole_file import write_whole_file
from Training.case_pack import pack_path, read_pack
from Training.evaluation.corrupted import CORRUPTIONS, corrupted, sample_of
from Training.evaluation.doubt import FAILURE_DICE
from Training.evaluation.of_model import read_unseeing
from Training.evaluation.processes import default_workers
from Training.evaluation.table import Row, write_table
from Training.metrics.brats2021 import dice2021
from Training.metrics.conventions import column_name
from Training.split import read_split

COLUMNS = {region: column_name("dice", region, "brats2021") for region in REGIONS}


def main() -> None:
    """Read the arguments, measure, write both tables, print the second."""
    arguments = _parse()
    try:
        packs = [pack_path(arguments.data, name) for name in read_split(arguments.split).held_out]
        names = distinct_names(arguments.model)
        corruptions = ["none", *(name for name in arguments.only if name != "none")]
        settings = InferenceSettings(mode=arguments.mode, mirror=arguments.mirror, device=arguments.device)
        rows: list[Row] = []
        for name, model in zip(names, arguments.model, strict=True):
            of_model: Row = {"model": name}
            rows += [
                of_model | row for row in measure(model, packs, corruptions, settings, arguments.workers)
            ]
        arguments.output.mkdir(parents=True, exist_ok=True)
        write_table(rows, arguments.output / "robustness.csv")
        table = "\n".join(markdown(rows)) + "\n"
        write_whole_file(arguments.output / "robustness.md", table.encode("utf-8"))
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(table, end="")


def measure(
    model: Path, packs: Sequence[Path], names: Sequence[str], settings: InferenceSettings, workers: int = 1
) -> list[Row]:
    """Return a row for each case and corruption: Dice of WT, TC and ET in the convention of BraTS 2021.

    workers: threads that corrupt while the network goes on.
    Raises SegMambaError when the model or a pack cannot be read, or the model was trained on one of the cases.
    """
    network, spec = read_unseeing([model], packs)
    ready = PreparedNetwork(network)
    rows: list[Row] = []
    total = len(packs) * len(names)
    with ThreadPoolExecutor(max_workers=workers) as pool, tqdm(total=total, unit="prediction") as progress:
        for path in packs:
            pack = read_pack(path)
            corrupt = partial(corrupted, sample_of(pack), case=pack.name)
            for name, sample in zip(names, pool.map(corrupt, names), strict=True):
                reference = regions_from_label_map(sample.labels.numpy(), "brats2023", pack.name)
                prediction = predict(ready, spec, sample.image.numpy(), settings)
                masks = prediction.masks
                trust = assess_trust(sample.image.numpy(), prediction.probabilities, masks, spec)
                row: Row = {"corruption": name, "case": pack.name}
                row |= {COLUMNS[r]: dice2021(masks[r], reference[r]) for r in REGIONS}
                row |= {"unlike": str(int(trust.unlike)), "unsure": str(int(bool(trust.unsure)))}
                rows.append(row)
                progress.update()
    return rows


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a table and a line a model.

    In the table, for each model: the means over the cases, the mean's change from the clean input, and in how many
    cases there was a warning. Below, how many of the bad results were warned of.
    """
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    cases = len({row["case"] for row in rows})
    heads = (f"{model}: WT / TC / ET | mean | change | warned" for model in models)
    yield " | ".join([f"| corruption, {cases} cases", *heads]) + " |"
    yield "| --- |" + " --- | --- | --- | --- |" * len(models)
    for corruption in dict.fromkeys(row["corruption"] for row in rows):
        cells = [str(corruption)]
        for model in models:
            dice, clean = (_means(rows, model, name) for name in (corruption, "none"))
            change = "" if corruption == "none" else f"{np.mean(dice) - np.mean(clean):+.3f}"
            warned = sum(_is_warned(row) for row in _of(rows, model, corruption))
            cells += [
                " / ".join(f"{value:.3f}" for value in dice),
                f"{np.mean(dice):.3f}",
                change,
                f"{warned}",
            ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    for model in models:
        own = [row for row in rows if row["model"] == model]
        bad = [row for row in own if _mean_dice(row) < FAILURE_DICE]
        good = [row for row in own if _mean_dice(row) >= FAILURE_DICE]
        yield (
            f"{model}: of {len(bad)} results with a mean Dice below {FAILURE_DICE}, {sum(map(_is_warned, bad))} were "
            f"warned of; of {len(good)} others, {sum(map(_is_warned, good))}."
        )


def _is_warned(row: Row) -> bool:
    return "1" in (row["unlike"], row["unsure"])


def _mean_dice(row: Row) -> float:
    return float(np.mean([float(row[column]) for column in COLUMNS.values()]))


def _of(rows: Sequence[Row], model: str, corruption: str | float) -> list[Row]:
    return [row for row in rows if (row["model"], row["corruption"]) == (model, corruption)]


def _means(rows: Sequence[Row], model: str, corruption: str | float) -> list[float]:
    own = _of(rows, model, corruption)
    return [float(np.mean([float(row[column]) for row in own])) for column in COLUMNS.values()]


def distinct_names(models: Sequence[Path]) -> list[str]:
    """The parts of the paths that tell the files apart."""
    if len(models) == 1:
        return [models[0].stem]
    parts = [path.resolve().with_suffix("").parts for path in models]
    shared = next(n for n in range(99) if len({part[n : n + 1] for part in parts}) > 1)
    same_stem = len({path.stem for path in models}) == 1
    return ["/".join(part[shared : -1 if same_stem else None]) for part in parts]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, nargs="+", required=True, help="model files, side by side")
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=list(CORRUPTIONS), default=list(CORRUPTIONS))
    parser.add_argument("--mode", choices=["windows", "onepass"], default="onepass")
    parser.add_argument("--mirror", choices=["none", "leftright", "all"], default="none")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=default_workers(), help="threads that corrupt")
    return parser.parse_args()


if __name__ == "__main__":
    main()
