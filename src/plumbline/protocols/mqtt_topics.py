"""Topic shapes: what a topic is for, without whom it is about. Not here: the packets (`mqtt`).

A shape lets reports say `devices/+/events` where four thousand devices publish, and keeps no identifier (law 8). These
become `+`, the whole level or the part of it that is named:

    UUID                                       6fa459ea-ee8a-3ca4-894e-db77e160355e
    MAC or EUI-64                              24:a4:3c:10:00:01, 24A43C100001
    8 or more hex digits, one a decimal digit  deadbeef01
    the level after a plural word              devices/boiler/events -> devices/+/events
    a random or long token                     x7Gq2Lz9, anything above 32 characters, anything with an @
    a run of decimal digits in a word          room12 -> room+

A word spelt out in letters stays as it is: nothing tells `kitchen` from a name.
"""

from __future__ import annotations

import re

MAX_LEVELS = 16  # what follows is cut to `...`; real topics have fewer than ten levels
_LONGEST_WORD = 32

_UUID = re.compile(r"\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?", re.IGNORECASE)
_MAC = re.compile(r"[0-9a-f]{2}([:\-.])(?:[0-9a-f]{2}\1){4,6}[0-9a-f]{2}|[0-9a-f]{12}|[0-9a-f]{16}", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?(?=[a-f]*[0-9])[0-9a-f]{8,}", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_PART = re.compile(r"[^\W\d_]*\d*")  # letters, then digits: a word, with or without a number behind it
_SEPARATOR = re.compile(r"[-_. :]")
_HOLDERS = frozenset({"devices", "things", "clients", "users", "gateways", "nodes", "sensors", "tenants", "meters", "accounts"})


def topic_shape(topic: str) -> str:
    """Replace whatever looks like an identifier in a topic name or filter by `+`."""
    levels = topic.split("/", MAX_LEVELS)
    shaped: list[str] = []
    for index, level in enumerate(levels[:MAX_LEVELS]):
        held = index > 0 and levels[index - 1].lower() in _HOLDERS
        shaped.append(_level_shape(level, held=held))
    return "/".join(shaped) + ("/..." if len(levels) > MAX_LEVELS else "")


def _level_shape(level: str, *, held: bool) -> str:
    if level in ("", "#"):
        return level
    if held or len(level) > _LONGEST_WORD or "@" in level or any(pattern.fullmatch(level) for pattern in (_UUID, _MAC, _HEX)):
        return "+"
    shaped, runs = _DIGITS.subn("+", level)
    words = all(_PART.fullmatch(part) for part in _SEPARATOR.split(level.removeprefix("$")))
    return shaped if runs == 0 or words else "+"
