"""Reads the standards that are shipped, `<id>.toml`, and finds a provision by its ref.

Not the reader of profiles (`profiles`). Rules: a file is our own, so a bad one stops everything that needs it; every key is known
here and no other; a text has a length that a page and a terminal can print.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from plumbline.model.errors import InputError
from plumbline.standards.standard import AskedOf, Confidence, Field, Provision, Standard
from plumbline.standards.toml_file import TomlFile

FOLDER = Path(__file__).parent
STANDARD_ID = re.compile(r"[a-z0-9][a-z0-9.-]{1,59}")
PROVISION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ().,:_-]{0,79}")
LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,29}")
HEAD_MAX = {"title": 200, "version": 60, "date": 120, "publisher": 60, "url": 200, "licence": 200, "notes": 800}
WORDS_MAX = {"status": 30, "title": 90, "summary": 200}
MEANS_MAX = {"declare": 400, "manual": 700, "gap": 400}
_HEAD_KEYS = {*HEAD_MAX, "year", "confidence", "conditions", "features", "provision"}
_PROVISION_KEYS = {*WORDS_MAX, *MEANS_MAX, "level", "layer", "confidence", "per", "whole"}


@cache
def standard_ids() -> tuple[str, ...]:
    """Ids of all standards in order; reads no file."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load_standards() -> Mapping[str, Standard]:
    """All standards by id; raises InternalError naming the file and key of a bad one."""
    return {name: parse_standard(name, (FOLDER / f"{name}.toml").read_text(encoding="utf-8")) for name in standard_ids()}


def find_provision(ref: str) -> Provision:
    """Find a provision by `<standard>/<id>`; raises InputError that names the nearest refs."""
    standard, _, name = ref.partition("/")
    standards = load_standards()
    if standard in standards and name in standards[standard].provisions:
        return standards[standard].provisions[name]
    near = difflib.get_close_matches(ref, [one.ref for two in standards.values() for one in two.provisions.values()], n=3)
    raise InputError(f"no provision {ref!r}", remedy=f"did you mean {', '.join(near)}?" if near else "see `plumbline standards list`")


def parse_standard(name: str, text: str) -> Standard:
    """Read one standard; raises InternalError naming file and key."""
    file = TomlFile(f"standard {name}.toml", text)
    data = file.data
    if not STANDARD_ID.fullmatch(name):
        file.refuse("its name", "must be lower case letters, digits, points and dashes")
    file.known(data, _HEAD_KEYS)
    year = data.get("year")
    if not isinstance(year, int) or not 1990 <= year <= 2100:
        file.refuse("year", "must be a year")
    provisions = file.table(data, "provision")
    if not provisions:
        file.refuse("provision", "has no provisions")
    head = {key: file.text(data, key, limit) for key, limit in HEAD_MAX.items()}
    return Standard(
        id=name,
        year=year,
        confidence=file.word(data, "confidence", Confidence),
        conditions=_legend(file, "conditions"),
        features=_legend(file, "features"),
        provisions={key: _provision(file, name, key, value) for key, value in provisions.items()},
        **head,
    )


def _legend(file: TomlFile, key: str) -> Mapping[str, str]:
    table = file.table(file.data, key)
    return {letter: file.text(table, letter, 200, f"{key}.") for letter in table}


def _provision(file: TomlFile, standard: str, name: str, data: Any) -> Provision:
    above = f'provision."{name}".'
    if not PROVISION_ID.fullmatch(name) or not isinstance(data, dict):
        file.refuse(above.rstrip("."), 'must be a table, [provision."ID"]')
    file.known(data, _PROVISION_KEYS, above)
    whole = data.get("whole", False)
    if not isinstance(whole, bool):
        file.refuse(above + "whole", "must be true or false")
    level = file.text(data, "level", 30, above)
    if not LEVEL.fullmatch(level):
        file.refuse(above + "level", "must be one word")
    return Provision(
        standard=standard,
        id=name,
        level=level,
        layer=file.word(data, "layer", Field, above),
        confidence=file.word(data, "confidence", Confidence, above),
        per=file.word(data, "per", AskedOf, above),
        whole=whole,
        **{key: file.text(data, key, limit, above) for key, limit in WORDS_MAX.items()},
        **{key: file.text(data, key, limit, above) for key, limit in MEANS_MAX.items() if key in data},
    )
