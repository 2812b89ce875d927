"""Needles in many files at once: which of a few hundred short words stand where.

Not a judge of what a needle means; that is for those who asked for it (`inspectors`). Rules: a batch of files is cut into pieces that
overlap by the longest needle; RE2's automaton, as pyarrow has it, says which pieces hold any needle, at about 400 MB a second however many
needles there are; only those pieces are searched needle by needle. What a file may hold of one needle is capped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

PIECE = 4096
HITS_MAX = 1_000  # of one needle in one file

Hits = Mapping[bytes, Sequence[int]]  # offsets by needle; a needle that is not there has no entry


class Needles:
    """A set of needles: ASCII, of three bytes or more."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self._needles = sorted(set(needles))
        self._overlap = max(map(len, self._needles), default=1) - 1
        self._any = pc.MatchSubstringOptions("|".join(re.escape(needle.decode("ascii")) for needle in self._needles))

    def find(self, batch: Sequence[bytes]) -> list[Hits]:
        """Give the hits in each file of a batch, of each needle the first ones."""
        found: list[dict[bytes, list[int]]] = [{} for _ in batch]
        places = [(number, at) for number, data in enumerate(batch) for at in range(0, len(data), PIECE)]
        pieces = [batch[number][at : at + PIECE + self._overlap] for number, at in places]
        if not self._needles or not pieces:
            return list(found)
        held = pc.match_substring_regex(pa.array(pieces, pa.large_binary()), options=self._any)
        for index in pc.indices_nonzero(held).to_pylist():
            number, at = places[index]
            self._search(pieces[index], at, found[number])
        return list(found)

    def _search(self, piece: bytes, at: int, found: dict[bytes, list[int]]) -> None:
        for needle in self._needles:
            place = piece.find(needle)
            while 0 <= place < PIECE:  # one that begins later is the next piece's
                hits = found.setdefault(needle, [])
                if len(hits) >= HITS_MAX:
                    break
                hits.append(at + place)
                place = piece.find(needle, place + 1)
