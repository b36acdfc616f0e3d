"""A DICOM study in, DICOM SEG out, and nowhere the name of the patient."""

from __future__ import annotations

import gzip
import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.text
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from matplotlib.figure import Figure
from pydicom import dcmread

from SegMambaCore.command.main import main
from SegMambaCore.inference import predict as predict_module
from SegMambaCore.inference.prediction import Prediction
from SegMambaCore.sample.dicom_series import SeriesHeader, Study, make_slices
from SegMambaCore.segmentation import dicom_seg
from SegMambaCore.volume.read import read_volume
from Testing.SegMambaCore.dicom.studies import SECRETS, STUDY, save

FILES = {
    "segmentation.nii.gz",
    "segmentation.seg.nrrd",
    "report.json",
    "overview.png",
    "check.png",
    "segmentation.dcm",
}
SERIES = {
    "t1n": (3, "Ax T1 Zwiebelfisch", {"RepetitionTime": 550, "EchoTime": 12}),
    "t1c": (7, "Ax T1 post Gd", {"RepetitionTime": 550, "EchoTime": 12, "ContrastBolusAgent": "Gd"}),
    "t2w": (4, "Ax T2 TSE", {"RepetitionTime": 4500, "EchoTime": 95}),
    "t2f": (5, "Ax FLAIR", {"ScanningSequence": ["SE", "IR"], "EchoTime": 110, "InversionTime": 2500}),
}


@pytest.fixture(autouse=True)
def box_of_tumor(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A box that the network finds in no time; the list grows with each case."""
    calls: list[int] = []

    def predict(_network: Any, spec: Any, tensor: Any, settings: Any, **_: Any) -> Prediction:
        calls.append(1)
        logits = torch.full((len(spec.outputs), *tensor.shape[1:]), -10.0)
        logits[:, 8:14, 9:15, 7:15] = 10.0
        return Prediction(logits, spec, settings.resolved("cpu"), tensor.shape[1:], (), 0.0)

    monkeypatch.setattr(predict_module, "predict", predict)
    return calls


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty files in their place, which take no time."""
    monkeypatch.setattr(Figure, "savefig", lambda *_, **__: None)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stands written in pictures."""
    texts: list[str] = []
    save_figure = Figure.savefig

    def savefig(figure: Figure, *args: Any, **options: Any) -> None:
        texts.extend(text.get_text() for text in figure.findobj(matplotlib.text.Text))
        save_figure(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return texts


def _write_study(tiny_case: dict[str, Path], folder: Path, study: Study = STUDY) -> Path:
    """The tiny case as the export of an archive, whose folders and files are called by the patient."""
    inner = folder / "ZWIEBELFISCH^AMALIA_774411"
    for role, (number, description, attributes) in SERIES.items():
        volume = read_volume(tiny_case[role])
        volume = replace(volume, array=np.rint(volume.array))
        description = description.replace("Zwiebelfisch", study.patient_name.split("^")[0])
        slices = make_slices(volume, SeriesHeader(number, description, dict(attributes)), study)
        save(slices, inner / f"Amalia {number}")
    localizer = replace(volume, array=volume.array[::15])
    header = SeriesHeader(1, "Localizer", {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]})
    save(make_slices(localizer, header, study), inner / "Amalia 1")
    return folder


@pytest.fixture
def study(tiny_case: dict[str, Path], tmp_path: Path) -> Path:
    return _write_study(tiny_case, tmp_path / "study")


def _segment(study: Path, model: Path, output: Path, *more: str) -> list[str]:
    return ["segment", str(study), "--model", str(model), "--output", str(output), "--device", "cpu", *more]


def _assert_nobody_named(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text.lower()


def _assert_nobody_named_in(folder: Path) -> None:
    """In no file and no name of a file, but in the SEG, which belongs to the patient's study."""
    for file in folder.rglob("*"):
        _assert_nobody_named(str(file.relative_to(folder)))
        if file.is_file() and file.name != "segmentation.dcm":
            content = file.read_bytes()
            if file.suffix == ".gz":
                content = gzip.decompress(content)
            _assert_nobody_named(content.decode("latin-1"))


@pytest.mark.parametrize("progress", ["bar", "json"])
def test_a_folder_of_dicom_goes_to_dicom_seg(
    study: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    shown: list[str],
    progress: str,
) -> None:
    output = tmp_path / "out"
    assert main(_segment(study, tiny_model, output, "--progress", progress)) == 0
    assert {path.name for path in output.iterdir()} == FILES
    out, err = capsys.readouterr()
    assert "segmentation.dcm" in out and "Ax T1 [hidden]" in out
    _assert_nobody_named(out + err)
    assert shown
    _assert_nobody_named("".join(shown))
    _assert_nobody_named_in(output)

    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(output / "segmentation.nii.gz")))
    seg = dcmread(output / "segmentation.dcm")
    frames = np.unpackbits(np.frombuffer(seg.PixelData, np.uint8), bitorder="little")
    assert frames.sum() == 3 * np.count_nonzero(labels == 3) > 0
    assert str(seg.PatientName) == STUDY.patient_name and seg.StudyInstanceUID == STUDY.uid
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == STUDY.uid_of(7)
    inputs = json.loads((output / "report.json").read_text(encoding="utf-8"))["inputs"]
    assert inputs["t2f"]["path"] == str(study)
    assert inputs["t2f"]["series"] == {
        "number": "5",
        "description": "Ax FLAIR",
        "date": "2024-05-02",
        "images": 34,
    }


