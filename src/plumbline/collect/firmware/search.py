"""Searches bytes for images at any offset: behind a vendor's header, behind another image, one after the other in a flash dump.

Not the opening of what a layer begins with (`unpack`). Rules: only formats whose magic and own word are strong enough (`embedded`) are
searched for; what turns out to be no such thing is passed over, and so stays part of what nothing was found in; what was found is opened
once; the search goes on behind it, so that nothing is found in what was opened; a search that is cut short says so in `problem`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from plumbline.collect.firmware.format import Format, Opened, candidates, load_formats
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source, UnsupportedImageError
from plumbline.model.errors import ProtocolError

SEARCHED_MAX = 4 << 30  # bytes; of those that are stored
HITS_MAX = 10_000  # magics that are tried, and one more for each 4 KiB
FAILURES_MAX = 200  # of one format, which took it for its own and could not open it
CHANCE_MAX = 64 << 10  # a stream that breaks off before it gave as much may have been no stream at all
_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class Find:
    """One image at offset `at`, up to `end`; `opened` is None where it is known and not handled, for the reason `problem`."""

    at: int
    end: int
    format: Format
    opened: Opened | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Magics:
    """What is searched for: a pattern for how they begin, and by their first two bytes each magic with the offset at which it stands."""

    pattern: re.Pattern[bytes]
    by_start: Mapping[bytes, list[tuple[int, bytes, Format]]]
    longest: int


@cache
def _magics() -> _Magics:
    """Give the magics of all formats that are searched for.

    One pattern that tries the first byte before anything else takes a fifth of the time that as many searches as magics take.
    """
    by_start: dict[bytes, list[tuple[int, bytes, Format]]] = {}
    begins: dict[bytes, set[bytes]] = {}
    for each in load_formats().values():
        for place, magic in each.magics if each.embedded else ():
            by_start.setdefault(magic[:2], []).append((place, magic, each))
            begins.setdefault(magic[:1], set()).add(re.escape(magic[1:4]))
    pattern = b"|".join(re.escape(first) + b"(?=" + b"|".join(sorted(rest)) + b")" for first, rest in sorted(begins.items()))
    longest = max(len(magic) for found in by_start.values() for _, magic, _ in found)
    return _Magics(re.compile(pattern, re.DOTALL), by_start, longest)


class Search:
    """One search of a source, from an offset on."""

    def __init__(self, source: Source, start: int, budget: Budget, stop: Callable[[], bool]) -> None:
        self._source = source
        self._start = start
        self._budget = budget
        self._stop = stop
        self._failed: Counter[str] = Counter()
        self.problem: str | None = None

    def finds(self) -> Iterator[Find]:
        """Yield what is found, in order; raises BudgetSpentError."""
        first = self._first() if self._start else None
        if first is not None:
            yield first
        taken = self._start + 1 if first is None else first.end
        hits = HITS_MAX + (self._source.size >> 12)
        at, left = taken, SEARCHED_MAX
        while (at := at + self._source.unstored(at)) < self._source.size:
            if self._stop():
                return
            left -= _BLOCK
            if left < 0:
                self.problem = f"only {SEARCHED_MAX >> 30} GB of it were searched"
                return
            for offset, each in self._hits(at):
                if offset < taken:
                    continue
                hits -= 1
                if hits < 0:
                    self.problem = f"holds too many beginnings of images: from {offset:#x} on it was not searched"
                    return
                found = self._try(each, offset)
                if found is not None:
                    yield found
                    taken = found.end
            at = max(at + _BLOCK, taken)

    def _first(self) -> Find | None:
        """What begins at once may be of any format, as what a file begins with."""
        for each in candidates(self._source.slice(self._start)):
            found = self._try(each, self._start)
            if found is not None:
                return found
        return None

    def _hits(self, at: int) -> list[tuple[int, Format]]:
        """Where images may begin whose magic begins in one block."""
        wanted = _magics()
        window = self._source.some(at, _BLOCK + wanted.longest - 1)
        hits: list[tuple[int, int, str, Format]] = []
        for match in wanted.pattern.finditer(window, 0, min(_BLOCK + 3, len(window))):
            found = match.start()
            for place, magic, each in wanted.by_start[window[found : found + 2]] if found < _BLOCK else ():
                if window.startswith(magic, found):
                    hits.append((at + found - place, -len(magic), each.id, each))
        return [(offset, each) for offset, _, _, each in sorted(hits, key=lambda hit: hit[:3]) if offset >= 0]

    def _try(self, each: Format, offset: int) -> Find | None:
        source = self._source.slice(offset)
        if self._failed[each.id] >= FAILURES_MAX or not each.recognises(source):
            return None
        try:
            opened = each.open(source, self._budget)
        except BudgetSpentError:
            raise
        except UnsupportedImageError as error:
            return Find(offset, offset + 1, each, None, str(error))
        except ProtocolError:
            self._failed[each.id] += 1
            if self._failed[each.id] == FAILURES_MAX:
                self.problem = f"holds too much that begins like {each.title} and is none: after {offset:#x} none was looked for"
            return None
        if not opened.problems:
            return Find(offset, offset + max(1, source.size if opened.size is None else opened.size), each, opened)
        if opened.compression is not None and opened.files is None and sum(part.source.size for part in opened.parts) < CHANCE_MAX:
            return None
        return Find(offset, offset + max(1, opened.size or 0), each, opened)
