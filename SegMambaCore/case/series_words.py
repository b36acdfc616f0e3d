"""The words in names of MRI series, in the spellings of scanners, archives and people.

The one place that knows them. A name is cut at everything that is neither letter nor digit, and a word such as
"t1ce" or "axt2flair" into those that it is made of; what is in no list has no meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache

from SegMambaCore.case.series_spelling import AS_WRITTEN, plainly_spelled


class Meaning(Enum):
    """What a word says about a series; of those under "not wanted", the value is what is said to the user."""

    T1 = "T1"
    T1_MAYBE = "usually T1"
    T2 = "T2"
    FLAIR = "FLAIR"
    PROTON_DENSITY = "proton density"
    INVERSION = "inversion recovery"
    GRADIENT_ECHO = "gradient echo"
    AGENT = "contrast agent"
    AFTER = "after"
    BEFORE = "before"
    WITHOUT = "without"
    BOTH = "with and without"
    UNCLEAR = "perhaps without"
    THREE_D = "3D"
    TWO_D = "2D"
    REFORMATTED = "reformatted"
    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"
    BETWEEN = "between a negation and its noun"
    NOTHING = ""
    # Not wanted:
    LOCALISER = "a localizer"
    DIFFUSION = "diffusion"
    SUSCEPTIBILITY = "T2* or susceptibility"
    PERFUSION = "perfusion"
    ANGIOGRAPHY = "angiography"
    SPECTROSCOPY = "spectroscopy"
    FUNCTION = "functional MRI"
    SUBTRACTION = "a subtraction"
    PROJECTION = "a projection"
    SCREEN = "a screen save or report"
    MASK = "a mask or segmentation"
    MAP = "a computed map or part image"
    OTHER_PART = "another part of the body, or a part of the head"
    OTHER_CONTRAST = "another contrast"


UNWANTED = frozenset(
    [
        Meaning.LOCALISER,
        Meaning.DIFFUSION,
        Meaning.SUSCEPTIBILITY,
        Meaning.PERFUSION,
        Meaning.ANGIOGRAPHY,
        Meaning.SPECTROSCOPY,
        Meaning.FUNCTION,
        Meaning.SUBTRACTION,
        Meaning.PROJECTION,
        Meaning.SCREEN,
        Meaning.MASK,
        Meaning.MAP,
        Meaning.OTHER_PART,
        Meaning.OTHER_CONTRAST,
    ]
)
"""A series of which one word says one of these is none of the four contrasts."""

_WORDS = {
    Meaning.T1: "t1 t1w st1w",
    Meaning.T1_MAYBE: "tfe spgr fspgr irfspgr irspgr vibe flash fl3d fl2d thrive lava mp2rage",
    Meaning.T2: "t2 t2w st2w",
    Meaning.FLAIR: "flair sflair eflair fla darkfluid",
    Meaning.PROTON_DENSITY: "pd pdw proton density dp",
    Meaning.INVERSION: "ir tir tirm spcir irtse",
    Meaning.GRADIENT_ECHO: "gre ffe merge medic gradient eg",
    Meaning.AGENT: "gd gad gado gadolinium gadovist gadobutrol gadavist dotarem magnevist multihance prohance "
    "omniscan clariscan contrast contrastagent contraste kontrast kontrastmittel km ce cm inj injecte injectee "
    "injection mdc gdc gddtpa dtpa enhanced enh plusc",
    Meaning.AFTER: "post nach apres after postcontrast postgad postgd postkm stgd dopo",
    Meaning.BEFORE: "pre vor avant before nativ native nativo precontrast pregad pregd noncontrast noncon unenhanced "
    "nonenhanced plain cminus",
    Meaning.WITHOUT: "without ohne sans no non sin senza",
    Meaning.BOTH: "withandwithout",
    Meaning.UNCLEAR: "minusc",
    Meaning.THREE_D: "3d space spc cube vista brainview isotropic iso mvox isofse",
    Meaning.TWO_D: "2d se tse fse frfse propeller blade multivane tse2d",
    Meaning.REFORMATTED: "mpr reformat reformatted rfmt",
    Meaning.AXIAL: "ax axial tra trans transverse transversal axiale",
    Meaning.CORONAL: "cor coronal coronale koronar",
    Meaning.SAGITTAL: "sag sagittal sagittale",
    Meaning.BETWEEN: "iv de du produit the",
    Meaning.NOTHING: "w with mit avec brain head kopf schaedel crane fs fatsat fat sat sense hr p2 p3 ns mm 1mm",
    Meaning.LOCALISER: "localizer localiser localisateur locator loc scout aahscout aahead aascout survey surv "
    "smartbrain autoalign calibration cal asset refscan planung plan reperage 3plane pilot shim b1map",
    Meaning.DIFFUSION: "dwi dw diff diffusion adc dadc eadc apparent dti fa fractional tensor trace tracew resolve "
    "ep2d epi colfa tracefa bvalue ivim noddi dki dwibs readout",
    Meaning.SUSCEPTIBILITY: "t2star etoile swi swan swip swim venobold hemo haemo qsm phase pha pswi",
    Meaning.PERFUSION: "pwi perf perfusion dsc dce asl pcasl pasl cbf cbv rcbf rcbv relcbf relcbv relmtt mtt ttp tmax "
    "ktrans gbp pbp dynamic dyn transit dynasusc",
    Meaning.ANGIOGRAPHY: "tof mra mrv cemra ceangio angio angiography venogram twist tricks inhance",
    Meaning.SPECTROSCOPY: "mrs svs csi spectro spectroscopy mrsi",
    Meaning.FUNCTION: "bold fmri rsfmri restingstate",
    Meaning.SUBTRACTION: "sub subtract subtracted subtraction subtraktion subtrahiert soustraction",
    Meaning.PROJECTION: "mip minip mnip projection",
    Meaning.SCREEN: "screensave secondarycapture report phoenix dose summary evidence keyimage",
    Meaning.MASK: "mask brainmask maske seg segmentation label labels labelmap glistrboost roi",
    Meaning.MAP: "map mapping mapit relaxometry inv1 inv2 t1map t2map opp fatonly fieldmap synthetic",
    Meaning.OTHER_PART: "spine cspine tspine lspine hws bws lws wirbelsaeule rachis cervical thoracic lumbar neck hals "
    "orbit orbits orbita orbitae iac iam cpa sella pituitary hypophyse hypophysis tmj",
    Meaning.OTHER_CONTRAST: "stir ciss fiesta trufi bffe drive haste ssfse dir psir",
}
_SEVERAL_MEANINGS = {
    **dict.fromkeys(
        ("mprage", "memprage", "tfl", "bravo", "efgre3d", "mdeft"), (Meaning.T1, Meaning.THREE_D)
    ),
    "t1c": (Meaning.T1, Meaning.AGENT),
    "t1wc": (Meaning.T1, Meaning.AGENT),
    "ct1": (Meaning.T1, Meaning.AGENT),
    "t1n": (Meaning.T1, Meaning.BEFORE),
    "t2f": (Meaning.T2, Meaning.FLAIR),
}
_MEANINGS = {
    word: (meaning,) for meaning, words in _WORDS.items() for word in words.split()
} | _SEVERAL_MEANINGS

# A run of letters is taken apart only around one of these: "cese" would otherwise be two words.
_ANCHORS = ("t1", "t2", "flair", "mprage", "bravo", "space", "cube")


@dataclass(frozen=True)
class Word:
    """A word as it was written, but for its case, accents and spaces, with all that it means."""

    written: str
    meanings: tuple[Meaning, ...]


def words_in(text: str) -> tuple[Word, ...]:
    """Return the words of a name that have a meaning, in their order."""
    spellings = re.split(r"[^a-z0-9]+", plainly_spelled(text))
    words = (Word(AS_WRITTEN.get(spelling, spelling), _meanings(spelling)) for spelling in spellings)
    return tuple(word for word in words if word.meanings)


@cache
def _meanings(spelling: str) -> tuple[Meaning, ...]:
    bare = spelling.rstrip("0123456789")  # "flair2", "post1"
    for known in (spelling, bare):
        if known in _MEANINGS:
            return _MEANINGS[known]
    parts = _parts(spelling) or _parts(bare) if any(anchor in spelling for anchor in _ANCHORS) else None
    return tuple(meaning for part in parts or () for meaning in _MEANINGS[part])


def _parts(run: str) -> tuple[str, ...] | None:
    """Return the known words that a run of letters is made of, long ones first; None where a rest remains."""
    if not run:
        return ()
    for length in range(len(run), 1, -1):
        word, rest = run[:length], run[length:]
        # "t12" is a vertebra, "t13d" is T1 in 3D
        if word in _MEANINGS and (not rest[:1].isdigit() or rest.startswith(("2d", "3d"))):
            parts = _parts(rest)
            if parts is not None:
                return (word, *parts)
    return None
