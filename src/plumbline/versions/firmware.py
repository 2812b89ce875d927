"""One order for what vendors call versions of firmware, with an explicit "not comparable". The grammar is ours; it is small, and refuses.

    version := [prefix] numbers [letter] { part }

| piece | looks like | what it says |
|---|---|---|
| prefix | `DIR-825_C1_`, `R7000-`, `HiOS`, the A of `A17` | only equal ones compare; `v ver version fw firmware` are read over |
| numbers | `1.36.1`, `03.01.00`, `15`, `0x22` | number by number, trailing zeros are nothing; hexadecimal is its own family |
| year | a first number of 1990 to 2099 | its own family |
| letter | k of `1.0.2k`, D of `1.03D` | small: a patch, after the same without. Capital: a variant, among equal numbers no order |
| stage | `-alpha`, `beta2`, `-rc2`, `-dev` | before its release; alpha, beta, rc in turn, others among each other not |
| amendment | `SP1`, `Upd 4`, `HF3`, `Patch 2`, `R2` | after its release; one kind by number, kinds among each other not |
| build | `Build 20230517`, `(r12345)`, `B03`, `p1`, `_10.0.94`, `-18`, `(10)` | by number among builds of equal numbers, against none not |
| hash | `g2fd7f3e`, `160bc2e` | equal or no order |
| name | `-tegra`, `WW`, `.R.`, `HW00` | must be equal: regions, boards, hardware |

Where an order would be a guess there is none:

- Different prefixes, names, years against counts, hexadecimal against decimal.
- `22` against `1.36.1`, `120B03` against `1.20B03`: a lone number may be a counter. `22` against `22.1` compares, and so does `V22`.
- `V3_230508`, `V1.0 V15.03.06.28`: the first number is the hardware's, so it must be equal. Of a year, `2021-1`, it is not.
- `1.05` against `1.1` and `1.5`: of two numbers, one padded, vendors count either 5 > 1 or .05 < .1; it compares where both agree.
- `15 SP1` against `15.1`, `1.4.18-5` against `1.4.18.2`: what is amended or built may be what the other calls by a longer number.
- A day (20190819) against a count (36) or a day of a short year (190819); days written day or month first.
- Strings with prose, months, wildcards, ` - `, or signs that no version has.

Strings tell what was numbered higher, not what was made later. A newer build under a lower number, a parallel branch, a recall: for these
a catalogue states the sequence of releases itself, and that sequence goes before any order of strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from plumbline.versions.firmware_words import AMENDMENTS, BUILDS, COMPOUNDS, NOISE, PROSE, STAGES, UNSTAGED
from plumbline.versions.key import Key
from plumbline.versions.scheme import Scheme

MAX_NAMES = 6  # words of a prefix and names together; more is prose
YEARS = range(1990, 2100)
MAX_PARTS = 8  # more is a list
BEFORE, END, AFTER, BUILD = -1, 0, 1, 2

Part = tuple[int, str, tuple[int, ...]]  # one of BEFORE, END, AFTER, BUILD; its kind; its numbers
Token = tuple[str, str, str, str]  # the gap before it, then one of: a hash, a word, dotted numbers
_END: Part = (END, "", ())
_NO_TOKEN: Token = (" ", "", "", "")  # behind the last one

_PLAIN = re.compile(r"([vV]?)([0-9]+(?:\.[0-9]+)*)")
_HEX = re.compile(r"0[xX]([0-9A-Fa-f]{1,16})")
_SIGNS = re.compile(r"[A-Za-z0-9 ._\-+~()\[\]#]+")
# A hash stands alone; without its g it has a digit and two letters, or 20190819a would be one.
_HASH = r"(?<![0-9A-Za-z])(?:g[0-9a-f]{7,40}|(?=[a-f]*[0-9])(?=[0-9]*[a-f][0-9]*[a-f])[0-9a-f]{7,40})(?![0-9A-Za-z])"
_TOKEN = re.compile(rf"([ ._\-+~()\[\]#]*)(?:({_HASH})|([A-Za-z]+)|([0-9]+(?:\.(?!{_HASH})[0-9]+)*))")
_WILD = re.compile(r"v?x+")
_REVISION = re.compile(r"[0-9]{1,2}(?:\.0)?")


@dataclass(frozen=True, slots=True)
class FirmwareKey(Key):
    """`order` holds the numbers without trailing zeros, then the parts; the rest is what an order must not be guessed from.

    `given`: how many numbers the string has. `second`: the second of them as written, '' for none. `lone`: one, with nothing before it.
    """

    given: int = field(compare=False)
    second: str = field(compare=False)
    lone: bool = field(compare=False)

    def compare(self, other: Key) -> int | None:
        """Give -1, 0 or 1, or None where the module's grammar has no order."""
        if not isinstance(other, FirmwareKey) or self.family != other.family:
            return None
        mine, theirs = self.order[0], other.order[0]
        if _may_be_decimals(self, other):
            return None
        if mine == theirs:
            return _compare_parts(self.order[1], other.order[1])
        place, a, b = _first_difference(mine, theirs)
        if self._is_open_at(place) or other._is_open_at(place) or _is_day(a) != _is_day(b):
            return None
        if place == 0 and ((self.lone and other.given > 1) or (other.lone and self.given > 1)):
            return None
        return 1 if a > b else -1

    def _is_open_at(self, place: int) -> bool:
        """Tell whether a number that the string does not write may be what its amendment or build stands for."""
        return place >= self.given and bool(self.order[1][0][0] > END)


