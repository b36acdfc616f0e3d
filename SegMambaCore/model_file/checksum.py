"""Whether a model file is whole and unaltered, found without PyTorch: 3D Slicer's process may ask, too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

from SegMambaCore.errors import SegMambaError
from SegMambaCore.model_file.header import Header, parse_header, parse_spec
from SegMambaCore.model_file.spec import SEGMAMBA_NETWORKS, ModelSpec


def read_checked_spec(path: Path, networks: Collection[str] = SEGMAMBA_NETWORKS) -> tuple[ModelSpec, bytes]:
    """Return what the file says it holds, and its bytes, after comparing length and checksum.

    Raises SegMambaError naming the file when it cannot be read, is not a SegMamba model, truncated or altered, or
    holds none of the networks named.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SegMambaError(f"Model {path}: cannot be read ({error.strerror or error}).") from error
    header = parse_header(data, path)
    spec = parse_spec(header, path, networks)
    check_bytes(header, data, path)
    return spec, data


def check_bytes(header: Header, data: bytes, path: Path) -> None:
    """Raise SegMambaError when the file's bytes are not as many as, or other than, the header says."""
    expected_length = header.payload_start + header.payload_length
    if len(data) != expected_length:
        raise SegMambaError(
            f"Model {path}: truncated or damaged ({len(data)} bytes, should be {expected_length}).\n"
            "Get the file again."
        )
    if model_digest(header.metadata["spec"], header, data) != header.metadata.get("sha256"):
        raise SegMambaError(
            f"Model {path}: the checksum does not match, the file was damaged or altered. Get the file again."
        )


def model_digest(spec_text: str, header: Header, data: bytes) -> str:
    """SHA-256 of all that decides what the network computes; the order of the header's entries does not."""
    digest = hashlib.sha256(spec_text.encode("utf-8"))
    digest.update(json.dumps(header.entries, sort_keys=True).encode("utf-8"))
    digest.update(memoryview(data)[header.payload_start :])
    return digest.hexdigest()
