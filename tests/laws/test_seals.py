"""What was sealed cannot be changed without being named: whatever is flipped, dropped, added or swapped, `verify` says in which file."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from plumbline.attest.verification import Outcome, Verification
from plumbline.attest.verify import Asked, verify
from tests.attest.sealing import key, sealed, sealed_harbour
from tests.laws.corruptions import CORRUPTIONS, Corruption
from tests.report import harbour

QUICK = Asked(again=False)
RANDOM = 1000


@pytest.fixture(scope="module", params=["an assessment", "a bundle"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "an assessment":
        return sealed_harbour(tmp_path_factory.getbasetemp())
    folder = tmp_path_factory.mktemp("whole")
    bundle = harbour.collected(folder / "bundle")
    sealed(bundle, key(folder / "key.pem"))
    return bundle


def named(found: Verification) -> set[str]:
    """The files that a verification names as not what was sealed."""
    touched = {one.name for one in found.artefacts if one.outcome not in (Outcome.UNTOUCHED, Outcome.NOT_CHECKED)}
    return touched | {claim.what.split()[0] for claim in found.claims if claim.holds is False}


def missed(whole: Path, place: Path, how: Corruption, chance: random.Random) -> str | None:
    """Corrupt a copy once; gives what the verification failed to name."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, place / "sealed")
    due = how(place / "sealed", chance)
    found = verify(place / "sealed", QUICK)
    return None if found.wrong and due <= named(found) else f"{how.__name__}: {sorted(due)}, named were {sorted(named(found))}"


@pytest.mark.parametrize("how", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corruption_is_named(whole: Path, tmp_path: Path, how: Corruption) -> None:
    assert missed(whole, tmp_path / "copy", how, random.Random(4)) is None


def test_every_byte_of_the_seal(whole: Path, tmp_path: Path) -> None:
    """Each byte of a small stretch of each kind: payload, signature, key, and what stands between them."""
    place = tmp_path / "sealed"
    shutil.copytree(whole, place)
    [seal] = place.glob("*.dsse.json")
    data = seal.read_bytes()
    for at in [*range(40), *range(len(data) - 420, len(data))]:
        changed = bytearray(data)
        changed[at] = 10 if changed[at] != 10 else 32
        seal.write_bytes(changed)
        found = verify(place, QUICK)
        assert found.wrong and seal.name in named(found), at


def test_nothing_changed(whole: Path) -> None:
    found = verify(whole, QUICK)
    assert not found.wrong and not named(found)
    assert found.counts()["untouched"] == len(found.artefacts)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_thousand_random_corruptions(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(118)
    ways = list(CORRUPTIONS.values())
    lost = [why for _ in range(RANDOM) if (why := missed(whole, tmp_path / "copy", chance.choice(ways), chance)) is not None]
    assert not lost, f"{len(lost)} of {RANDOM}: {lost[:5]}"
