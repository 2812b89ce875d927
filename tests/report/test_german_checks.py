"""What checks say in German goes with the English: the same placeholders and full stops, and no English word left over.

That each text has one, and none is unused, is held for every language in `test_language`.
"""

from __future__ import annotations

import re

from plumbline.report.language import language
from plumbline.report.message import PLACEHOLDER

GERMAN = language("de").checks
# Words that no German sentence holds; what stands in backticks or German quotes is said by a program.
ENGLISH = re.compile(r"\b(the|of|is|are|and|with|for|must|that|its|by|it|to|from)\b")
QUOTED = re.compile(r"`[^`]*`|„[^“]*“")
ALIKE = {"{name}: minTlsVersion {min_tls_version}"}


def test_placeholders_agree() -> None:
    differ = {one: other for one, other in GERMAN.items() if sorted(PLACEHOLDER.findall(one)) != sorted(PLACEHOLDER.findall(other))}
    assert differ == {}


def test_full_stops_agree() -> None:
    assert {one: other for one, other in GERMAN.items() if one.endswith(".") != other.endswith(".")} == {}


def test_no_english_is_left() -> None:
    assert [other for other in GERMAN.values() if ENGLISH.search(QUOTED.sub("", other))] == []
    assert {one for one, other in GERMAN.items() if one == other} == ALIKE
