"""YAML of hostile files, read as if it were JSON: mappings of texts, lists, texts, booleans, null.

Not YAML in full. Rules (law 7): no aliases, which a few lines can make grow without end; no tags, which make objects; depth and number of
values are capped. Numbers and times stay text, for what is written without quotes is as a rule a version, and 1.10 is not 1.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from plumbline.model.errors import ProtocolError

DEPTH_MAX = 64
VALUES_MAX = 500_000
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_YAML: Any = yaml  # its C parser is there only where the package was built with it, which no type says
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Iterator[Any]:
    """Give the documents of a text; raises ProtocolError for what is not YAML, or more of it than JSON has."""
    try:
        events = _YAML.parse(text, Loader=_LOADER)
        counted = _counted(events)
        for event in counted:
            if isinstance(event, yaml.DocumentStartEvent):
                yield _value(next(counted), counted, 0)
    except yaml.YAMLError as error:
        raise ProtocolError(f"not YAML: {' '.join(str(error).split())[:200]}") from error
    except (ValueError, StopIteration, RecursionError) as error:  # a date's pattern, a text of odd characters
        raise ProtocolError(f"not YAML: {str(error)[:200]}") from error


def _counted(events: Iterator[Any]) -> Iterator[Any]:
    for number, event in enumerate(events):
        if number > 2 * VALUES_MAX:
            raise ProtocolError(f"YAML of more than {VALUES_MAX} values")
        yield event


def _value(event: Any, events: Iterator[Any], depth: int) -> Any:
    if depth > DEPTH_MAX:
        raise ProtocolError("YAML that is nested too deeply")
    if isinstance(event, yaml.AliasEvent):
        raise ProtocolError("YAML with aliases")
    if getattr(event, "tag", None) not in (None, "!"):
        raise ProtocolError("YAML with tags")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        return list(_members(events, yaml.SequenceEndEvent, depth))
    if isinstance(event, yaml.MappingStartEvent):
        members = list(_members(events, yaml.MappingEndEvent, depth))
        if not all(isinstance(key, str) for key in members[::2]):
            raise ProtocolError("YAML with a key that is no text")
        return dict(zip(members[::2], members[1::2], strict=True))
    raise ProtocolError("not YAML: a value is missing")


def _members(events: Iterator[Any], end: type[Any], depth: int) -> Iterator[Any]:
    for event in events:
        if isinstance(event, end):
            return
        yield _value(event, events, depth + 1)


def _scalar(event: Any) -> Any:
    return _WORDS.get(event.value, event.value) if event.implicit[0] else event.value
