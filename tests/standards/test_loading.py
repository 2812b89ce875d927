"""Standards: what is shipped is whole and as the reference has it; a file that is not as it should be names its key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from plumbline.model.errors import InputError, InternalError
from plumbline.standards.loading import find_provision, load_standards, parse_standard, standard_ids
from plumbline.standards.standard import AskedOf, Confidence, Field

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "standards.toml"
GOOD = """
title = "A standard"
version = "1"
year = 2026
date = "2026-01"
publisher = "Nobody"
url = "https://standards.example/1"
licence = "none"
confidence = "high"
notes = "for a test"

[conditions]
"1" = "it rains"

[provision."A-1(a)"]
level = "mandatory"
status = "M C (1)"
layer = "process"
title = "A first"
summary = "Something is done."
confidence = "medium"
per = "rig"
manual = "Look whether it is done. Passes when it is."

[provision.A-2]
level = "optional"
status = "O"
layer = "device"
title = "A second"
summary = "Something else is done."
confidence = "high"
per = "device"
whole = true
"""


def test_a_file_is_read() -> None:
    standard = parse_standard("a-standard-1.0", GOOD)
    assert (standard.id, standard.year, standard.confidence, standard.levels) == (
        "a-standard-1.0",
        2026,
        Confidence.HIGH,
        ("mandatory", "optional"),
    )
    assert (standard.conditions, standard.features) == ({"1": "it rains"}, {})
    first, second = standard.provisions.values()
    assert (first.ref, first.layer, first.per, first.whole) == ("a-standard-1.0/A-1(a)", Field.PROCESS, AskedOf.RIG, False)
    assert (first.manual, first.declare, first.gap) == ("Look whether it is done. Passes when it is.", None, None)
    assert (second.ref, second.whole, second.manual) == ("a-standard-1.0/A-2", True, None)


BAD = {
    "no TOML": ("[provision.A-2]", "[provision.A-2", "standard s1.toml: cannot be read as TOML"),
    "an unknown key": ("notes =", "note =", "standard s1.toml: note: unknown key; did you mean notes?"),
    "a missing text": ('publisher = "Nobody"\n', "", "standard s1.toml: publisher: missing"),
    "an empty text": ('"Nobody"', '""', "publisher: must be a text that is not empty"),
    "a text with a line break": ('"Nobody"', '"No\\nbody"', "publisher: must be one line"),
    "a text that is too long": ('"Nobody"', f'"{"x" * 61}"', "publisher: 61 characters; at most 60"),
    "a year that is none": ("year = 2026", 'year = "2026"', "year: must be a year"),
    "a year that is true": ("year = 2026", "year = true", "year: must be a year"),
    "no provisions": (GOOD[GOOD.index("[provision") :], "", "provision: has no provisions"),
    "conditions that are no table": ('[conditions]\n"1" = "it rains"', 'conditions = "it rains"', "conditions: must be a table"),
    "a condition that is no text": ('"it rains"', "1", "conditions.1: must be a text"),
    "an id with a slash": ("[provision.A-2]", '[provision."A/2"]', 'provision."A/2": must be a table'),
    "an unknown key of a provision": ('manual = "Look', 'manuel = "Look', 'provision."A-1(a)".manuel: unknown key; did you mean manual?'),
    "a level of two words": ('level = "optional"', 'level = "if you like"', 'provision."A-2".level: must be one word'),
    "a layer that is none": ('layer = "process"', 'layer = "paper"', "layer: 'paper' is none of device, update"),
    "nobody asked": ('per = "rig"\n', "", 'provision."A-1(a)".per: missing'),
    "one who cannot be asked": ('per = "rig"', 'per = "vendor"', "per: 'vendor' is none of device, gateway, cloud, rig"),
    "a list for a word": ('per = "rig"', 'per = ["rig"]', "is none of device"),
    "a confidence that is none": ('"medium"', '"sure"', "confidence: 'sure' is none of high, medium, low"),
    "whole in words": ("whole = true", 'whole = "yes"', 'provision."A-2".whole: must be true or false'),
    "a test by hand without words": ('"Look whether it is done. Passes when it is."', '""', 'provision."A-1(a)".manual: must be a text'),
    "one provision twice": ("[provision.A-2]", '[provision."A-1(a)"]', "cannot be read as TOML"),
}


@pytest.mark.parametrize(("old", "new", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_names_its_key(old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    with pytest.raises(InternalError, match=re.escape(message)):
        parse_standard("s1", text)


def test_a_file_is_named_after_the_standard() -> None:
    with pytest.raises(InternalError, match=r"standard A standard\.toml: its name: must be"):
        parse_standard("A standard", GOOD)


def test_a_provision_is_found_by_its_ref() -> None:
    assert find_provision("uk-psti-2023/Sch1-1(3)(a)").title == "No counter passwords"
    assert find_provision("iec-62443-4-2/CR 1.1 RE(1)").id == "CR 1.1 RE(1)"


@pytest.mark.parametrize(
    ("ref", "near"),
    [
        ("etsi-en-303-645/5.5-55", "etsi-en-303-645/5.5-5"),
        ("uk-psti/Sch1-2", "uk-psti-2023/Sch1-2"),
        ("zzz", "see `plumbline standards list`"),
        ("", "see `plumbline standards list`"),
    ],
)
def test_a_ref_that_names_nothing_names_the_nearest(ref: str, near: str) -> None:
    with pytest.raises(InputError, match="no provision") as caught:
        find_provision(ref)
    assert near in caught.value.remedy


def test_ids_and_facts_are_those_of_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip("../shared/reference/standards.toml is not beside the project")
    reference = {one["id"]: one for one in tomllib.loads(REFERENCE.read_text(encoding="utf-8"))["standard"]}
    assert sorted(reference) == list(standard_ids())
    for name, standard in load_standards().items():
        theirs = {one["id"]: one for one in reference[name]["provision"]}
        assert list(theirs) == list(standard.provisions)
        for provision in standard.provisions.values():
            same = ("level", "layer", "title", "summary", "confidence")
            assert {key: theirs[provision.id][key] for key in same} == {key: getattr(provision, key) for key in same}
            assert provision.status == theirs[provision.id].get("kind", theirs[provision.id]["status"])