@pytest.mark.usefixtures("no_pictures")
def test_a_zip_and_what_is_left_of_it(
    study: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for file in study.rglob("*"):
            archive.write(file, file.relative_to(study))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for place, name in ((study, "a"), (tmp_path / "export.zip", "b")):
        assert main(_segment(place, tiny_model, tmp_path / name, "--progress", "none")) == 0
    assert not list(temporary.iterdir())
    first, second = ((tmp_path / name / "segmentation.nii.gz").read_bytes() for name in "ab")
    assert first == second
    assert (tmp_path / "b" / "segmentation.dcm").is_file()


@pytest.mark.usefixtures("no_pictures")
def test_series_are_listed_and_named(
    study: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(study), "--list-series"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["Series", "1", "3", "4", "5", "7"]
    assert "40 x 36 x 34" in lines[2] and "T1: sure" in lines[2] and "2024-05-02" in lines[2]
    assert "too few images" in lines[1]
    assert (
        main(["segment", str(study), "--list-series", "--progress", "json", "--t2w", "5", "--t2f", "4"]) == 0
    )
    (event,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert {row["number"]: row["role"] for row in event["series"]} == {
        "1": "",
        "3": "T1",
        "4": "T2-FLAIR",
        "5": "T2",
        "7": "T1Gd",
    }
    assert (
        main(_segment(study, tiny_model, tmp_path / "out", "--t2w", "5", "--t2f", "4", "--progress", "none"))
        == 0
    )
    inputs = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["inputs"]
    assert (inputs["t2w"]["series"]["number"], inputs["t2f"]["series"]["number"]) == ("5", "4")


def _damaged(study: Path) -> None:
    file = next(study.rglob("005*"))
    file.write_bytes(file.read_bytes()[:-100])


def _header_cut(study: Path) -> None:
    file = next(study.rglob("005*"))
    file.write_bytes(file.read_bytes()[:600])
    file.rename(file.with_name("amalia.dcm"))


def _slices_missing(study: Path) -> None:
    for file in study.rglob("005*"):
        if 10 <= dcmread(file).InstanceNumber < 13:
            file.unlink()


def _one_contrast(study: Path) -> None:
    for file in study.rglob("00[357]*"):
        file.unlink()


def _flair_says_nothing(study: Path) -> None:
    for file in study.rglob("005*"):
        header = dcmread(file)
        header.SeriesDescription = "Sag"
        for keyword in ("ScanningSequence", "EchoTime", "InversionTime", "RepetitionTime"):
            if keyword in header:
                delattr(header, keyword)
        header.save_as(file)


def _another_patient(study: Path) -> None:
    for file in study.rglob("005*"):
        header = dcmread(file)
        header.PatientName, header.PatientID = "Kleiber^Otto", "PID-000815"
        header.save_as(file)


def _another_day(study: Path) -> None:
    for file in study.rglob("00*"):
        header = dcmread(file)
        if header.SeriesNumber == 5:
            header.StudyDate, header.StudyInstanceUID = "20231101", STUDY.uid_of("another")
            header.save_as(file)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_damaged, ["T2-FLAIR", 'series 5 "Ax FLAIR"', "damaged"]),
        (_header_cut, ["damaged"]),
        (_slices_missing, ["T2-FLAIR", "series 5", "3 slices are missing", "--list-series"]),
        (_flair_says_nothing, ["T2-FLAIR", "--t2f"]),
        (_one_contrast, ["T1:", "T1Gd:", "T2-FLAIR:", "--t1n"]),
        (_another_patient, ["2 patients", "patient A", "patient B", 'series 5 "Ax FLAIR"', "series 3"]),
        (_another_day, ["2 days of one patient", "2023-11-01", "2024-05-02", 'series 5 "Ax FLAIR"']),
    ],
)
def test_what_is_wrong_is_told_without_names(
    study: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Any,
    words: list[str],
) -> None:
    spoil(study)
    assert main(_segment(study, tiny_model, tmp_path / "out")) == 1
    out, err = capsys.readouterr()
    for word in words:
        assert word in err
    assert len(err.strip().splitlines()) <= 5
    _assert_nobody_named(out + err)
    assert not any(name in err.lower() for name in ("kleiber", "otto", "000815"))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_pictures")
