"""The .ui files, as text: what Slicer would silently ignore."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from scenes import REPOSITORY
from SegMambaLib.parameterNode import SegMambaParameterNode

FILES = sorted((REPOSITORY / "SegMambaSlicer" / "Resources" / "UI").glob("*.ui"))
pytestmark = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])

WITH_SCENE = ("qMRMLNodeComboBox", "qMRMLSegmentsTableView")


def test_the_root_takes_the_scene_and_gives_it_to_the_widgets_that_need_it(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    assert root.find("widget").get("class") == "qMRMLWidget"
    needy = {w.get("name") for w in root.iter("widget") if w.get("class") in WITH_SCENE}
    connected = {
        connection.findtext("receiver")
        for connection in root.iter("connection")
        if connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
        and connection.findtext("sender") == root.find("widget").get("name")
    }
    assert connected == needy


def test_parameter_names_are_those_of_the_parameter_node(path: Path) -> None:
    names = [
        property_.findtext("string")
        for property_ in ElementTree.parse(path).iter("property")
        if property_.get("name") == "SlicerParameterName"
    ]
    assert len(names) == len(set(names))
    assert set(names) <= set(SegMambaParameterNode.__annotations__)


def test_every_widget_class_is_declared(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    declared = {c.findtext("class") for c in root.iter("customwidget")}
    used = {w.get("class") for w in root.iter("widget")}
    assert declared == {name for name in used if not name.startswith("Q")}


def test_a_buddy_exists(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    names = {widget.get("name") for widget in root.iter("widget")}
    buddies = {p.findtext("cstring") for p in root.iter("property") if p.get("name") == "buddy"}
    assert buddies <= names


def test_names_are_given_once(path: Path) -> None:
    names = [w.get("name") for w in ElementTree.parse(path).iter("widget")]
    assert len(names) == len(set(names))
