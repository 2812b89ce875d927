"""Takes typed values out of a TOML file of ours, and refuses one that is not as it should be.

Not for what a user writes: a bad file here is a defect of ours, an InternalError that names file and key. Rules: the caller names every
key that may stand there; a text is one line.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from plumbline.model.errors import InternalError

Word = TypeVar("Word", bound=StrEnum)


class TomlFile:
    """One file of ours, read strictly: takes typed values out of it, and raises InternalError naming file and key."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        try:
            self.data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InternalError(f"{name}: cannot be read as TOML: {error}") from error

    def refuse(self, key: str, message: str) -> NoReturn:
        """Raise the error for one key."""
        raise InternalError(f"{self.name}: {key}: {message}")

    def known(self, data: Mapping[str, Any], keys: set[str], above: str = "") -> None:
        """Refuse a table that has a key which is none of `keys`."""
        for key in sorted(data.keys() - keys):
            near = difflib.get_close_matches(key, keys, n=1)
            self.refuse(above + key, "unknown key" + (f"; did you mean {near[0]}?" if near else ""))

    def text(self, data: Mapping[str, Any], key: str, limit: int, above: str = "") -> str:
        """Take a text of one line that must be there."""
        value = data.get(key)
        if not isinstance(value, str) or not value:
            self.refuse(above + key, "missing" if value is None else "must be a text that is not empty")
        if len(value) > limit:
            self.refuse(above + key, f"{len(value)} characters; at most {limit}")
        if value != value.strip() or not value.isprintable():
            self.refuse(above + key, "must be one line without spaces around it")
        return value

    def texts(self, data: Mapping[str, Any], key: str, above: str = "") -> tuple[str, ...]:
        """Take a list of texts, each once, that is not empty."""
        value = data.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            self.refuse(above + key, "must be a list of texts that is not empty")
        if len(set(value)) != len(value):
            self.refuse(above + key, "names one entry twice")
        return tuple(value)

    def word(self, data: Mapping[str, Any], key: str, words: type[Word], above: str = "") -> Word:
        """Take one word of a closed vocabulary."""
        value = data.get(key)
        if not isinstance(value, str) or value not in set(words):
            self.refuse(above + key, "missing" if value is None else f"{value!r} is none of {', '.join(words)}")
        return words(value)

    def table(self, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Take a table, empty where there is none."""
        value = data.get(key, {})
        if not isinstance(value, dict):
            self.refuse(key, "must be a table")
        return value
