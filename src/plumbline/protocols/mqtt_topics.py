"""Topic shapes: what a topic is for, without whom it is about. Not here: the packets (`mqtt`).

A shape lets reports say `devices/{id}/events` where four thousand devices publish, and keeps no identifier (law 8).

    a level, or a part of it        becomes   example
    UUID                            {uuid}    6fa459ea-ee8a-3ca4-894e-db77e160355e
    MAC or EUI-64                   {mac}     24:a4:3c:10:00:01, 24A43C100001
    8 or more hex digits            {hex}     deadbeef01
    the level after a plural word   {id}      devices/boiler/... -> devices/{id}/...
    mixed or long (a random token)  {id}      x7Gq2Lz9, anything above 32 characters, anything with an @
    a run of decimal digits         {n}       room12 -> room{n}

A word spelt out in letters stays as it is: nothing tells `kitchen` from a name.
"""

from __future__ import annotations

import re

MAX_LEVELS = 16  # what follows is cut to `...`; real topics have fewer than ten levels
_LONGEST_WORD = 32

_UUID = re.compile(r"\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?", re.IGNORECASE)
_MAC = re.compile(r"(?:[0-9a-f]{2}([:\-.]))(?:[0-9a-f]{2}\1){4,6}[0-9a-f]{2}|[0-9a-f]{12}|[0-9a-f]{16}", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?[0-9a-f]{8,}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")
_HOLDERS = frozenset({"devices", "things", "clients", "users", "gateways", "nodes", "sensors", "tenants", "meters", "accounts"})


def topic_shape(topic: str) -> str:
    """Replace whatever looks like an identifier in a topic name or filter by a placeholder."""
    levels = topic.split("/", MAX_LEVELS)
    shaped: list[str] = []
    for index, level in enumerate(levels[:MAX_LEVELS]):
        held = index > 0 and levels[index - 1].lower() in _HOLDERS
        shaped.append(_level_shape(level, held=held))
    return "/".join(shaped) + ("/..." if len(levels) > MAX_LEVELS else "")


def _level_shape(level: str, *, held: bool) -> str:
    if not level or level in ("+", "#") or level.startswith("$"):
        return level if len(level) <= _LONGEST_WORD else "{id}"
    if _UUID.fullmatch(level):
        return "{uuid}"
    if _DIGITS.fullmatch(level):
        return "{n}"
    if _MAC.fullmatch(level):
        return "{mac}"
    if _HEX.fullmatch(level) and any(character.isdigit() for character in level):
        return "{hex}"
    if held or len(level) > _LONGEST_WORD or "@" in level:
        return "{id}"
    shaped, runs = _DIGITS.subn("{n}", level)
    return shaped if runs < 2 or _parts_are_words(level) else "{id}"


def _parts_are_words(level: str) -> bool:
    """Whether digits stand only at the ends of parts, as in `line-7_cell-12`, and not inside a token."""
    return all(re.fullmatch(r"[^\W\d]*\d*", part) for part in re.split(r"[-_. ]", level))
