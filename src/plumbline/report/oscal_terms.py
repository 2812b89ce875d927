"""OSCAL's datatypes, made of any text: what stands in a title, a string, a token or a property. Not the documents (`oscal`).

| datatype | pattern | what becomes of other text |
|---|---|---|
| markup-line | one line, not empty | hidden characters are shown as escapes, markup is escaped, empty is "not named" |
| string | no white space at its ends | the same, stripped |
| token | a letter, then letters, digits, `.`, `-`, `_` | `_` for the first, `-` for the others |

Source: OSCAL 1.2.1, datatypes (markup-line, markup-multiline, string, token).
"""

from __future__ import annotations

import re
from typing import Any

from plumbline.report.text import visible

NAMESPACE = "urn:plumbline:oscal"
NOT_NAMED = "not named"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|!~^&$])")
_NO_TOKEN = re.compile(r"[^A-Za-z0-9._-]")


def markup(text: str) -> str:
    """Write text that a reader of Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", visible(text).strip()) or NOT_NAMED


def string(text: str) -> str:
    """Write text as a string."""
    return visible(text).strip() or NOT_NAMED


def token(text: str) -> str:
    """Write an id of ours as a token; two of ours that differ in letters, digits and the three signs stay different."""
    made = _NO_TOKEN.sub("-", text)
    return made if made[:1].isalpha() else f"_{made}"


def control(standard: str, provision: str) -> str:
    """Name a provision as a control: ids of standards are not unique, so the standard's stands before."""
    return token(f"{standard}_{provision}")


def prop(name: str, value: str, remarks: str = "") -> dict[str, Any]:
    """Make a property of ours."""
    return {"name": name, "ns": NAMESPACE, "value": string(value), **({"remarks": markup(remarks)} if remarks else {})}
