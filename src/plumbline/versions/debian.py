"""Versions of Debian packages, and of opkg's: `[epoch:]upstream[-revision]` (Debian Policy 5.6.12).

| part | what | order |
|---|---|---|
| epoch | digits, absent is 0 | as a number |
| upstream | letters, digits, `. + - ~`, and `:` after an epoch | in turn: what is no digit, as text; digits, as a number |
| revision | letters, digits, `. + ~`, after the last `-`; absent is 0 | the same |

In text `~` sorts before the end, the end before letters, letters before all else. That an upstream part starts with a digit is only
recommended ("should"), and opkg's feeds have `git-24.086.45142-09d5a38`: it is not asked for.
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"(?:([0-9]{1,10}):)?([A-Za-z0-9.+~:-]+?)(?:-([A-Za-z0-9.+~]+))?")
_REPACKED = re.compile(
    r"[.+~-]?(?:dfsg|ds|repack)[0-9.]*$"
)  # new names of a source whose non-free parts were taken out (Policy 3.2.1, habit)
_PIECE = re.compile(r"([^0-9]*)([0-9]*)")
_END = "\x02"
_WEIGHTS = {ord("~"): 1, **{ord(letter): 0x100 + ord(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}} | {
    ord(sign): 0x200 + ord(sign) for sign in ".+-:"
}
Piece = str | int


def order(version: str) -> tuple[int, tuple[Piece, ...], tuple[Piece, ...]] | None:
    """Order a version of a Debian package; None when it is none."""
    parts = _split(version)
    if parts is None:
        return None
    return int(parts[1] or 0), _pieces(parts[2]), _pieces(parts[3] or "0")


def upstream(version: str) -> str:
    """Cut off what Debian added: epoch, revision, the marks of a repacked source; what was rolled back to where `+really` says so."""
    parts = _split(version)
    if parts is None:
        return version
    return _REPACKED.sub("", parts[2].rpartition("+really")[2]) or parts[2]


def _split(version: str) -> re.Match[str] | None:
    parts = _VERSION.fullmatch(version)
    # A colon needs an epoch before it, a hyphen a revision behind it.
    if parts is None or (":" in parts[2] and parts[1] is None) or ("-" in parts[2] and parts[3] is None):
        return None
    return parts


def _pieces(part: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for text, digits in _PIECE.findall(part):
        if text or digits:
            pieces += (text.translate(_WEIGHTS) + _END, int(digits or 0))
    return (*pieces, _END)
