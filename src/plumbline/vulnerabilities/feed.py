"""What a feed is, and how feeds are found: each module of `feeds` with a FEED.

A feed reads values (JSON, YAML) or the lines of a table. Not the reading of files (`documents`) nor their keeping (`storing`). Rules: a
value is of exactly one feed, told by its content; a reader gives records and what it did not take, or raises ProtocolError for a value of
which nothing can be taken; nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from plumbline.model.errors import InternalError
from plumbline.vulnerabilities.facts import Record, Unread

PROVIDER_MAX = 40
Read = Iterator[Record | Unread]


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed. Of `values` and `lines` one is given; `whole`: an import takes the place of the last one, for entries may be taken back."""

    id: str  # the module's name, and the source's unless its records have providers
    kind: str  # as `Source.kind` has it
    title: str
    licence: str | None = None
    whole: bool = False
    recognises: Callable[[Any], bool] | None = None
    values: Callable[[Any], Read] | None = None
    lines: Callable[[Iterable[str]], Read] | None = None

    def source_id(self, provider: str) -> str:
        """Name the source of a provider's records."""
        word = re.sub(r"[^a-z0-9]+", "-", provider.lower())[:PROVIDER_MAX].strip("-")
        return f"{self.id}.{word}" if word else self.id


@cache
def load_feeds() -> Mapping[str, Feed]:
    """All feeds by id; raises InternalError naming a module that has none."""
    from plumbline.vulnerabilities import feeds

    found = {}
    for info in pkgutil.iter_modules(feeds.__path__):
        feed = getattr(importlib.import_module(f"{feeds.__name__}.{info.name}"), "FEED", None)
        if not isinstance(feed, Feed) or feed.id != info.name or (feed.values is None) == (feed.lines is None):
            raise InternalError(f"{feeds.__name__}.{info.name} has no FEED of that name")
        found[feed.id] = feed
    return found


def feed_of(value: Any) -> Feed | None:
    """Tell of which feed a value is; None when of none."""
    return next((feed for feed in load_feeds().values() if feed.recognises is not None and feed.recognises(value)), None)