def key(version: str) -> FirmwareKey | None:
    """Read a vendor's version of at most 255 ASCII characters; None when it has no order."""
    hexadecimal = _HEX.fullmatch(version)
    if hexadecimal is not None:
        return FirmwareKey(Scheme.FIRMWARE, "hex", ((int(hexadecimal[1], 16),), (_END,)), 1, "", False)
    try:
        plain = _PLAIN.fullmatch(version)
        if plain is not None:
            return _key([], plain[2], [], marked=bool(plain[1]))
        return _Reading(_TOKEN.findall(version)).key() if _SIGNS.fullmatch(version) else None
    except _NoOrderError:
        return None


def _key(names: list[str], written: str, parts: list[Part], *, marked: bool) -> FirmwareKey:
    """Make the key of numbers as written, '' for none, and of what stands around them."""
    texts = written.split(".") if written else []
    numbers = _numbers(texts)
    if len(texts) == 3 and len(texts[2]) == 4 and _is_day_first("".join(text.rjust(2, "0") for text in texts)):
        raise _NoOrderError  # 29.03.2007 is a day
    is_year = texts[:1] != [] and _is_year(texts[0])
    if is_year:
        names = [*names, "year"]
    while numbers and not numbers[-1]:
        numbers.pop()
    second = texts[1] if len(texts) > 1 else ""
    order = (tuple(numbers), (*parts, _END))
    return FirmwareKey(Scheme.FIRMWARE, " ".join(names), order, len(texts), second, len(texts) == 1 and not marked and not is_year)


class _NoOrderError(Exception):
    """The string has something that no order can be read from."""


