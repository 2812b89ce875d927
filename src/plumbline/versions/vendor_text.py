"""Ranges in vendors' own words, as advisories carry them: `< V15.1 Upd 4`, `All versions < V2.0`, `V2.8.0 and later`.

| written | meant |
|---|---|
| `all versions`, `*` | every version |
| `< V2.0`, `prior to V2.0`, `versions before V2.0`, `earlier than V2.0` | below it |
| `<= V2.0`, `V2.0 and prior`, `V2.0 or earlier`, `up to and including V2.0`, `through V2.0` | up to it |
| `>= V2.0`, `V2.0 and later`, `V2.0 or newer`, `from V2.0`, `since V2.0` | from it on |
| `> V2.0`, `later than V2.0` | above it |
| `>= V7.80 < V9.30`, `>= 1.0 | <= 1.32`, `> 3.0 and < 4.0` | between the two: a lower and the upper bound behind it belong together |
| `1.0 - 2.3`, `1.0 to 2.3`, `from 1.0 through 2.3` | between the two, both belong to it |
| `between V3.0 (including) and V3.0.2 (excluding)` | as it says |
| `2.2.5 <= 2.2.5.1`, `V7.1 < V7.1 Upd3` | from the first on, up to or below the second |
| `1.x`, `<= 5.x`, `>= 6.x` | from 1.0 below 2.0; below 6.0; from 6.0 on |
| `V8.1, V8.2 and V8.4`, `1.2 | 1.3` | these alone |

Underscores may stand for spaces. `All versions`, `versions`, `version` and `firmware` before the rest are read over.

What else the text holds is a remark, often a condition (`only if web components are used`), another product's version (`with WinCC V7.3`),
or a date: refused. So are lists behind `<` (`< 1.99 | 2.20` fixes two branches), `up to 2.0` (with it, or without?), two words of a
product before the version, and a service pack without what it amends (`<= SP1`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from plumbline.versions.constraints import Constraint, NotParsedError, to_intervals
from plumbline.versions.firmware_words import AMENDMENTS
from plumbline.versions.interval import Interval
from plumbline.versions.order import sort_key
from plumbline.versions.scheme import Scheme

_ALL = re.compile(r"\*|(?:all|any)(?: firmware)?(?: versions?)?", re.IGNORECASE)
_SCOPE = re.compile(r"(?:(?:all|any) )?(?:firmware )?versions?(?=[ :<>=≤≥]) *:? *", re.IGNORECASE)
_OF_VERSIONS = r"(?: (?:firmware )?versions?)?"
_WORDS: tuple[tuple[str, str], ...] = (
    (r"<=|=<|≤", "<="),
    (r">=|=>|≥", ">="),
    (r"<", "<"),
    (r">", ">"),
    (r"==?", "="),
    (r"!=", "!="),
    (r"(?:prior to|before|(?:earlier|older|lower|less) than)(?= )", "<"),
    (r"(?:later|newer|higher|greater) than(?= )", ">"),
    (r"(?:(?:and|,|or) )?(?:up )?to (?:and )?including(?= )", "to"),
    (r"(?:through|thru|to)(?= )", "to"),
    (r"(?:starting )?(?:from|since)(?= )", ">="),
    (rf"(?:and|or) (?:all )?(?:prior|earlier|previous|older|below|lower){_OF_VERSIONS}(?=$|[ ,|;])", "and earlier"),
    (rf"(?:and|or) (?:all )?(?:later|newer|above|higher|subsequent|onwards|up){_OF_VERSIONS}(?=$|[ ,|;])", "and later"),
    (r"between(?= )", "between"),
    (r"\((?:including|inclusive)\)", "including"),
    (r"\((?:excluding|exclusive)\)", "excluding"),
    (r"\|\|?|;|,|and(?= )|or(?= )", "|"),
    (r"[-–—](?= )", "to"),
    (r"versions?(?= )", ""),
)
_TOKEN = re.compile("|".join(f"(?P<w{place}>{pattern})" for place, (pattern, _) in enumerate(_WORDS)), re.IGNORECASE)
_WILD = re.compile(r"([vV]?)([0-9]{1,9}(?:\.[0-9]{1,9})*)((?:\.[xX*])+)")
_TWO_VERSIONS = re.compile(r"[0-9] +[0-9]+\.[0-9]")
_COMPARATORS = ("<", "<=", ">", ">=", "!=", "=")
_SIGNS = "<>=!|,;≤≥("
_LEADING_WORD = re.compile(r"[A-Za-z]{2,}")
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}[0-9]* +(?!(?:v|ver|version|fw|firmware)\b)[A-Za-z]+[0-9]* +\S", re.IGNORECASE)

Token = tuple[str, str]  # a word's meaning and '', or 'version' and its text


def parse(text: str, scheme: Scheme) -> tuple[Interval, ...]:
    """Read a range; raises NotParsedError."""
    text = text.strip(" _")
    plain = _plain(text, scheme)
    if _ALL.fullmatch(plain):
        return (Interval(),)
    scope = _SCOPE.match(plain)
    start = scope.end() if scope else 0
    tokens = [(meaning, text[begin:end]) for meaning, begin, end in _tokens(plain, start)]
    return to_intervals(_Row(tokens, scheme).constraints(), scheme)


def _plain(text: str, scheme: Scheme) -> str:
    """Write spaces for underscores, place for place; only vendors' strings use one for the other."""
    return text.replace("_", " ") if scheme is Scheme.FIRMWARE else text


