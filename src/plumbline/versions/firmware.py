"""One order for what vendors call versions of firmware, with an explicit "not comparable". The grammar is ours; it is small, and refuses.

    version := [prefix] numbers [letter] { part }

| piece | looks like | what it says |
|---|---|---|
| prefix | `DIR-825_C1_`, `R7000-`, `HiOS `, `A` of `A17`; read over: `v`, `ver`, `version`, `fw`, `firmware` | only equal prefixes compare |
| numbers | `1.36.1`, `03.01.00`, `15` | number by number; trailing zeros are nothing; `0x22` compares only with hexadecimal |
| year | a first number of 1990 to 2099 | compares only with years |
| letter | `k` of 1.0.2k, `D` of 1.03D | small: a patch, after the same without. Capital: a variant, no order among equal numbers |
| stage | `-alpha`, `beta2`, `-rc2`, `_Beta` | before its release; alpha, beta, rc in turn. `dev`, `pre`, `test` ...: before it, among others no order |
| amendment | `SP1`, `Upd 4`, `Update 4`, `HF3`, `Patch 2`, `CU1`, `R2` | after its release; same kind by number, kinds among each other no order |
| build | `Build 20230517`, `rel.12345`, `(r12345)`, `B03`, `_10.0.94`, `-18`, `(10)` | by number among builds of equal numbers; against none, no order |
| hash | `g2fd7f3e`, `160bc2e` | no order: equal, or not comparable |
| name | `-tegra`, `WW`, `.R.`, `HW00` | must be equal: regions, boards, hardware |

Where an order would be a guess there is none:

- Different prefixes, names, years against counts, hexadecimal against decimal.
- `22` against `1.36.1`: a bare number may be a counter. `22` against `22.1` compares, and so does `V22`.
- `1.05` against `1.1` and `1.5`: with two numbers, one of them padded, vendors count either 5 > 1 or .05 < .1; where both agree it compares.
- `15 SP1` against `15.1`, `1.4.18-5` against `1.4.18.2`: what is amended or built may be what the other calls by a longer number.
- A day (20190819) against a count (36), or against a day of two digits' year; days written day first.
- Strings with prose, months, wildcards, or signs that no version has.

Strings tell what was numbered higher, not what was made later. A newer build under a lower number, a parallel branch, a recall: for these
a catalogue states the sequence of releases itself, and that sequence goes before any order of strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import zip_longest

from plumbline.versions.firmware_words import AMENDMENTS, BUILDS, COMPOUNDS, MONTHS, NOISE, PROSE, STAGES, UNSTAGED
from plumbline.versions.key import Key
from plumbline.versions.scheme import Scheme

MAX_NAMES = 4  # words of a prefix, or names behind the numbers; more is prose
BEFORE, END, AFTER, BUILD = -1, 0, 1, 2

Part = tuple[int, str, tuple[int, ...]]  # one of BEFORE, END, AFTER, BUILD; its kind; its numbers
_END: Part = (END, "", ())

_PLAIN = re.compile(r"([vV]?)([0-9]+(?:\.[0-9]+)*)")
_HEX = re.compile(r"0[xX]([0-9A-Fa-f]{1,16})")
_SIGNS = re.compile(r"[A-Za-z0-9 ._\-+()\[\]#]+")
_MARKER = re.compile(r"(?<![A-Za-z0-9])(?:(?:version|ver|v|firmware|fw)[ ._-]{0,2})+(?=[0-9])", re.IGNORECASE)
_GAP = re.compile(r"[ ._\-+()\[\]#]*")
_HASH = re.compile(r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])(?:g(?=[0-9a-f]{7}))?[0-9a-f]{7,40}(?![0-9A-Za-z])|g[0-9a-f]{7,40}(?![0-9A-Za-z])")
_WORD = re.compile(r"[A-Za-z]+")
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class FirmwareKey(Key):
    """`order` holds the numbers without trailing zeros, then the parts; the rest is what an order must not be guessed from.

    `given`: how many numbers the string has. `second`: the second of them as written, '' for none. `bare`: one number and nothing else.
    """

    given: int = field(compare=False)
    second: str = field(compare=False)
    bare: bool = field(compare=False)

    def compare(self, other: Key) -> int | None:
        """Give -1, 0 or 1, or None where the module's grammar has no order."""
        if not isinstance(other, FirmwareKey) or self.family != other.family:
            return None
        mine, theirs = self.order[0], other.order[0]
        if _reads_as_fraction(self, other):
            return None
        if mine == theirs:
            return _compare_parts(self.order[1], other.order[1])
        place, a, b = _first_difference(mine, theirs)
        if self._is_open_at(place) or other._is_open_at(place) or _is_day(a) != _is_day(b):
            return None
        if place == 0 and ((self.bare and other.given > 1) or (other.bare and self.given > 1)):
            return None
        return 1 if a > b else -1

    def _is_open_at(self, place: int) -> bool:
        """Tell whether a number that the string does not write may be what its amendment or build stands for."""
        return place >= self.given and self.order[1][0][0] > END


