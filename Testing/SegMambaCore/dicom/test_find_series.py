"""Studies in folders and zips of every shape, and what is left behind: nothing."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.fileset import FileSet
from pydicom.uid import BasicTextSRStorage

from SegMambaCore.dicom.find_series import find_series
from SegMambaCore.dicom.subject import Subject
from SegMambaCore.errors import SegMambaError
from SegMambaCore.volume.read import read_volume

from .studies import classic, oblique, save

VOLUME = oblique((8, 9, 10))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two series in one folder, with a report, a text and a damaged name among them."""
    folder = save(
        [*classic(VOLUME), *classic(oblique((8, 9, 10), 1), 5, "FLAIR")], tmp_path / "study" / "A" / "B"
    )
    report = classic(VOLUME)[0]
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = BasicTextSRStorage
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    report.save_as(folder / "report", enforce_file_format=True)
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    (folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (folder / ".hidden").write_bytes(b"\0" * 128 + b"DICM")
    return tmp_path / "study"


def _zipped(folder: Path, target: Path | io.BytesIO) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))


def _assert_found(root: Path, temporary: Path) -> None:
    found = find_series(root)
    assert [(one.label, one.description, len(one.stack.frames)) for one in found] == [
        ("3", "Ax T1", 8),
        ("5", "FLAIR", 8),
    ]
    np.testing.assert_array_equal(read_volume(found[0]).array, VOLUME.array)
    assert not list(temporary.iterdir())


def test_a_folder_of_any_depth(study: Path, temporary: Path) -> None:
    _assert_found(study, temporary)


def test_a_series_in_several_folders(study: Path, temporary: Path) -> None:
    for number, file in enumerate(sorted((study / "A" / "B").glob("00*"))):
        (study / f"DIR{number % 3}").mkdir(exist_ok=True)
        file.rename(study / f"DIR{number % 3}" / file.name)
    _assert_found(study, temporary)


def test_a_zip(study: Path, tmp_path: Path, temporary: Path) -> None:
    _zipped(study, tmp_path / "Study.ZIP")
    _assert_found(tmp_path / "Study.ZIP", temporary)


def test_a_zip_in_a_zip_in_a_folder(study: Path, tmp_path: Path, temporary: Path) -> None:
    inner = io.BytesIO()
    _zipped(study, inner)
    (tmp_path / "export").mkdir()
    with zipfile.ZipFile(tmp_path / "export" / "outer.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("disk 1/inner.zip", inner.getvalue())
        archive.writestr("../../escape.txt", "a name that leads out of the zip is never used")
    _assert_found(tmp_path / "export", temporary)
    assert not (tmp_path / "escape.txt").exists()


def test_a_dicomdir_as_media_have_it(tmp_path: Path, temporary: Path) -> None:
    media = FileSet()
    for one in [*classic(VOLUME), *classic(oblique((8, 9, 10), 1), 5, "FLAIR")]:
        media.add(one)
    media.write(tmp_path / "media")
    assert (tmp_path / "media" / "DICOMDIR").is_file()
    shutil.rmtree(temporary)
    temporary.mkdir()  # pydicom's own
    _assert_found(tmp_path / "media", temporary)


def test_a_damaged_zip(study: Path, tmp_path: Path) -> None:
    _zipped(study, tmp_path / "study.zip")
    content = bytearray((tmp_path / "study.zip").read_bytes())
    content[len(content) // 3 : len(content) // 3 + 400] = bytes(400)
    (tmp_path / "study.zip").write_bytes(content)
    with pytest.raises(SegMambaError, match=r"study\.zip: the zip is damaged"):
        for one in find_series(tmp_path / "study.zip"):
            read_volume(one)
    (tmp_path / "study.zip").write_bytes(content[:1000])
    with pytest.raises(SegMambaError, match=r"study\.zip: the zip is damaged"):
        find_series(tmp_path / "study.zip")


def test_a_zip_with_a_password(study: Path, tmp_path: Path) -> None:
    _zipped(study, tmp_path / "study.zip")
    content = bytearray((tmp_path / "study.zip").read_bytes())
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(start)
        while place >= 0:
            content[place + flags] |= 1
            place = content.find(start, place + 4)
    (tmp_path / "study.zip").write_bytes(content)
    with pytest.raises(SegMambaError, match="wants a password"):
        find_series(tmp_path / "study.zip")


def test_a_file_that_ends_within_its_header(study: Path) -> None:
    file = next((study / "A" / "B").glob("003*"))
    file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(SegMambaError, match=f"{file.name} is damaged"):
        find_series(study)


def test_a_link_to_a_folder_above(study: Path, temporary: Path) -> None:
    try:
        (study / "A" / "round").symlink_to(study)
    except OSError:
        pytest.skip("links are not permitted here")
    _assert_found(study, temporary)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ax T1 Zwiebelfisch", "Ax T1 [hidden]"),
        ("ZWIEBELFISCH^AMALIA_774411/S1", "[hidden]/S1"),
        ("Zwiebelfische, brain of PID-774411", "Zwiebelfische, brain of [hidden]"),
        ("T1 axial", "T1 axial"),
    ],
)
def test_names_are_hidden(text: str, shown: str) -> None:
    subject = Subject("Zwiebelfisch^Amalia^^Dr.", "774411", "19500101", "1.2.3", "20240502")
    assert subject.hidden_in(text.replace("PID-", "")) == shown
    assert subject.pseudonym == Subject("ZWIEBELFISCH^Amalia^^DR.", "774411", "19500101", "9", "").pseudonym


def test_a_pseudonym_is_not_hidden() -> None:
    subject = Subject("TCGA-DU-7294", "TCGA-DU-7294", "", "1.2.3", "20240502")
    assert subject.hidden_in("TCGA-DU-7294/2024") == "TCGA-DU-7294/2024"
