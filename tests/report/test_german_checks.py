"""What checks say in German: every text has its German one, none stands there unused, and each pair goes together."""

from __future__ import annotations

import re
import tomllib

import pytest

from plumbline.checks.registry import load_registry
from plumbline.report.language import FOLDER
from plumbline.report.message import PLACEHOLDER

FIELDS = ("title", "proves", "pass_proves", "message", "recommendation", "verify", "compensate")
# Words that no German sentence holds; what stands in backticks or German quotes is said by a program.
ENGLISH = re.compile(r"\b(the|of|is|are|and|with|for|must|that|its|by|it|to|from)\b")
QUOTED = re.compile(r"`[^`]*`|„[^“]*“")
SAME = {"{name}: minTlsVersion {min_tls_version}"}


def words(text: str) -> str:
    """What is left to translate once the placeholders are taken out."""
    return PLACEHOLDER.sub("", text).strip(" :,()")


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """The texts of all shipped checks that hold words, with the checks that say them."""
    found: dict[str, list[str]] = {}
    for check in load_registry().checks.values():
        for field in FIELDS:
            text: str = getattr(check, field)
            if words(text):
                found.setdefault(text, []).append(f"{check.id} {field}")
    return found


@pytest.fixture(scope="module")
def german() -> dict[str, str]:
    texts: dict[str, str] = tomllib.loads((FOLDER / "de.checks.toml").read_text(encoding="utf-8"))["texts"]
    return texts


def test_every_text_has_a_german_one(said: dict[str, list[str]], german: dict[str, str]) -> None:
    assert {text: where for text, where in said.items() if text not in german} == {}


def test_no_german_text_is_unused(said: dict[str, list[str]], german: dict[str, str]) -> None:
    assert sorted(german.keys() - said.keys()) == []


def test_placeholders_agree(german: dict[str, str]) -> None:
    differ = {one: other for one, other in german.items() if sorted(PLACEHOLDER.findall(one)) != sorted(PLACEHOLDER.findall(other))}
    assert differ == {}


def test_full_stops_agree(german: dict[str, str]) -> None:
    assert {one: other for one, other in german.items() if one.endswith(".") != other.endswith(".")} == {}


def test_no_english_is_left(german: dict[str, str]) -> None:
    assert [other for other in german.values() if ENGLISH.search(QUOTED.sub("", other))] == []
    assert {one for one, other in german.items() if one == other} == SAME
