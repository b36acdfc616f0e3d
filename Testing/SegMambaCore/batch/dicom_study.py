"""DICOM series as scanners send them: a slice a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk


def write_series(
    folder: Path, description: str, number: int, volume: sitk.Image, patient: str = "P1", study: str = "1.2.3"
) -> Path:
    """Write a volume without rotation, rounded to int16, into a folder. Numbers make the series distinct."""
    folder.mkdir(parents=True, exist_ok=True)
    origin, spacing = volume.GetOrigin(), volume.GetSpacing()
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k, values in enumerate(sitk.GetArrayFromImage(volume)):
        image = sitk.GetImageFromArray(values[None].astype(np.int16))
        image.SetSpacing(spacing)
        tags = {
            "0008|0060": "MR",
            "0008|0018": f"{study}.{number}.{k}",
            "0008|103e": description,
            "0010|0020": patient,
            "0020|000d": study,
            "0020|000e": f"{study}.{number}",
            "0020|0013": str(k + 1),
            "0020|0032": f"{origin[0]}\\{origin[1]}\\{origin[2] + k * spacing[2]}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for tag, value in tags.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"IM{k:04}"))
        writer.SetImageIO("GDCMImageIO")
        writer.Execute(image)
    return folder
