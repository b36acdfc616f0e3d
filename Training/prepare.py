"""From a folder of BraTS cases to the small files that the training reads.

    python Training/prepare.py --data DIR --output DIR

Every case goes through `SegMambaCore.case`, as a user's case does, and is then quantised to one byte a voxel.
Run again after an interruption: cases that have their file are skipped.
"""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from SegMambaCore.case.find import find_case_files
from SegMambaCore.case.prepare import crop_to_box, prepare_case
from SegMambaCore.case.prepared import PreparationRecord
from SegMambaCore.case.read_case import read_case
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.read import read_volume
from SegMambaCore.volume.resample import resample
from SegMambaCore.volume.volume import Volume
from Training.case_pack import pack_case, pack_path, write_pack
from Training.model_spec import model_spec

_SEGMENTATION = re.compile(r"^(?P<case>.+)[-_]seg\.nii(\.gz)?$")
_ET_LABEL = {
    re.compile(r"^BraTS-GLI-\d+-\d+$"): 3,  # BraTS 2023
    re.compile(r"^Bra[tT][sS](17|18|19|20|2021)_\w+$"): 4,
}


def main() -> None:
    """Pack all cases, list those that cannot be used, report the total size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder for each case")
    parser.add_argument("--output", type=Path, required=True, help="folder for the packed cases")
    parser.add_argument("--workers", type=int, default=2, help="cases worked on at the same time")
    arguments = parser.parse_args()

    arguments.output.mkdir(parents=True, exist_ok=True)
    folders = find_cases(arguments.data)
    waiting = [folder for folder in folders if not pack_path(arguments.output, folder.name).exists()]
    problems: list[str] = []
    with ProcessPoolExecutor(arguments.workers) as pool:
        jobs = {pool.submit(prepare_training_case, folder, arguments.output): folder for folder in waiting}
        for job in tqdm(as_completed(jobs), total=len(jobs), unit="case"):
            try:
                job.result()
            except (SegMambaError, OSError, ValueError) as error:
                problems.append(f"{jobs[job].name}: {error}")

    packs = [path for folder in folders if (path := pack_path(arguments.output, folder.name)).exists()]
    size = sum(path.stat().st_size for path in packs)
    print(f"{len(packs)} of {len(folders)} cases in {arguments.output}, {size / 2**20:.1f} MiB.")
    for problem in sorted(problems):
        print(f"Not used: {problem}", file=sys.stderr)


def find_cases(data: Path) -> list[Path]:
    """Return the folders below `data` that hold a reference segmentation, sorted by name."""
    return sorted(
        {path.parent for path in data.rglob("*seg.nii*") if _SEGMENTATION.match(path.name)},
        key=lambda p: p.name,
    )


def prepare_training_case(folder: Path, output: Path) -> Path:
    """Read, prepare and pack the case in a folder that bears its name; return the pack's path.

    Raises SegMambaError when a file is missing or unusable, or the labels are not those of the name's
    convention.
    """
    case = read_case(find_case_files(folder))
    prepared = prepare_case(case, model_spec("sigmoid"))
    labels = crop_to_box(label_map(folder, prepared.record), prepared.record)
    pack = pack_case(folder.name, prepared.tensor, labels, case.hashes)
    return write_pack(pack, output)


def label_map(folder: Path, record: PreparationRecord) -> NDArray[np.uint8]:
    """Return the reference segmentation on the model's grid: uint8 (k, j, i), 1 NCR, 2 ED, 3 ET."""
    et_label = next((label for names, label in _ET_LABEL.items() if names.match(folder.name)), None)
    if et_label is None:
        raise SegMambaError(
            f"{folder.name}: the name tells no BraTS year, so what the labels 3 and 4 mean is not known.\n"
            "Name the folder as BraTS does: BraTS2021_00000, BraTS-GLI-00000-000."
        )
    (path,) = (path for path in folder.iterdir() if _SEGMENTATION.match(path.name))
    volume = read_volume(path)
    found = set(np.unique(volume.array).tolist())
    if not found <= {0, 1, 2, et_label}:
        raise SegMambaError(
            f"{path.name}: labels {sorted(found)}, but 0, 1, 2 and {et_label} are what its name stands for."
        )
    labels = Volume(volume.array.astype(np.uint8), volume.affine, volume.name)
    on_grid = resample(labels, record.model_grid, interpolation="nearest").array
    return np.where(on_grid == et_label, np.uint8(3), on_grid)


if __name__ == "__main__":
    main()