def key(version: str) -> FirmwareKey | None:
    """Read a vendor's version; None when it has no order."""
    text = version.strip()
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return _key("", plain[2], [], bare=not plain[1] and "." not in plain[2])
    hexadecimal = _HEX.fullmatch(text)
    if hexadecimal is not None:
        return FirmwareKey(Scheme.FIRMWARE, "hex", ((int(hexadecimal[1], 16),), (_END,)), 1, "", False)
    if _SIGNS.fullmatch(text) is None:
        return None
    return _Reading(text).key()


def _key(family: str, written: str, parts: list[Part], *, bare: bool) -> FirmwareKey | None:
    texts = written.split(".") if written else []
    if any(_is_day_first(text) for text in texts) or _is_dotted_day(texts):
        return None
    numbers = [int(text) for text in texts]
    if texts and len(texts[0]) == 4 and 1990 <= numbers[0] <= 2099:
        family, bare = f"{family} year", False
    while numbers and not numbers[-1]:
        numbers.pop()
    parts.append(_END)
    return FirmwareKey(Scheme.FIRMWARE, family, (tuple(numbers), tuple(parts)), len(texts), texts[1] if len(texts) > 1 else "", bare)


class _NoOrderError(Exception):
    """The string has something that no order can be read from."""


class _Reading:
    """One string, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._names: list[str] = []
        self._parts: list[Part] = []

    def key(self) -> FirmwareKey | None:
        """Read all of it; None when it has no order."""
        try:
            marked = self._read_prefix()
            numbers = self._take(_NUMBERS)
            if not numbers:
                return None
            prefix = len(self._names)
            self._read_letter()
            self._read_parts()
            if prefix and "." not in numbers and self._parts and self._parts[0][:2] == (BUILD, ""):
                # DIR-825_3.01: the first number belongs to the name, so only the same number compares.
                self._names.append(numbers)
                numbers = ""
        except _NoOrderError:
            return None
        bare = not marked and not prefix and not self._parts and "." not in numbers
        return _key(" ".join(self._names), numbers, self._parts, bare=bare)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _name(self, word: str) -> None:
        if word in PROSE or word in MONTHS or word == "x" or len(self._names) >= MAX_NAMES:
            raise _NoOrderError
        self._names.append(word)

    def _read_prefix(self) -> bool:
        """Read up to the first number of the version; tell whether a `v` or its like stood before it."""
        if self._text[0].isdigit():
            return False
        marker = _MARKER.search(self._text)
        end = marker.start() if marker else len(self._text)
        while self._at < end:
            self._take(_GAP)
            word = self._take(_WORD).lower()
            if not word:
                if not marker:
                    break
                word = self._take(_DIGITS)
                if not word:
                    break
            elif (attached := self._text[self._at : self._at + 1].isdigit()) and not marker and (len(word) == 1 or word in AMENDMENTS):
                self._name(word)  # A17, SP3: the digits are the version
                break
            elif attached:
                word += self._take(_DIGITS)  # SS016, C1: the digits belong to the name
            self._name(word)
        if marker:
            self._at = marker.end()
        return marker is not None

    def _read_letter(self) -> None:
        """Read the one letter that may be attached to numbers."""
        letter = self._text[self._at : self._at + 1]
        if not letter.isalpha() or self._text[self._at + 1 : self._at + 2].isalnum():
            return
        self._at += 1
        if letter in "xX":
            raise _NoOrderError
        self._parts.append((AFTER, "letter", (ord(letter),)) if letter.islower() else (BUILD, f"letter {letter}", ()))

    def _read_parts(self) -> None:
        while True:
            gap = self._take(_GAP)
            if self._at >= len(self._text):
                return
            if found := self._take(_HASH):
                self._parts.append((BUILD, f"hash {found}", ()))
            elif word := self._take(_WORD).lower():
                self._read_word(word, gap)
            else:
                self._parts.append((BUILD, "", self._read_numbers()))
                self._read_letter()

    def _read_word(self, word: str, gap: str) -> None:
        attached = self._text[self._at : self._at + 1].isdigit()
        if word in NOISE and not (gap == "" and not attached):
            return
        word = self._compound(word)
        if word in STAGES:
            self._parts.append((BEFORE, "stage", (STAGES[word], *self._read_numbers(gapped=True))))
        elif word in UNSTAGED:
            self._parts.append((BEFORE, word, self._read_numbers(gapped=True)))
        elif word in AMENDMENTS or word == "security patch":
            self._amend(AMENDMENTS.get(word, word))
        elif word in BUILDS and (attached or len(word) > 1):
            self._parts.append((BUILD, BUILDS[word], self._read_numbers(gapped=True)))
            self._read_letter()
        elif word == "r" and attached:
            self._read_r()
        elif len(word) == 1 and attached and word != "x":
            self._name(word)  # V01L053, 15.2(7)E3: the letter is a name, its number counts
            self._parts.append((BUILD, word, self._read_numbers()))
            self._read_letter()
        elif " " in gap:
            raise _NoOrderError  # a word that stands apart is a remark, and may be a condition
        else:
            self._name(word + self._take(_DIGITS))

    def _compound(self, word: str) -> str:
        """Read `service pack` and its like as one word."""
        here = self._at
        if self._take(_GAP) and (short := COMPOUNDS.get((word, self._take(_WORD).lower()))):
            return short
        self._at = here
        return word

    def _amend(self, kind: str) -> None:
        numbers = self._read_numbers(gapped=True)
        # `SP` without a number may be the first one, or any.
        self._parts.append((AFTER, kind if numbers else f"{kind} unnumbered", numbers))
        self._read_letter()

    def _read_r(self) -> None:
        """2014 R2 is a release of its own, r12345 the revision of a repository."""
        numbers = self._read_numbers()
        self._parts.append((AFTER, "release", numbers) if numbers[0] < 100 else (BUILD, "revision", numbers))

    def _read_numbers(self, *, gapped: bool = False) -> tuple[int, ...]:
        """Read the numbers that follow, with `gapped` also behind a gap, and behind `Nr.`; () for none."""
        here = self._at
        if gapped:
            self._take(_GAP)
            if self._take(_WORD).lower() not in NOISE | {""}:
                self._at = here
                return ()
            self._take(_GAP)
        written = self._take(_NUMBERS)
        if not written:
            self._at = here
            return ()
        texts = written.split(".")
        if any(_is_day_first(text) for text in texts):
            raise _NoOrderError
        numbers = [int(text) for text in texts]
        while len(numbers) > 1 and not numbers[-1]:
            numbers.pop()
        return tuple(numbers)


def _compare_parts(mine: tuple[Part, ...], theirs: tuple[Part, ...]) -> int | None:
    for a, b in zip_longest(mine, theirs, fillvalue=_END):
        if a == b:
            continue
        if a[0] != b[0]:
            return None if BUILD in (a[0], b[0]) else (a[0] > b[0]) - (a[0] < b[0])
        if a[1] != b[1] or any(_is_day(x) != _is_day(y) for x, y in zip(a[2], b[2], strict=False)):
            return None
        return 1 if a[2] > b[2] else -1
    return 0


def _first_difference(mine: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[int, int, int]:
    """Where two different lists of numbers part, a missing number being zero."""
    pairs = enumerate(zip_longest(mine, theirs, fillvalue=0))
    return next((place, a, b) for place, (a, b) in pairs if a != b)


def _reads_as_fraction(one: FirmwareKey, other: FirmwareKey) -> bool:
    """Tell whether the second numbers order one way as numbers and another way as decimals, and one of them is padded like a decimal."""
    a, b = one.second, other.second
    if a == b or 2 not in (one.given, other.given) or not (a and b) or one.order[0][:1] != other.order[0][:1]:
        return False
    if not ((a[0] == "0" and len(a) > 1) or (b[0] == "0" and len(b) > 1)):
        return False
    x, y = int(a), int(b)
    width = max(len(a), len(b))
    p, q = a.ljust(width, "0"), b.ljust(width, "0")
    return (x > y) - (x < y) != (p > q) - (p < q)


def _is_day(number: int) -> bool:
    """Tell a day, 20190819, from a count."""
    return 1990_01_01 <= number <= 2099_12_31 and 1 <= number // 100 % 100 <= 12 and 1 <= number % 100 <= 31


def _is_day_first(text: str) -> bool:
    """Tell a day that is written day or month first, 05032019: as a number it has no order."""
    if len(text) != 8 or not 1990 <= int(text[4:]) <= 2099 or _is_day(int(text)):
        return False
    day, month = sorted((int(text[:2]), int(text[2:4])), reverse=True)
    return 1 <= day <= 31 and 1 <= month <= 12


def _is_dotted_day(texts: list[str]) -> bool:
    """Tell 29.03.2007, which is a day, from three numbers."""
    return len(texts) == 3 and len(texts[2]) == 4 and _is_day_first("".join(text.rjust(2, "0") for text in texts))
