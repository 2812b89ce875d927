"""What a header says, made fit to be shown: text out of fixed fields, settings without their secrets, times.

Not a parser: every format reads its own fields. Rules: what is shown is short and can be printed; a setting whose name or form says that it
is a secret is shown as `(secret)` (law 8).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from plumbline.collect.secrets_in_text import has_secret_form, is_secret

TEXT_MAX = 256  # characters of one text that a header shows
LINE_MAX = 2048  # of a command line
SECRET = "(secret)"
_WORD = re.compile(r"\S+")


def text_of(raw: bytes, most: int = TEXT_MAX) -> str | None:
    """Give the text of a field up to its first NUL, at most `most` characters; None when nothing is left to show."""
    return shown(raw.split(b"\0", 1)[0][: 4 * most].decode("utf-8", "replace"), most)


def shown(text: str, most: int = TEXT_MAX) -> str | None:
    """Give a text without what cannot be printed, cut to `most` characters; None when nothing is left."""
    plain = "".join(character if character.isprintable() else " " for character in text[: 4 * most])
    return plain.strip()[:most].rstrip() or None


def setting(name: str, value: str, most: int = TEXT_MAX) -> str:
    """Give the value of a setting, or `(secret)`."""
    return SECRET if is_secret(name, value) else command_line(value, most)


def command_line(text: str, most: int = LINE_MAX) -> str:
    """Give a command line of words `name=value`, each value that is a secret shown as such."""
    plain = _WORD.sub(_plain_word, shown(text, most) or "")
    return SECRET if has_secret_form(plain) else plain


def _plain_word(match: re.Match[str]) -> str:
    name, equals, value = match[0].partition("=")
    return f"{name}={SECRET}" if equals and is_secret(name, value.strip("\"';")) else match[0]


def time_of(seconds: int) -> datetime | None:
    """Give a time in seconds since 1970 of at most 32 bits; None for zero, which stands for none."""
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1 << 32 else None
