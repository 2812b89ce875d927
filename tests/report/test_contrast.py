"""Contrast, computed from the style sheet: WCAG 2.2, 1.4.3 (text, 4.5:1) and 1.4.11 (graphics, 3:1); light, dark, paper."""

from __future__ import annotations

import re

import pytest

from plumbline.report.page import TEMPLATES

STYLE = (TEMPLATES / "style.css").read_text()
TEXT = [
    *((ink, ground) for ink in ("ink", "muted", "accent", "fail", "unsure", "good") for ground in ("bg", "surface", "sunken")),
    *((f"on-{word}", word) for word in ("critical", "high", "medium", "low")),
    ("none", "none-soft"),
    ("ink", "unsure-soft"),
    ("mark-ink", "mark-fail"),
    ("mark-ink", "mark-good"),
]
GRAPHICS = [
    *((mark, ground) for mark in ("mark-fail", "mark-unsure", "mark-good", "mark-none") for ground in ("bg", "surface", "sunken")),
    ("mark-ink", "mark-unsure"),  # a question mark of 13 px bold in a shape that says the same
]
BLOCKS = {
    "light": r":root \{(.*?)\}",
    "dark by the system": r":root:not\(\[data-theme=\"light\"\]\) \{(.*?)\}",
    "dark by choice": r":root\[data-theme=\"dark\"\] \{(.*?)\}",
    "paper": r":root:root:root \{(.*?)\}",
}


def colours(block: str) -> dict[str, tuple[int, int, int]]:
    found = re.search(BLOCKS[block], STYLE, flags=re.DOTALL)
    assert found, block
    values = {}
    for name, code in re.findall(r"--([a-z-]+): #([0-9a-f]{3,6})\b", found[1]):
        full = code if len(code) == 6 else "".join(char * 2 for char in code)
        values[name] = (int(full[:2], 16), int(full[2:4], 16), int(full[4:], 16))
    return values


def luminance(colour: tuple[int, int, int]) -> float:
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula_agrees_with_known_pairs() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("block", BLOCKS)
def test_each_theme_sets_every_colour(block: str) -> None:
    assert colours(block).keys() == colours("light").keys()


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (GRAPHICS, 3.0)], ids=["text", "graphics"])
def test_pairs_stand_out(block: str, pairs: list[tuple[str, str]], least: float) -> None:
    values = colours(block)
    weak = {pair: round(contrast(values[pair[0]], values[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < least} == {}


def test_both_dark_themes_are_the_same() -> None:
    assert colours("dark by the system") == colours("dark by choice")
