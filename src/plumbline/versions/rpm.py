"""Versions of RPM packages: `[epoch:]version[-release]`, ordered by rpmvercmp (rpm-version(7); lib/rpmvercmp.c of rpm 4.18).

| piece | order |
|---|---|
| `~` | before everything, the end too |
| the end | |
| `^` | after the end, before everything else |
| letters | by ASCII, before numbers |
| digits | as a number |

Everything else only separates. An absent epoch is 0; an absent release sorts before any.
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"(?:([0-9]{1,10}):)?([A-Za-z0-9._+~^%{}]+)(?:-([A-Za-z0-9._+~^%{}]+))?")
_PIECE = re.compile(r"([0-9]+)|([A-Za-z]+)|([~^])")
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)
Piece = str | int


def order(version: str) -> tuple[int, tuple[Piece, ...], tuple[Piece, ...]] | None:
    """Order a version of an RPM package; None when it is none."""
    parts = _VERSION.fullmatch(version)
    return None if parts is None else (int(parts[1] or 0), _pieces(parts[2]), _pieces(parts[3]) if parts[3] else ())


def upstream(version: str) -> str:
    """Cut epoch and release off."""
    parts = _VERSION.fullmatch(version)
    return version if parts is None else parts[2]


def _pieces(part: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for digits, letters, sign in _PIECE.findall(part):
        if digits:
            pieces += (_NUMBER, int(digits))
        elif letters:
            pieces += (_LETTERS, letters)
        else:
            pieces.append(_TILDE if sign == "~" else _CARET)
    return (*pieces, _END)
