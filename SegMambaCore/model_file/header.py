"""The JSON header of a model file, read without PyTorch: volumes can be prepared before that is loaded.

A safetensors file is: 8 bytes header length N (little endian), N bytes of JSON, the tensors' bytes.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from SegMambaCore.case.case import ROLES
from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.spec import SEGMAMBA_NETWORKS, ModelSpec

MAX_HEADER_BYTES = 100_000_000
"""The limit of the safetensors format."""

_KNOWN_VALUES = {name: get_args(get_type_hints(ModelSpec)[name]) for name in ("normalisation", "activation")}


@dataclass(frozen=True)
class Header:
    """metadata: free text by key. entries: type, shape and place of each tensor, by name.
    payload_start, payload_length: where the tensors' bytes lie in the file.
    """

    metadata: dict[str, str]
    entries: dict[str, Any]
    payload_start: int
    payload_length: int


def read_spec(path: Path) -> ModelSpec:
    """Return what the file says it holds; the tensors are neither read nor checked.

    Raises SegMambaError naming the file when it cannot be read or is not a SegMamba model.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            data = start + file.read(length if length <= MAX_HEADER_BYTES else 0)
    except OSError as error:
        raise SegMambaError(f"Model {path}: cannot be read ({error.strerror or error}).") from error
    return parse_spec(parse_header(data, path), path)


def parse_header(data: bytes, path: Path) -> Header:
    """Return the header of a file whose first bytes, at least up to the header's end, are given."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 + length or length > MAX_HEADER_BYTES:
        raise _not_a_model(path)
    try:
        entries: dict[str, Any] = json.loads(data[8 : 8 + length])
        metadata = entries.pop("__metadata__", {})
        payload_length = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise _not_a_model(path) from error
    return Header(metadata, entries, 8 + length, payload_length)


def parse_spec(header: Header, path: Path, networks: Collection[str] = SEGMAMBA_NETWORKS) -> ModelSpec:
    """Return the spec in the header's metadata.

    Raises SegMambaError when it cannot be understood, or its network is none of those named.
    """
    if not isinstance(header.metadata, dict) or "spec" not in header.metadata:
        raise SegMambaError(
            f"Model {path}: a safetensors file, but not of SegMamba (its header does not describe a network)."
        )
    try:
        spec = ModelSpec.from_json(header.metadata["spec"])
        problem = _problem(spec, networks)
    except (ValueError, TypeError) as error:
        raise _from_another_version(path, str(error)) from error
    if problem:
        raise _from_another_version(path, problem)
    return spec


def _problem(spec: ModelSpec, networks: Collection[str]) -> str | None:
    """Say which field has a value that nothing here could work with, or None."""
    for field, known in {"network": networks, **_KNOWN_VALUES}.items():
        if getattr(spec, field) not in known:
            return f"{field} {getattr(spec, field)!r} is unknown"
    if sorted(spec.channels) != sorted(ROLES):
        return f"channels {', '.join(map(str, spec.channels))} are not {', '.join(ROLES)} in some order"
    axes = sorted("".join(pair) for pair in ("RL", "AP", "SI") if len(set(pair) & set(spec.orientation)) == 1)
    if len(spec.orientation) != 3 or len(axes) != 3:
        return f"orientation {spec.orientation!r} does not name three different directions"
    for name, values in (("spacing", spec.spacing), ("patch", spec.patch)):
        if len(values) != 3 or not all(isinstance(value, (int, float)) and value > 0 for value in values):
            return f"{name} {values} is not three positive numbers"
    for name, limits in (
        ("least_volume_ml", spec.least_volume_ml),
        ("least_expected_dice", spec.least_expected_dice),
    ):
        if set(limits) - {"WT", "TC", "ET"} or not all(
            isinstance(value, (int, float)) for value in limits.values()
        ):
            return f"{name} {limits} is not a number for some of WT, TC, ET"
    if spec.missing_contrasts not in range(len(ROLES) - 1):
        return f"missing_contrasts {spec.missing_contrasts!r} would leave fewer than two contrasts"
    expected = {"sigmoid": ["ET", "TC", "WT"], "softmax": ["ED", "ET", "NCR", "background"]}[spec.activation]
    if sorted(spec.outputs) != expected:
        return f"outputs {', '.join(map(str, spec.outputs))} are not those of {spec.activation}"
    return None


def _from_another_version(path: Path, reason: str) -> SegMambaError:
    return SegMambaError(
        f"Model {path}: its description cannot be understood ({reason}).\n"
        "It may come from a newer version of SegMamba: update SegMamba, or use another model."
    )


def _not_a_model(path: Path) -> SegMambaError:
    hint = ""
    if path.suffix.lower() in (".pth", ".pt", ".ckpt", ".tar"):
        hint = "\nConvert a PyTorch state dictionary first: python -m SegMambaCore import-weights FILE"
    return SegMambaError(f"Model {path}: not a safetensors file, or truncated.{hint}")
