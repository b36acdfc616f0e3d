"""Compiled kernels, kept in the user's cache folder: compiling them all takes longer than segmenting a case."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from platformdirs import user_cache_path

from SegMambaCore.errors import SegMambaError
from SegMambaCore.whole_file import write_whole_file

_DIGEST_BYTES = 32


def kept(compile_it: Callable[[], bytes], key: Sequence[str]) -> bytes:
    """Return what was compiled for this key, by an earlier process if one did, else now.

    key: all that the result depends on: source, options, the compiler's version.
    A folder that can't be written to and a damaged file cost the time of compiling, nothing else.
    """
    name = hashlib.sha256("\0".join(key).encode("utf-8")).hexdigest()
    path = kernel_folder() / f"{name}.cubin"
    image = _read(path)
    if image is None:
        image = compile_it()
        _write(path, image)
    return image


def kernel_folder() -> Path:
    """Return `kernels` in the user's cache folder of SegMamba; on Linux XDG_CACHE_HOME moves it."""
    return user_cache_path("SegMamba", appauthor=False) / "kernels"


def _read(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, image = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    # The driver can crash on an image that was cut short, so it is not asked.
    return image if hashlib.sha256(image).digest() == digest else None


def _write(path: Path, image: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole_file(path, hashlib.sha256(image).digest() + image)
    except (OSError, SegMambaError):
        return  # a full disk or a folder of someone else: the next process compiles again
