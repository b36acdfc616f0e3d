"""More training cases from tumour shapes without images: painted into brains of a split's training side.

    python Training/synthesise.py --shapes LABEL_MAPS --data PACKS --split FOLDS/fold_1.json --output MORE

MORE gets links to all packs of PACKS, a pack for each shape (FOLD-painted-SHAPE), and the split with their names among
its training cases, under the split's own file name: so `--data MORE --split MORE/fold_1.json` trains with them, and
`cross_validate.py --data MORE --folds MORE` does once every fold was made. A shape stays where it was in the head,
mirrored half the time and moved by a few voxels; brain and intensities are those of two training cases, drawn at
random. Held-out cases give nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm import tqdm

from SegMambaCore.case.prepare import crop_to_box
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.resample import to_orientation
from SegMambaCore.volume.volume import Volume
from SegMambaCore.whole_file import write_whole_file
from Training.case_pack import CasePack, pack_path, read_pack, write_pack
from Training.evaluation.label_maps import LABELS, find_label_maps, read_labels
from Training.painted_lesion import Look, look_of, paint
from Training.quantise import pack_case
from Training.split import read_split

MARK = "painted"
_JITTER_VOXELS = 6


def main() -> None:
    """Read the arguments, paint, write packs and split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shapes", type=Path, required=True, help="folder of label maps")
    parser.add_argument(
        "--labels", choices=LABELS, help="what they mean, where the names of the cases do not tell"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of packs, see Training/prepare.py")
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        split = read_split(arguments.split)
        shapes = {
            name: read_shape(path, name, arguments.labels)
            for name, path in find_label_maps(arguments.shapes).items()
        }
        link_packs(arguments.data, arguments.output)
        painted = synthesise(
            shapes, arguments.data, split.training, arguments.output, arguments.split.stem, arguments.seed
        )
        sides = {"held_out": split.held_out, "training": [*split.training, *painted]}
        write_whole_file(
            arguments.output / arguments.split.name, (json.dumps(sides, indent=1) + "\n").encode()
        )
    except SegMambaError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(f"{len(painted)} painted cases; {len(split.training)} training cases before")


def read_shape(path: Path, name: str, labels: str | None) -> Volume:
    """Return a label map as 1 NCR, 2 ED, 3 ET, its arrays in LPS. Raises SegMambaError as `read_labels`."""
    found = read_labels(path, name, labels)  # type: ignore[arg-type]
    return to_orientation(Volume(found.labels(), found.grid.affine), "LPS")


def synthesise(
    shapes: dict[str, Volume],
    data: Path,
    training: Sequence[str],
    output: Path,
    prefix: str,
    seed: int,
) -> list[str]:
    """Write a pack for each shape and return their names.

    A shape that no training case has all labels for, or that misses the brain, is left out.
    Raises SegMambaError when a pack is missing or cannot be written.
    """
    rng = np.random.default_rng(seed)
    looks = {name: look_of(read_pack(pack_path(data, name))) for name in training}
    names = []
    for shape_name, shape in tqdm(shapes.items(), unit="case"):
        wanted = set(np.unique(shape.array)[1:].tolist())
        donors = [name for name, look in looks.items() if wanted <= look.mean.keys()]
        if not donors or not wanted:
            continue
        host = read_pack(pack_path(data, training[int(rng.integers(len(training)))]))
        look = looks[donors[int(rng.integers(len(donors)))]]
        placed = _placed(shape, host, rng)
        if placed is None:
            continue
        name = f"{prefix}-{MARK}-{shape_name}"
        write_pack(_painted_pack(name, host, placed, look, rng), output)
        names.append(name)
    return names


def link_packs(data: Path, output: Path) -> None:
    """Let the output folder hold all packs of the other. Raises SegMambaError when it cannot be written to."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        for source in data.glob(pack_path(Path(), "*").name):
            target = output / source.name
            if target.exists():
                continue
            try:
                os.link(source, target)
            except OSError:  # another disk
                shutil.copyfile(source, target)
    except OSError as error:
        raise SegMambaError(f"{output}: cannot be written to ({error.strerror}). Choose another.") from error


def _placed(shape: Volume, host: CasePack, rng: np.random.Generator) -> NDArray[np.uint8] | None:
    """The shape in the host's box, moved and perhaps mirrored; None where the atlas differs or little is left."""
    record = host.head.record
    if shape.array.shape != record.model_grid.shape:
        return None
    array = shape.array[..., ::-1] if rng.random() < 0.5 else shape.array
    moved = np.roll(array, rng.integers(-_JITTER_VOXELS, _JITTER_VOXELS + 1, size=3), axis=(0, 1, 2))
    placed = crop_to_box(np.ascontiguousarray(moved), record) * host.codes.any(axis=0)
    enough = np.count_nonzero(placed) > 0.5 * float(np.count_nonzero(array))
    return placed.astype(np.uint8) if enough else None


def _painted_pack(
    name: str, host: CasePack, shape: NDArray[np.uint8], look: Look, rng: np.random.Generator
) -> CasePack:
    tensor, labels = paint(host.tensor(), host.labels, shape, look, rng)
    head = host.head
    return pack_case(
        name,
        tensor,
        labels,
        head.record,
        mean=head.mean,
        deviation=head.deviation,
        sources=head.sources,
        data_set=MARK,
        notes=(f"a tumour painted into {host.name}",),
    )


if __name__ == "__main__":
    main()
