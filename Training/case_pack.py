"""A training case as it lies on disk: quantised network input, labels, and where they came from.

One file a case, FOLDER/NAME.b2nd: a Blosc2 array of 64^3 chunks in 32^3 blocks, each compressed by itself, so that a
crop decompresses little more than it holds. What else there is to know stands in the array's metadata.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import blosc2
import numpy as np
from numpy.typing import NDArray

from SegMambaCore.case.prepared import PreparationRecord
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.bounding_box import Box
from SegMambaCore.volume.volume import Grid
from SegMambaCore.whole_file import write_whole_file

SUFFIX = ".b2nd"
NOT_BRAIN = 0
"""In what `tissue` returns; 1 is brain without tumour, 2 NCR, 3 ED, 4 ET."""
FINGERPRINT_SIDE = 12

_CHUNK, _BLOCK = (1, 64, 64, 64), (1, 32, 32, 32)
# Level 8 is 2 % larger than 9 and ten times as fast. Filters that shuffle bits or bytes make noise larger.
_COMPRESSION: dict[str, Any] = {
    "codec": blosc2.Codec.ZSTD,
    "clevel": 8,
    "filters": [blosc2.Filter.NOFILTER],
    "filters_meta": [0],
    "nthreads": 1,
}
_METADATA = "case"


@dataclass(frozen=True)
class PackHead:
    """What a pack says without a voxel being read.

    shape: (D, H, W). low, step: float32 (channels,), see `CasePack`.
    mean, deviation: float32 (channels,), the scanner's intensity of a z-score z is mean + z * deviation.
    record: where the box lies in the patient, and the grid of the reference volume.
    sources: SHA-256 of each file the case was read from, by role.
    data_set: which layout the case was found in. notes: what a person should know of it.
    tumor_points: for each label that the case has, (n, 3) of its voxels, drawn at random.
    label_voxels: how many voxels are NCR, ED and ET.
    fingerprint: uint8 (channels, 12, 12, 12), mean codes of as many equal parts of the box.
    """

    name: str
    shape: tuple[int, int, int]
    low: NDArray[np.float32]
    step: NDArray[np.float32]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    record: PreparationRecord
    sources: dict[str, str]
    data_set: str
    notes: tuple[str, ...]
    tumor_points: tuple[NDArray[np.int64], ...]
    label_voxels: tuple[int, int, int]
    fingerprint: NDArray[np.uint8]


@dataclass(frozen=True)
class CasePack:
    """What `prepare_case` made of a case, one byte a voxel.

    codes: uint8 (channels, D, H, W), array axes (k, j, i) in LPS; 0 is background, code c > 0 stands for the
        z-score low + (c - 1) * step of its channel.
    labels: uint8 (D, H, W), 0 none, 1 NCR, 2 ED, 3 ET.
    """

    head: PackHead
    codes: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    @property
    def name(self) -> str:
        """What the case is called."""
        return self.head.name

    def tensor(self) -> NDArray[np.float32]:
        """Return the network's input, float32 (channels, D, H, W), background exactly 0."""
        low, step = (values[:, None, None, None] for values in (self.head.low, self.head.step))
        return np.where(self.codes > 0, low + (self.codes - np.float32(1)) * step, np.float32(0))


