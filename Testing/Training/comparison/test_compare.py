"""The page and the tables through the command."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.image import imread

from Testing.Training.comparison.evaluations import CASES, write_evaluation
from Testing.Training.evaluation.cohort import SHAPE, save, tumor
from Training import compare, evaluate
from Training.comparison.latex import escaped

EVIL = 'R&D_50% #1 {x} <b>"'


class Page(HTMLParser):
    """Addresses and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.said += data


def run(monkeypatch, output, evaluations, *more):
    named = [f"{name}={folder}" for name, folder in evaluations.items()]
    monkeypatch.setattr(sys, "argv", ["compare.py", *named, "--output", str(output), *more])
    compare.main()


@pytest.fixture
def tables(tmp_path, monkeypatch):
    evaluations = {
        "A": write_evaluation(tmp_path / "a", 1, network="segresnet-16", device="this CPU", seconds="2"),
        EVIL: write_evaluation(tmp_path / "b", 2, lower_by=0.3),
    }
    run(monkeypatch, tmp_path / "out", evaluations)
    return tmp_path / "out"


def test_every_table_names_its_convention_in_every_column(tables):
    text = (tables / "table.md").read_text()
    heads = [line for line in text.splitlines() if line.startswith("| Model | WT Dice")]
    assert len(heads) == 2
    assert re.findall("`(.*?)`", heads[0]) == ["paper"] * 8
    assert "| lesion-wise" not in text and text.count("lesion-wise Dice %, `brats2023`") == 8
    assert re.search(r"\| A \| .* \| 4\.70 \| 148 \| 2\.00 \| - \|", text)
    assert len((tables / "paired.csv").read_text().splitlines()) == 13


def test_the_page_needs_no_other_file_and_takes_no_text_for_markup(tables):
    page = Page((tables / "index.html").read_text())
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert sum(address.startswith("data:image/svg+xml") for address in page.addresses) == 4
    assert EVIL in page.said
    assert "this CPU" in page.said
    assert "No picture: no evaluation knows its label maps" in page.said
    assert "6 patients are few" in page.said


def test_latex_has_a_cell_for_every_column(tables):
    text = (tables / "table.tex").read_text()
    assert text.count(r"\begin{table*}") == text.count(r"\end{table*}") == 2
    columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1])
    rows = [line for line in text.splitlines() if line.startswith(("A &", escaped(EVIL)))]
    assert len(rows) == 4
    assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns} == {13}
    assert r"\textbf{" in rows[0] and r"\texttt{brats2023}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
def test_latex_compiles(tables):
    frame = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}\input{table.tex}\end{document}"
    (tables / "paper.tex").write_text(frame)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    made = subprocess.run(command, cwd=tables, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout[-2000:]
    assert "Output written on paper.pdf" in made.stdout


def test_label_maps_become_pictures_of_the_worst_cases(tmp_path, monkeypatch):
    """Of two cases, the one where model B is off by 3 voxels."""
    shifts = {"A": {CASES[0]: 0, CASES[2]: 1}, "B": {CASES[0]: 3, CASES[2]: 0}}
    for case in (CASES[0], CASES[2]):
        folder = tmp_path / "data" / case
        save(tumor(), folder / f"{case}-seg.nii.gz")
        for role in ("t1n", "t1c", "t2w", "t2f"):
            brain = np.zeros(SHAPE, dtype=np.uint8)
            brain[2:-2, 2:-2, 2:-2] = 60 + 20 * tumor()[2:-2, 2:-2, 2:-2]
            save(brain, folder / f"{case}-{role}.nii.gz")
    for model, shift in shifts.items():
        for case, voxels in shift.items():
            save(tumor(voxels), tmp_path / model / f"{case}.nii.gz")
        folders = ["--predictions", tmp_path / model, "--references", tmp_path / "data"]
        monkeypatch.setattr(
            sys, "argv", ["evaluate.py", *map(str, folders), f"--output={tmp_path / model}", "--workers=1"]
        )
        evaluate.main()
    evaluations = {model: tmp_path / model for model in shifts}
    run(monkeypatch, tmp_path / "out", evaluations, "--worst", "1", "--conventions", "brats2021")

    page = Page((tmp_path / "out" / "index.html").read_text())
    assert page.said.index(CASES[0]) < page.said.index(CASES[2])
    assert "Among the worst of B." in page.said
    pictures = [address for address in page.addresses if address.startswith("data:image/png")]
    assert len(pictures) == 6
    reference, _, missed = (
        imread(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in pictures[:3]
    )
    # White, which no grey is near, is the reference on a model's picture.
    assert bright(missed) > bright(reference) + 20


def bright(picture: np.ndarray) -> int:
    return int((picture[..., :3].min(axis=-1) > 0.93).sum())
