"""What is handed over is hostile: a seal, a private file or a disclosure of any form ends in a value or in an error of ours."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from plumbline.attest.disclosure import disclose, verify_disclosure
from plumbline.attest.envelope import Envelope
from plumbline.attest.keys import load_signer
from plumbline.attest.private import read_private
from plumbline.attest.statement import parse_statement
from plumbline.attest.verify import Asked, verify
from plumbline.model.errors import InputError, ProtocolError
from tests.attest.sealing import key, no_passphrase

ODD = [None, True, -1, 1 << 70, 1.5, "", "x", "../../etc", "ff" * 32, [], [[]], {}, {"sha256": "x"}]


def mutated(value: Any, chance: random.Random) -> Any:
    """Replace, take away or double one thing somewhere in a JSON value."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        kind = chance.random()
        if kind < 0.1:
            return {other: one for other, one in value.items() if other != name}
        if kind < 0.2:
            return {**value, "more": 1}
        return {**value, name: mutated(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        if chance.random() < 0.2:
            return [*value, value[at]]
        return [*value[:at], mutated(value[at], chance), *value[at + 1 :]]
    return chance.choice(ODD)


@pytest.fixture(scope="module")
def shown(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shown") / "finding.json"
    finding = json.loads((untouched / "assessment.json").read_text())["findings"][0]["id"]
    disclose(untouched, [finding], path)
    return path


def test_disclosures(shown: Path, tmp_path: Path) -> None:
    chance = random.Random(5)
    document = json.loads(shown.read_text())
    for _ in range(120):
        (tmp_path / "x.json").write_text(json.dumps(mutated(document, chance)))
        with suppress(InputError):
            verify_disclosure(tmp_path / "x.json", Asked())


def test_private_files(untouched: Path, tmp_path: Path) -> None:
    chance = random.Random(6)
    document = json.loads((untouched / "seal.private.json").read_text())
    for _ in range(120):
        (tmp_path / "x.json").write_text(json.dumps(mutated(document, chance), indent=1) + "\n")
        with suppress(InputError):
            read_private(tmp_path / "x.json")


def test_seals_by_a_hostile_signer(untouched: Path, tmp_path: Path) -> None:
    """The signature holds, so what the statement says is read: it leads nowhere, and nothing passes by it that is not there."""
    chance = random.Random(7)
    signer = load_signer(key(tmp_path / "theirs.pem"), no_passphrase)
    statement = json.loads(base64.b64decode(json.loads((untouched / "seal.dsse.json").read_text())["payload"]))
    (tmp_path / "out").mkdir()
    for _ in range(60):
        Envelope(json.dumps(mutated(statement, chance)).encode()).signed(signer).write(tmp_path / "out" / "seal.dsse.json")
        assert verify(tmp_path / "out", Asked(again=False)).wrong


WORDS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no JSON": lambda: b"{",
    "no UTF-8": lambda: b'{"\xff": 1}',
    "deep": lambda: b"[" * 200_000,
    "a number": lambda: b"1",
    "NaN": lambda: b'{"_type": NaN}',
    "long digits": lambda: b"1" * 10_000,
    "a member twice": lambda: (
        b'{"_type": "https://in-toto.io/Statement/v1", "predicateType": "x", "subject": [{"name": "a",'
        b' "digest": {"sha256": "' + b"0" * 64 + b'"}}], "predicate": {"as_of": 1, "as_of": 2}}'
    ),
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_payloads(words: Callable[[], bytes]) -> None:
    with pytest.raises(ProtocolError):
        parse_statement(words())


NAMES = ["../x", "/x", "a//b", "a/./b", "", "a\\b", "C:/x", "a\0b", "x" * 5000, "a/"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere(name: str) -> None:
    subject = [{"name": name, "digest": {"sha256": "0" * 64}}]
    document = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "x", "predicate": {}}
    with pytest.raises(ProtocolError, match="no file of the folder"):
        parse_statement(json.dumps(document).encode())
