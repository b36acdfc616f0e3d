"""The list of segment types that the module gives to Slicer."""

from __future__ import annotations

import json

import pytest
import slicer
from SegMambaLib.result.terminology import TERMINOLOGY, loadTerminology

from SegMambaCore.segmentation.regions import REGIONS
from SegMambaCore.segmentation.terminology import terminology_tag


@pytest.mark.parametrize("region", ["WT", "TC", "ET"])
def test_slicer_knows_the_type_that_the_segments_carry(region: str) -> None:
    loadTerminology()
    logic = slicer.modules.terminologies.logic()
    entry = slicer.vtkSlicerTerminologyEntry()
    assert logic.DeserializeTerminologyEntry(terminology_tag(region), entry)
    loaded = slicer.vtkSlicerTerminologyEntry()
    assert logic.FindTypeInTerminologyBy3dSlicerLabel(entry.GetTerminologyContextName(), region, loaded)
    for part in ("GetCategoryObject", "GetTypeObject"):
        given, known = getattr(entry, part)(), getattr(loaded, part)()
        assert (given.GetCodingSchemeDesignator(), given.GetCodeValue(), given.GetCodeMeaning()) == (
            known.GetCodingSchemeDesignator(),
            known.GetCodeValue(),
            known.GetCodeMeaning(),
        )
    color = [round(255 * part) for part in REGIONS[region].colour]
    assert list(loaded.GetTypeObject().GetRecommendedDisplayRGBValue()) == color


def test_every_type_has_a_code_and_a_color() -> None:
    content = json.loads(TERMINOLOGY.read_text(encoding="utf-8"))
    types = content["SegmentationCodes"]["Category"][0]["Type"]
    assert len({(kind["CodingSchemeDesignator"], kind["CodeValue"]) for kind in types}) == 6
    assert all(len(kind["recommendedDisplayRGBValue"]) == 3 for kind in types)
