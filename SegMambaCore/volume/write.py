"""Writing a volume, whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import SimpleITK as sitk

from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.convert import to_sitk
from SegMambaCore.volume.soundness import UnsoundFileError, check_sound
from SegMambaCore.volume.volume import Volume


def write_volume(volume: Volume, path: Path) -> None:
    """Write a compressed .nii.gz, .nrrd or .mha, replacing an older file only once the new one is complete.

    Raises SegMambaError when the folder cannot be written to or the disk is full; then nothing has changed.
    """
    path = Path(path)
    # The suffix chooses the format, so it has to stay last.
    part = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        if path.is_dir():
            raise SegMambaError(
                f"{path}: cannot be written, there is a folder of that name. Choose another name."
            )
        # ITK's own messages about a folder that cannot be written to go straight to stderr.
        part.touch()
        if shutil.disk_usage(path.parent).free < volume.array.nbytes:
            raise SegMambaError(f"{path}: the disk is full. Free some space or choose another folder.")
        _write(volume, part)
        os.replace(part, path)
    except (RuntimeError, UnsoundFileError) as error:
        raise SegMambaError(
            f"{path}: cannot be written completely, perhaps the disk is full. Choose another folder."
        ) from error
    except OSError as error:
        raise SegMambaError(
            f"{path}: cannot be written ({error.strerror}). Choose another folder."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _write(volume: Volume, path: Path) -> None:
    sitk.WriteImage(to_sitk(volume), str(path), useCompression=True)
    # On a full disk ITK leaves half a NIfTI file and reports success.
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    check_sound(path, reader)