def _tokens(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Cut text into words of ranges and what stands between them: meaning, begin, end."""
    at = start
    while at < len(text):
        # A word begins after a space: `5.3-4` and `V2 Border` hold none.
        found = _TOKEN.match(text, at) if at == 0 or text[at - 1] == " " or text[at] in _SIGNS else None
        meaning = "" if found is None else _WORDS[int((found.lastgroup or "w0")[1:])][1]
        is_version = bool(text[start:at].strip())
        if found is None or (not meaning and is_version):
            at += 1
            continue
        if is_version:
            yield "version", start, at
        start = at = found.end()
        if meaning:
            yield meaning, start, start
    if text[start:].strip():
        yield "version", start, len(text)


class _Row:
    """Tokens, read from left to right into constraints."""

    def __init__(self, tokens: list[Token], scheme: Scheme) -> None:
        self._tokens = tokens
        self._at = 0
        self._scheme = scheme
        self._found: list[Constraint] = []
        self._excludes = False  # the last comparator that was written is <

    def constraints(self) -> list[Constraint]:
        """Read them all; raises NotParsedError at the first that fits nowhere."""
        self._read_one()
        while self._at < len(self._tokens):
            self._accept("|")
            self._read_one()
        return self._found

    def _accept(self, *meanings: str) -> str:
        """Step over the next token if it is one of these, and give its meaning, else ''."""
        if self._at < len(self._tokens) and self._tokens[self._at][0] in meanings:
            self._at += 1
            return self._tokens[self._at - 1][0]
        return ""

    def _version(self) -> str:
        if not self._accept("version"):
            seen = self._tokens[self._at][0] if self._at < len(self._tokens) else "the end"
            raise NotParsedError(f"{seen!r} stands where a version should")
        return self._tokens[self._at - 1][1].strip(" _").rstrip("-_. ")

    def _read_one(self) -> None:
        if comparator := self._accept(*_COMPARATORS):
            self._excludes = comparator == "<"
            self._add(comparator, self._version())
            if comparator in (">", ">=") and self._accept("to"):
                self._add("<=", self._version())
        elif self._accept("to"):
            self._add("<=", self._version())
        elif self._accept("between"):
            self._read_between()
        else:
            self._read_bare(self._version())

    def _read_bare(self, version: str) -> None:
        """Read what follows a version that has no comparator before it."""
        if self._accept("and earlier"):
            self._add("<=", version)
        elif self._accept("and later"):
            self._add(">=", version)
        elif self._accept("to"):
            self._add(">=", version)
            self._add("<=", self._version())
        elif comparator := self._accept("<", "<="):
            self._excludes = comparator == "<"
            self._add(">=", version)
            self._add(comparator, self._version())
        elif self._excludes:
            raise NotParsedError(f"{version[:60]!r} alone, behind a version that is excluded, may be the end of another branch")
        else:
            self._add("=", version)

    def _read_between(self) -> None:
        for closed, opened in ((">=", ">"), ("<=", "<")):
            version = self._version()
            marker = self._accept("including", "excluding")
            if not marker:
                raise NotParsedError("does not say whether the bounds belong to it")
            self._add(closed if marker == "including" else opened, version)
            if closed == ">=" and not self._accept("|"):
                raise NotParsedError("is between one bound and nothing")

    def _add(self, comparator: str, version: str) -> None:
        wild = _WILD.fullmatch(version) if self._scheme is Scheme.FIRMWARE else None
        if wild is None:
            self._check(version)
            self._found.append(Constraint(comparator, version))
            return
        mark, numbers = wild[1], wild[2]
        last = numbers.rpartition(".")
        # Below the pre-releases of the next: 2.0-rc1 is no 1.x.
        end = Constraint("<", f"{mark}{last[0]}{last[1]}{int(last[2]) + 1}.0-alpha")
        start = Constraint(">=", f"{mark}{numbers}.0")
        if comparator not in ("=", "<=", ">="):
            raise NotParsedError(f"{comparator}{version[:60]} has no one meaning")
        self._found += {"=": [start, end], "<=": [end], ">=": [start]}[comparator]

    def _check(self, version: str) -> None:
        """Refuse what has an order and still is not this product's version."""
        if self._scheme is not Scheme.FIRMWARE:
            return
        plain = _plain(version, self._scheme)
        if sort_key(plain, self._scheme) is None:
            raise NotParsedError(f"{version[:60]!r} has no order as firmware")
        word = _LEADING_WORD.match(plain)
        if word is not None and word[0].lower() in AMENDMENTS:
            raise NotParsedError(f"{version[:60]!r} does not say what it amends")
        if _TWO_WORDS.match(plain):
            raise NotParsedError(f"{version[:60]!r} begins with a product's name")
        if _TWO_VERSIONS.search(version):
            raise NotParsedError(f"{version[:60]!r} may be two versions")
