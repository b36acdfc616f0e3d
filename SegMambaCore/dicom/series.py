"""One volume of a DICOM series, as a person would point at it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from SegMambaCore.dicom.file import DicomFile, opened
from SegMambaCore.dicom.stack import Stack
from SegMambaCore.dicom.subject import Subject


@dataclass(frozen=True)
class DicomSeries:
    """label: its SeriesNumber, with a letter behind where several share that. root: the folder or zip searched."""

    label: str
    stack: Stack
    root: Path

    @property
    def subject(self) -> Subject:
        """Whose it is; not to be shown."""
        return self.stack.frames[0].subject

    @property
    def attributes(self) -> Mapping[str, str]:
        """Of the slice in the middle: at the ends some scanners have others."""
        return self.stack.frames[len(self.stack.frames) // 2].attributes

    @property
    def description(self) -> str:
        """SeriesDescription, without the patient's name; "" where there is none."""
        text = self.attributes["SeriesDescription"] or self.attributes["ProtocolName"]
        return self.subject.hidden_in(text)

    @property
    def name(self) -> str:
        """For instance: series 5 "Ax T1"."""
        return f'series {self.label} "{self.description}"' if self.description else f"series {self.label}"

    @property
    def title(self) -> str:
        """For instance: series 5 "Ax T1" (24 images)."""
        count = len(self.stack.frames)
        return f"{self.name} ({count} image{'s' if count > 1 else ''})"

    def __str__(self) -> str:
        return f"{self.root}, {self.name}"

    @property
    def files(self) -> tuple[DicomFile, ...]:
        """The files of the slices, each once, in the order of the slices."""
        return tuple(dict.fromkeys(frame.file for frame in self.stack.frames))

    @property
    def place(self) -> Path:
        """The folder that all of the files lie in, however deep, or their zip."""
        return Path(
            os.path.commonpath({file.path if file.members else file.path.parent for file in self.files})
        )

    def sha256(self) -> str:
        """Return the SHA-256 of all files in the order of the slices, as hex digits.

        Raises OSError or SegMambaError when one of them cannot be read.
        """
        digest = hashlib.sha256()
        for _, stream in opened(self.files):
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()
