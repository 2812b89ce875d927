"""Real versions and their order, from a file that was checked by how vendors number: tests/versions/corpus.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from plumbline.versions import Scheme, compare

GROUPS = tomllib.loads((Path(__file__).parent / "corpus.toml").read_text())["group"]
ANSWERS = {"less": -1, "equal": 0, "apart": None}
PAIRS = [(Scheme(group["scheme"]), a, b, answer) for group in GROUPS for word, answer in ANSWERS.items() for a, b in group.get(word, [])]


@pytest.mark.parametrize(("scheme", "a", "b", "answer"), PAIRS, ids=str)
def test_order(scheme: Scheme, a: str, b: str, answer: int | None) -> None:
    assert compare(a, b, scheme) == answer
    assert compare(b, a, scheme) == (None if answer is None else -answer)


def test_the_corpus_is_as_large_as_it_says() -> None:
    firmware = [answer for scheme, *_, answer in PAIRS if scheme is Scheme.FIRMWARE]
    assert len(firmware) >= 250
    assert firmware.count(None) >= 50
    assert {scheme for scheme, *_ in PAIRS} == set(Scheme)
    assert len({(scheme, frozenset((a, b)), a == b) for scheme, a, b, _ in PAIRS}) == len(PAIRS)
    assert all(set(group) <= {"scheme", "reason", *ANSWERS} and group["reason"] for group in GROUPS)
