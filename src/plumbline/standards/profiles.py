"""Profiles: named sets of provisions that an audit is held against, with thresholds, read from `profiles/<id>.toml`.

Not a judge: it says how many provisions may fail or stay open, not whether a rig is good. Rules: each standard is a profile of its own
name, with all its provisions, of which none may fail or stay open; a profile names only what exists.

An `[[include]]` takes provisions of one standard: those at the `levels` named and those in `provisions`; all, where it names neither; never
those in `without`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from plumbline.model.errors import InputError
from plumbline.model.words import Basis, Severity
from plumbline.standards.loading import FOLDER, STANDARD_ID, load_standards, standard_ids
from plumbline.standards.standard import Provision, Standard, unique
from plumbline.standards.toml_file import TomlFile

PROFILES = FOLDER / "profiles"
CHECK_ID = re.compile(r"[a-z]+\.[a-z][a-z0-9_]{2,59}")
_KEYS = {"title", "about", "include", "thresholds", "accepts", "severities"}
_INCLUDE_KEYS = {"standard", "levels", "provisions", "without"}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How many provisions may at most be failed, and how many inconclusive."""

    fail: int = 0
    inconclusive: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of provisions. A pass on a basis that `accepts` lacks counts as inconclusive; `severities` re-rates checks by id."""

    id: str
    title: str
    about: str
    provisions: tuple[Provision, ...]
    thresholds: Thresholds
    accepts: tuple[Basis, ...]
    severities: Mapping[str, Severity]

    @property
    def standards(self) -> tuple[str, ...]:
        """Ids of the standards that its provisions come from, in order."""
        return unique(provision.standard for provision in self.provisions)


@cache
def profile_ids() -> tuple[str, ...]:
    """All that `[standards] assess` may name, profiles and standards, in order; reads no file."""
    return tuple(sorted({*standard_ids(), *(path.stem for path in PROFILES.glob("*.toml"))}))


@cache
def load_profiles() -> Mapping[str, Profile]:
    """All profiles by id, those that standards are of themselves among them; raises InternalError naming file and key of a bad one."""
    standards = load_standards()
    found = {name: _implicit(standard) for name, standard in standards.items()}
    for path in sorted(PROFILES.glob("*.toml")):
        found[path.stem] = parse_profile(path.stem, path.read_text(encoding="utf-8"), standards)
    return {name: found[name] for name in sorted(found)}


def find_profile(name: str) -> Profile:
    """Find a profile or standard by id; raises InputError that names the nearest."""
    profiles = load_profiles()
    if name not in profiles:
        raise InputError(f"no standard or profile {name!r}", remedy=nearest(name))
    return profiles[name]


def nearest(name: str) -> str:
    """Say which standard or profile may be meant."""
    near = difflib.get_close_matches(name, profile_ids(), n=3, cutoff=0.4)
    return f"did you mean {', '.join(near)}?" if near else "see `plumbline standards list`"


def _implicit(standard: Standard) -> Profile:
    about = f"Every provision of {standard.title}, version {standard.version}."
    return Profile(standard.id, standard.title, about, tuple(standard.provisions.values()), Thresholds(), tuple(Basis), {})


def parse_profile(name: str, text: str, standards: Mapping[str, Standard]) -> Profile:
    """Read one profile; raises InternalError naming file and key."""
    file = TomlFile(f"profile {name}.toml", text)
    data = file.data
    if not STANDARD_ID.fullmatch(name) or name in standards:
        file.refuse("its name", "must be lower case letters, digits, points and dashes, and no standard's")
    file.known(data, _KEYS)
    includes = data.get("include")
    if not isinstance(includes, list) or not includes or not all(isinstance(entry, dict) for entry in includes):
        file.refuse("include", "must be [[include]] tables, at least one")
    taken = [one for index, entry in enumerate(includes) for one in _included(file, f"include[{index}].", entry, standards)]
    accepts = file.texts(data, "accepts") if "accepts" in data else tuple(Basis)
    for word in accepts:
        if word not in set(Basis):
            file.refuse("accepts", f"{word!r} is none of {', '.join(Basis)}")
    return Profile(
        id=name,
        title=file.text(data, "title", 90),
        about=file.text(data, "about", 400),
        provisions=tuple({one.ref: one for one in taken}.values()),
        thresholds=_thresholds(file),
        accepts=tuple(basis for basis in Basis if basis in accepts),
        severities=_severities(file),
    )


def _included(file: TomlFile, above: str, entry: Mapping[str, Any], standards: Mapping[str, Standard]) -> list[Provision]:
    file.known(entry, _INCLUDE_KEYS, above)
    standard = standards.get(file.text(entry, "standard", 60, above))
    if standard is None:
        file.refuse(above + "standard", f"no standard {entry['standard']!r}; there are {', '.join(standards)}")
    known: Mapping[str, Collection[str]] = {"levels": standard.levels, "provisions": standard.provisions, "without": standard.provisions}
    named: dict[str, tuple[str, ...]] = {}
    for key, words in known.items():
        named[key] = file.texts(entry, key, above) if key in entry else ()
        for word in named[key]:
            if word not in words:
                near = difflib.get_close_matches(word, words, n=1)
                file.refuse(above + key, f"{standard.id} has no {word!r}" + (f"; did you mean {near[0]}?" if near else ""))
    everything = not named["levels"] and not named["provisions"]
    taken = [
        one
        for one in standard.provisions.values()
        if (everything or one.level in named["levels"] or one.id in named["provisions"]) and one.id not in named["without"]
    ]
    if not taken:
        file.refuse(above.rstrip("."), "takes no provision")
    return taken


def _thresholds(file: TomlFile) -> Thresholds:
    table = file.table(file.data, "thresholds")
    file.known(table, {"fail", "inconclusive"}, "thresholds.")
    for key, value in table.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            file.refuse(f"thresholds.{key}", "must be a number of provisions, 0 or more")
    return Thresholds(**table)


def _severities(file: TomlFile) -> Mapping[str, Severity]:
    table = file.table(file.data, "severities")
    for key in table:
        if not CHECK_ID.fullmatch(key):
            file.refuse(f'severities."{key}"', "is no check's id, layer.name")
    return {key: file.word(table, key, Severity, "severities.") for key in table}
