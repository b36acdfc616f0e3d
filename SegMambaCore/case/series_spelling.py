"""Spellings in names of MRI series that are more than one word, or hang on a sign: "w/o", "+C", "T2*", "dark-fluid"."""

from __future__ import annotations

import re
import unicodedata

_WORD_STARTS, _WORD_ENDS = r"(?<![a-z0-9])", r"(?![a-z0-9])"  # written « and » below
_SPELLINGS = [
    (re.compile(pattern.replace("«", _WORD_STARTS).replace("»", _WORD_ENDS)), f" {word} ")
    for pattern, word in [
        (
            r"(^|(?<=[ :/]))sub-[a-z0-9]+(?=_)",
            "",
        ),  # BIDS: subject and session; elsewhere "sub" is a subtraction
        (r"«ses-[a-z0-9]+", ""),
        (r"(^|(?<=[ :/]))sub[ _-]?[0-9]+(?=[ _.-])", ""),  # the subject's number in another way
        (r"t2w?[ _-]?(\*|starw?»)", "t2star"),
        (r"«mp[ _-]rage»", "mprage"),
        (r"«(w|with|mit|avec)[ /&+_-]*(and|und|et)?[ /&+_-]*(w/o|wo|without|ohne|sans)»", "withandwithout"),
        (r"«(w/o|wo|without|ohne|sans)[ _]*(and|und|et|&|/|\+)[ _]*(w|with|mit|avec)»", "withandwithout"),
        (r"«wwo»", "withandwithout"),
        (r"«w/o»|«wo»", "without"),
        (r"«o\.? ?km»", "without km"),
        (
            r"\+[ _]?(c|gd|gad|gado|km|ce)»|«c[ _]?\+|(?<=t1)w?[ _]?\+(?![ _]?[a-z])|(?<=t1)w?[ _.-]c»(?!-)",
            "plusc",
        ),
        (r"«c-(?![a-z0-9])", "cminus"),
        (r"(?<=[a-z0-9]) -c»", "minusc"),
        (r"dark[ _-]?fluid|«da[ _-]?fl»|«fluid[ _-]attenuated", "darkfluid"),
        (
            r"«(post|pre)[ _-]?(op|operative|operativ|surgery|surgical|rt|radio[a-z]*|radiation|resection"
            r"|treatment|chemo[a-z]*|biopsy)»",
            "",
        ),
        (r"«b[ _=-]?(0|50|[1-9][0-9]?00)»", "bvalue"),
        (r"«(3|three)[ _-]?pl(ane)?s?»", "localizer"),
        (r"«[ctl][ _-]spine", "spine"),
        (r"«screen[ _-]?(save|shot|capture)s?»", "screensave"),
        (r"«key[ _-]?images?»", "keyimage"),
        (r"«(in|opposed|opp|out)[ _-]?(of[ _-])?phase»", "opp"),
    ]
]

AS_WRITTEN = {
    "withandwithout": "with and without",
    "plusc": "+c",
    "cminus": "c-",
    "minusc": "-c",
    "darkfluid": "dark fluid",
    "t2star": "t2*",
    "bvalue": "b value",
    "screensave": "screen save",
    "keyimage": "key image",
}
"""How the words that stand for such a spelling are shown to a person."""


def plainly_spelled(text: str) -> str:
    """Return a name in lower case, without accents, with one word of letters for each spelling of that kind."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("ä", "ae"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    for pattern, word in _SPELLINGS:
        plain = pattern.sub(word, plain)
    return plain