class _Reading:
    """The tokens of one string, read from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._names: list[str] = []
        self._parts: list[Part] = []

    def key(self) -> FirmwareKey:
        """Read them all; raises _NoOrderError."""
        marked = not self._see()[3]
        numbers = self._read_prefix() if marked else self._next()[3]
        self._read_letter()
        if self._is_hardware(numbers):
            self._name(numbers)
            numbers = ""
        while self._at < len(self._tokens):
            self._read_part()
        if len(self._parts) > MAX_PARTS:
            raise _NoOrderError
        return _key(self._names, numbers, self._parts, marked=marked)

    def _is_hardware(self, numbers: str) -> bool:
        """Tell a number of the hardware by what follows: `3_230508`, `825_3.01`, `1.0 V15.03.06.28`."""
        _, _, word, following = self._see()
        if following:
            return "." not in numbers and not _is_year(numbers)
        return word.lower() in NOISE and _REVISION.fullmatch(numbers) is not None

    def _see(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _NO_TOKEN

    def _next(self) -> Token:
        token = self._see()
        self._at += 1
        return token

    def _name(self, word: str) -> None:
        if word in PROSE or len(self._names) >= MAX_NAMES or _WILD.fullmatch(word):
            raise _NoOrderError
        self._names.append(word)

    def _read_prefix(self) -> str:
        """Read up to the first numbers of the version, and give them."""
        marker = self._marker()
        while self._at < len(self._tokens):
            gap, commit, word, numbers = self._next()
            if self._at - 1 == marker:
                return self._next()[3]
            word = word.lower()
            if commit or word in PROSE:
                break
            if word in NOISE and self._see()[0]:
                continue
            attached = self._see()[3] if word and not self._see()[0] else ""
            if marker is not None:
                self._name(word + (self._next()[3] if attached else numbers))  # C1, 825
            elif numbers and gap:
                return numbers
            elif not word:
                break
            elif attached and (len(word) == 1 or word in AMENDMENTS):
                self._name(word)  # A17, SP3: the number is the version's
                return self._next()[3]
            elif attached:
                if rest := self._name_with_number(word):
                    return rest
            else:
                self._name(word)
        raise _NoOrderError

    def _name_with_number(self, word: str) -> str:
        """Read the number that is attached to a word as part of the name, and give what follows its dot: 05.09 of SS016.05.09."""
        own, _, rest = self._next()[3].partition(".")
        self._name(word + own)
        return rest

    def _marker(self) -> int | None:
        """Find the first `v`, `version`, `fw` or the like that stands before numbers."""
        for place, (token, following) in enumerate(pairwise(self._tokens)):
            if (token[0] or not place) and following[3] and len(following[0]) <= 2 and token[2].lower() in NOISE:
                return place
        return None

    def _read_letter(self) -> None:
        """Read the one letter that may be attached to numbers."""
        gap, _, letter, _ = self._see()
        if gap or len(letter) != 1:
            return
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else _NO_TOKEN
        if not following[0] or following[0][0] == ".":
            return  # 1.05B03; 9.1.0u.6619, where u is a name
        self._at += 1
        if letter in "xX":
            raise _NoOrderError
        self._parts.append((AFTER, "letter", (ord(letter),)) if letter.islower() else (BUILD, f"letter {letter}", ()))

    def _read_part(self) -> None:
        gap, commit, word, numbers = self._next()
        if "-" in gap and " " in gap:
            raise _NoOrderError  # 10.9 - 11.11 is a range
        if commit:
            self._parts.append((BUILD, f"hash {commit}", ()))
        elif numbers:
            self._add_group(numbers)
        else:
            self._read_word(word, gap)

    def _add_group(self, numbers: str) -> None:
        self._parts.append((BUILD, "", tuple(_numbers(numbers.split(".")))))
        self._read_letter()

    def _read_word(self, written: str, gap: str) -> None:
        attached = bool(self._see()[3]) and not self._see()[0]
        word = written.lower()
        if short := COMPOUNDS.get((word, self._see()[2].lower())):
            word, attached = short, False
            self._at += 1
        if word in NOISE and self._see()[3]:
            return
        if word in STAGES:
            self._parts.append((BEFORE, "stage", (STAGES[word], *self._read_numbers())))
        elif word in UNSTAGED:
            self._parts.append((BEFORE, word, self._read_numbers()))
        elif attached and written in ("p", "r"):
            self._build(written)  # 8.9p1, r12345: without its number it may be the same release
        elif (word in AMENDMENTS and self._see()[0][:1] != ".") or (attached and word == "r"):
            self._amend(AMENDMENTS.get(word, "release"))
        elif word in BUILDS and (attached or len(word) > 1):
            self._build(BUILDS[word])
        elif attached and len(word) == 1 and word != "x":
            self._name(word)  # V01L053, 15.2(7)E3: the letter is a name, its number counts
            self._build(word)
        elif " " in gap:
            raise _NoOrderError  # a word that stands apart is a remark, and may be a condition
        elif not attached:
            self._name(word)
        elif rest := self._name_with_number(word):
            self._add_group(rest)

    def _build(self, kind: str) -> None:
        self._parts.append((BUILD, kind, self._read_numbers()))
        self._read_letter()

    def _amend(self, kind: str) -> None:
        numbers = self._read_numbers()
        if numbers != (0,):  # SP0 is the release itself
            # `SP` without a number may be the first one, or any.
            self._parts.append((AFTER, kind if numbers else f"{kind} unnumbered", numbers))
        self._read_letter()

    def _read_numbers(self) -> tuple[int, ...]:
        """Read the numbers that follow, also behind `Nr.` and its like; () for none."""
        here = self._at
        if self._see()[2].lower() in NOISE:
            self._at += 1
        if not self._see()[3]:
            self._at = here
            return ()
        numbers = _numbers(self._next()[3].split("."))
        while len(numbers) > 1 and not numbers[-1]:
            numbers.pop()
        return tuple(numbers)


def _is_year(text: str) -> bool:
    return len(text) == 4 and int(text) in YEARS


def _numbers(texts: list[str]) -> list[int]:
    if any(len(text) == 8 and _is_day_first(text) for text in texts):
        raise _NoOrderError
    return [int(text) for text in texts]


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


def _may_be_decimals(one: FirmwareKey, other: FirmwareKey) -> bool:
    """Tell whether the second numbers order one way as numbers and another way as decimals, and one of them is padded like a decimal."""
    a, b = one.second, other.second
    if a == b or not (a and b) or 2 not in (one.given, other.given) or one.order[0][:1] != other.order[0][:1]:
        return False
    if not any(text[0] == "0" and len(text) > 1 for text in (a, b)):
        return False
    x, y = int(a), int(b)
    width = max(len(a), len(b))
    p, q = a.ljust(width, "0"), b.ljust(width, "0")
    return (x > y) - (x < y) != (p > q) - (p < q)


def _is_day(number: int) -> bool:
    """Tell a day, 20190819, from a count."""
    return number // 10_000 in YEARS and 1 <= number // 100 % 100 <= 12 and 1 <= number % 100 <= 31


def _is_day_first(text: str) -> bool:
    """Tell a day that is written day or month first in eight digits, 05032019: as a number it has no order."""
    if int(text[4:]) not in YEARS or _is_day(int(text)):
        return False
    month, day = sorted((int(text[:2]), int(text[2:4])))
    return 1 <= month <= 12 and day <= 31