class PackFile:
    """A pack on disk, of which boxes can be read."""

    def __init__(self, path: Path) -> None:
        """Read the head. Raises SegMambaError when there is no such pack, or it is damaged."""
        self.path = path
        try:
            self._array = blosc2.open(str(path), mode="r", dparams={"nthreads": 1})
            self._metadata: dict[str, Any] = self._array.vlmeta[_METADATA]
            self.head = _head_from(self._metadata)
        except FileNotFoundError as error:
            raise SegMambaError(f"{path}: there is no such pack. Run Training/prepare.py first.") from error
        except (RuntimeError, OSError, KeyError, ValueError, TypeError) as error:
            raise _damaged(path) from error

    def crop(self, box: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return codes (channels, d, h, w) and labels (d, h, w) of a box within the case."""
        try:
            k, j, i = box
            values = self._array[:, k, j, i]
        except (RuntimeError, OSError, ValueError) as error:
            raise _damaged(self.path) from error
        return values[:-1], values[-1]

    def read(self) -> CasePack:
        """Return the whole case. Raises SegMambaError when it is not what was written."""
        codes, labels = self.crop((slice(None), slice(None), slice(None)))
        if _checksum(codes, labels) != self._metadata["crc32"]:
            raise _damaged(self.path)
        return CasePack(self.head, codes, labels)


def write_pack(pack: CasePack, folder: Path) -> Path:
    """Write FOLDER/NAME.b2nd, whole or not at all, and return its path. Raises SegMambaError on failure."""
    values = np.concatenate([pack.codes, pack.labels[None]])
    array = blosc2.asarray(
        values,
        chunks=tuple(min(sides) for sides in zip(_CHUNK, values.shape, strict=True)),
        blocks=tuple(min(sides) for sides in zip(_BLOCK, values.shape, strict=True)),
        cparams=_COMPRESSION,
    )
    array.schunk.vlmeta[_METADATA] = _metadata_of(pack)
    path = pack_path(folder, pack.name)
    write_whole_file(path, array.to_cframe())
    return path


def read_pack(path: Path) -> CasePack:
    """Read what `write_pack` wrote. Raises SegMambaError when there is no such pack, or it is damaged."""
    return PackFile(path).read()


def pack_path(folder: Path, name: str) -> Path:
    """Where the pack of a case lies."""
    return folder / f"{name}{SUFFIX}"


def pack_names(folder: Path) -> list[str]:
    """Return the names of the cases whose packs lie in a folder, sorted."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"[!.]*{SUFFIX}"))


def _metadata_of(pack: CasePack) -> dict[str, Any]:
    """The head and a checksum, as what MessagePack knows."""
    head = pack.head
    return {
        "name": head.name,
        "shape": list(head.shape),
        **{name: getattr(head, name).tolist() for name in ("low", "step", "mean", "deviation")},
        "reference_grid": _grid_to(head.record.reference_grid),
        "model_grid": _grid_to(head.record.model_grid),
        "crop_start": list(head.record.crop_start),
        "sources": head.sources,
        "data_set": head.data_set,
        "notes": list(head.notes),
        "tumor_points": [points.astype("<u2").tobytes() for points in head.tumor_points],
        "label_voxels": list(head.label_voxels),
        "fingerprint": head.fingerprint.tobytes(),
        "crc32": _checksum(pack.codes, pack.labels),
    }


def _head_from(values: dict[str, Any]) -> PackHead:
    shape = _three(values["shape"])
    reference, model = (_grid_from(values[name]) for name in ("reference_grid", "model_grid"))
    points = (np.frombuffer(some, dtype="<u2").reshape(-1, 3) for some in values["tumor_points"])
    return PackHead(
        name=values["name"],
        shape=shape,
        **{name: np.array(values[name], dtype=np.float32) for name in ("low", "step", "mean", "deviation")},
        record=PreparationRecord(reference, model, _three(values["crop_start"]), shape),
        sources=values["sources"],
        data_set=values["data_set"],
        notes=tuple(values["notes"]),
        tumor_points=tuple(some.astype(np.int64) for some in points),
        label_voxels=_three(values["label_voxels"]),
        fingerprint=np.frombuffer(values["fingerprint"], dtype=np.uint8).reshape(-1, *[FINGERPRINT_SIDE] * 3),
    )


def _grid_to(grid: Grid) -> dict[str, Any]:
    return {"shape": list(grid.shape), "affine": grid.affine.tolist()}


def _grid_from(values: dict[str, Any]) -> Grid:
    return Grid(_three(values["shape"]), np.array(values["affine"], dtype=np.float64))


def _three(values: Sequence[int]) -> tuple[int, int, int]:
    a, b, c = values
    return a, b, c


def _checksum(codes: NDArray[np.uint8], labels: NDArray[np.uint8]) -> int:
    return zlib.crc32(labels.tobytes(), zlib.crc32(codes.tobytes()))


def _damaged(path: Path) -> SegMambaError:
    return SegMambaError(f"{path}: is damaged, or no pack. Delete it and run Training/prepare.py again.")