def test_a_study_without_a_contrast_is_segmented_with_a_word_about_it(
    study: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in study.rglob("005*"):
        file.unlink()
    assert main(_segment(study, tiny_model, tmp_path / "out")) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["missing"]["roles"] == ["t2f"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert "Warning: T2-FLAIR is missing" in capsys.readouterr().err


@pytest.mark.usefixtures("no_pictures")
def test_without_highdicom_the_rest_is_there(
    study: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom_seg, "find_spec", lambda name: None)
    assert main(_segment(study, tiny_model, tmp_path / "out", "--progress", "none")) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES - {"segmentation.dcm"}
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert any("pip install highdicom" in warning for warning in report["warnings"])


@pytest.mark.usefixtures("no_pictures")
def test_a_seg_of_an_earlier_run_does_not_stay(
    study: Path, tiny_case: dict[str, Path], tiny_model: Path, tmp_path: Path
) -> None:
    assert main(_segment(study, tiny_model, tmp_path / "out", "--progress", "none")) == 0
    files = [argument for role, path in tiny_case.items() for argument in (f"--{role}", str(path))]
    arguments = _segment(study, tiny_model, tmp_path / "out", "--progress", "none")
    assert main([arguments[0], *files, *arguments[2:]]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES - {"segmentation.dcm"}


@pytest.mark.slow
def test_a_batch_of_studies(
    tiny_case: dict[str, Path],
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    box_of_tumor: list[int],
) -> None:
    _write_study(tiny_case, tmp_path / "in" / "Zwiebelfisch")
    other = Study("CASE-002", "CASE-002")
    _write_study(tiny_case, tmp_path / "raw", other)
    with zipfile.ZipFile(tmp_path / "in" / "CASE-002.zip", "w") as archive:
        for file in (tmp_path / "raw").rglob("*"):
            archive.write(file, f"study/{file.name}")
    (tmp_path / "in" / "broken.zip").write_bytes(b"PK")

    assert main(["batch", str(tmp_path / "in"), "--list"]) == 0
    listed = capsys.readouterr().out
    assert 'T2-FLAIR: series 5 "Ax FLAIR" (34 images)' in listed and "the zip is damaged" in listed
    _assert_nobody_named(listed)

    run = ["batch", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--model", str(tiny_model)]
    run += ["--device", "cpu", "--progress", "bar"]
    assert main(run) == 3
    out, err = capsys.readouterr()
    _assert_nobody_named(out + err)
    _assert_nobody_named_in(tmp_path / "out")
    segs = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("segmentation.dcm"))
    assert len(segs) == 2 and segs[0].parts[0] == "CASE-002" and segs[1].parts[0].startswith("patient-")
    assert main(run) == 3 and len(box_of_tumor) == 2
    (tmp_path / "out" / segs[0]).unlink()
    assert main(run) == 3 and len(box_of_tumor) == 3
    assert (tmp_path / "out" / segs[0]).is_file()
