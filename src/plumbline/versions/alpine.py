"""Versions of Alpine packages: `number{.number}{letter}{_suffix{number}}{~hash}{-r#}` (apk-package(5), Package names and versions).

| what follows equal parts | order |
|---|---|
| `_alpha` `_beta` `_pre` `_rc` | before the end, in this order |
| the end | |
| `-r#`; `~hash`; a suffix's number; `_cvs` `_svn` `_git` `_hg` `_p`; a letter; another number | after it, kind after kind |

A number behind a dot compares as text where either side starts with 0 (apk-tools 3, src/version.c): `8.2.0015` is before `8.2.002`.
"""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~([0-9a-f]+))?(?:-r([0-9]+))?"
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")
_SUFFIXES = ("alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p")
_PRE_RELEASES = 4
_PRE, _END, _REVISION, _HASH, _SUFFIX_NUMBER, _POST, _LETTER, _NUMBER = range(-1, 7)
Piece = str | int | tuple[int, str | int]


def order(version: str) -> tuple[Piece, ...] | None:
    """Order a version of an Alpine package; None when it is none."""
    parts = _VERSION.fullmatch(version)
    if parts is None:
        return None
    first, more, letter, suffixes, commit, revision = parts.groups()
    pieces: list[Piece] = [int(first)]
    for number in more.split(".")[1:]:
        # All that start with 0 sort before the others in either reading, so one key does for both.
        pieces += (_NUMBER, (0, number) if number[0] == "0" else (1, int(number)))
    if letter:
        pieces += (_LETTER, letter)
    for name, number in _SUFFIX.findall(suffixes):
        place = _SUFFIXES.index(name)
        pieces += (_PRE if place < _PRE_RELEASES else _POST, place)
        if number:
            pieces += (_SUFFIX_NUMBER, int(number))
    if commit is not None:
        pieces += (_HASH, commit)
    if revision is not None:
        pieces += (_REVISION, int(revision))
    return (*pieces, _END)


def upstream(version: str) -> str:
    """Cut commit and revision off."""
    return re.split(r"~|-r", version, maxsplit=1)[0] if _VERSION.fullmatch(version) else version
