"""Components that programs say to be in them, by version strings of their own: the second best evidence, after package databases.

Not a guess from a file's name, but for the few libraries whose file names hold their version. The components stand in
`component_strings.toml`, one table each:

| key | what |
|---|---|
| name, cpe | its name; vendor:product of its CPE name |
| scheme | in which its versions are ordered (`plumbline.versions`); without it: firmware, for any number with dots |
| needles | words one of which stands in every match, for a quick search |
| files | pattern of the whole name of a file in which the pattern is tried without a needle, and counts where it finds one version |
| pattern | of bytes; its first group is the version. Without it `files` has the group |
| beside | words one of which must stand in the same file, where its users carry its version too, or where the version stands alone |
| packages | further names under which package databases know it |
| is, not | samples in which it must be found (`text -> version`), and those in which it must not be |

Rules: a pattern is strict and bounded; it is tried in programs and in raw bytes, never in texts, since a page about OpenSSL is not OpenSSL.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from plumbline.collect.firmware.needles import Hits
from plumbline.model.errors import InternalError
from plumbline.versions import Scheme

DATA = Path(__file__).with_suffix(".toml")
BEFORE, BEHIND = 100, 300  # bytes around a needle in which its pattern is tried
FOUND_MAX = 1_000  # matches of one component in one file


@dataclass(frozen=True, slots=True)
class Known:
    """One component that is known by its strings."""

    name: str
    cpe: str
    scheme: Scheme
    needles: tuple[bytes, ...]
    files: re.Pattern[str] | None
    pattern: re.Pattern[bytes] | None
    beside: tuple[bytes, ...]
    packages: frozenset[str]  # its own name among them
    samples: tuple[tuple[str, str], ...]
    strangers: tuple[str, ...]

    def cpe_of(self, version: str) -> str:
        """Give the CPE 2.3 name of a version."""
        return f"cpe:2.3:{'o' if self.name in _SYSTEMS else 'a'}:{self.cpe}:{version.lower()}:*:*:*:*:*:*:*"


_SYSTEMS = frozenset({"contiki-ng", "freertos", "threadx", "vxworks", "zephyr"})


@dataclass(frozen=True, slots=True)
class Said:
    """A component and the version that a file says, at an offset of it."""

    known: Known
    version: str
    offset: int


@cache
def load_known() -> tuple[Known, ...]:
    """All components; raises InternalError for one that is not as it should be."""
    try:
        return tuple(_known(**entry) for entry in tomllib.loads(DATA.read_text(encoding="utf-8"))["component"])
    except (TypeError, ValueError, re.error) as error:
        raise InternalError(f"{DATA.name}: {error}") from error


def _known(name: str, cpe: str, **keys: Any) -> Known:
    samples = [sample.rpartition(" -> ") for sample in keys.pop("is")]
    files, pattern = keys.pop("files", None), keys.pop("pattern", None)
    known = Known(
        name,
        cpe,
        Scheme(keys.pop("scheme", "firmware")),
        tuple(needle.encode("ascii") for needle in keys.pop("needles", ())),
        re.compile(files) if files else None,
        re.compile(pattern.encode("ascii")) if pattern else None,
        tuple(word.encode("ascii") for word in keys.pop("beside", ())),
        frozenset({name, *keys.pop("packages", ())}),
        tuple((text, version) for text, _, version in samples),
        tuple(keys.pop("not")),
    )
    if keys or cpe.count(":") != 1 or not (known.needles or known.files) or (known.needles and known.pattern is None):
        raise ValueError(f"{name}: {sorted(keys) or 'needs a vendor:product, and needles with a pattern, or files'}")
    return known


def needles() -> Iterator[bytes]:
    """Give the needles of all components."""
    for known in load_known():
        yield from known.needles


def said_by_name(name: str) -> Iterator[Said]:
    """Give the components whose version a file's name holds."""
    for known in _by_file():
        match = known.files.fullmatch(name) if known.files and known.pattern is None else None
        if match is not None:
            yield Said(known, match[1], 0)


def said(data: bytes, hits: Hits, name: str) -> list[Said]:
    """Give the components that a program, or raw bytes, say to hold; each version once."""
    found: dict[tuple[str, str], Said] = {}
    for needle, places in hits.items():
        for known in _by_needle().get(needle, ()):
            spans = ((max(0, at - BEFORE), at + BEHIND) for at in places)
            for one in _matches(known, data, spans):
                found.setdefault((known.name, one.version), one)
    for known in _by_file():
        if known.pattern is not None and known.files is not None and known.files.fullmatch(name):
            alone = {one.version: one for one in _matches(known, data, ((0, len(data)),))}
            if len(alone) == 1:
                found.update({(known.name, version): one for version, one in alone.items()})
    return list(found.values())


def _matches(known: Known, data: bytes, spans: Iterable[tuple[int, int]]) -> Iterator[Said]:
    if known.pattern is None or (known.beside and not any(word in data for word in known.beside)):
        return
    count = 0
    for start, end in spans:
        for match in known.pattern.finditer(data, start, end):
            yield Said(known, match[1].decode("ascii"), match.start(1))
            count += 1
            if count >= FOUND_MAX:
                return


@cache
def _by_needle() -> Mapping[bytes, tuple[Known, ...]]:
    found: dict[bytes, tuple[Known, ...]] = {}
    for known in load_known():
        for needle in known.needles:
            found[needle] = (*found.get(needle, ()), known)
    return found


@cache
def _by_file() -> tuple[Known, ...]:
    return tuple(known for known in load_known() if known.files is not None)
