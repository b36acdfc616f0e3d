"""What the regions are in the clinical vocabularies that 3D Slicer and DICOM use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A concept of a vocabulary: scheme ("SCT" is SNOMED CT, "NCIt" the NCI Thesaurus), value, meaning."""

    scheme: str
    value: str
    meaning: str


TERMINOLOGY_CONTEXT = "SegMamba brain tumor regions"
"""The name of the list of types, for 3D Slicer: its bundled lists lack the NCIt codes."""

ANATOMIC_CONTEXT = "Anatomic codes - DICOM master list"
"""The name of the list of anatomic regions that 3D Slicer bundles."""

CATEGORY = Code("SCT", "49755003", "Morphologically Abnormal Structure")

# No vocabulary knows WT and TC. CIDs 7151 and 7194 of DICOM PS3.16 hold these nearest concepts; a "primary
# neoplasm" would claim what the network cannot know.
REGION_TYPES = {
    "WT": Code("SCT", "301766008", "Lesion of Brain"),
    "TC": Code("SCT", "108369006", "Neoplasm"),
    "ET": Code("NCIt", "C113842", "Enhancing Lesion"),
}

ANATOMIC_REGION = Code("SCT", "12738006", "Brain")


def terminology_tag(region: str) -> str:
    """Return 3D Slicer's terminology entry of WT, TC or ET.

    Seven parts joined by "~": context, category, type, type modifier, anatomic context, anatomic region and
    its modifier; a code is scheme^value^meaning, an absent one ^^.
    """
    absent = "^^"
    return "~".join(
        (
            TERMINOLOGY_CONTEXT,
            _triplet(CATEGORY),
            _triplet(REGION_TYPES[region]),
            absent,
            ANATOMIC_CONTEXT,
            _triplet(ANATOMIC_REGION),
            absent,
        )
    )


def _triplet(code: Code) -> str:
    return f"{code.scheme}^{code.value}^{code.meaning}"
