"""A tree over rows by which one of them can be shown, field by field, without showing anything of the others.

| what | bytes |
|---|---|
| a field | its name and value as canonical JSON: `"asset":"host:h/10.0.0.9"` |
| commitment | SHA-256(0x02, 16 bytes of salt, the field) |
| leaf | SHA-256(0x00, the commitments of its fields in the order of their names) |
| node | SHA-256(0x01, left, right) |
| salts of row n | SHAKE-256(seed, "salt", n as 8 bytes big-endian), 16 bytes for each field in that order |

The first bytes keep leaves, nodes and fields apart, as RFC 6962 (2.1) does. Every field has a salt of its own, so that nobody who guesses a
value can confirm the guess from a commitment. Leaves stand in the order of their own bytes, which is random, and the tree is filled up with
leaves of no row to a power of two: neither a place nor the height tells where a row stood among the others, or how many there are exactly.

Not which rows (`rows`), nor how they are handed over (`disclosure`).
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plumbline.model.errors import InputError

SEED_BYTES = 32
SALT_BYTES = 16
DIGEST_BYTES = 32
LEAVES_MIN = 64  # a small rig shows no smaller tree
ROWS_MAX = 2_000_000  # what is held and sorted of them, their leaves, stays below 400 MB
HEIGHT_MAX = 32
Row = Mapping[str, Any]


def canonical(value: Any) -> str:
    """Write a value as JSON without spaces, members in the order of their names."""
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def salts(seed: bytes, number: int, fields: int) -> list[bytes]:
    """Give the salts of row `number`, one for each of its fields."""
    stream = hashlib.shake_256(seed + b"salt" + number.to_bytes(8, "big")).digest(fields * SALT_BYTES)
    return [stream[at : at + SALT_BYTES] for at in range(0, len(stream), SALT_BYTES)]


def commitment(name: str, value: Any, salt: bytes) -> bytes:
    """Commit to one field."""
    return hashlib.sha256(b"\x02" + salt + f"{canonical(name)}:{canonical(value)}".encode("utf-8", "surrogatepass")).digest()


def leaf(commitments: Iterable[bytes]) -> bytes:
    """Give the leaf of a row, by the commitments of its fields."""
    return hashlib.sha256(b"\x00" + b"".join(commitments)).digest()


def leaf_of(row: Row, seed: bytes, number: int) -> bytes:
    """Give the leaf of row `number`."""
    names = sorted(row)
    return leaf(commitment(name, row[name], salt) for name, salt in zip(names, salts(seed, number, len(names)), strict=True))


class Tree:
    """The tree over some leaves, which need not be in order; raises InputError for more than ROWS_MAX."""

    def __init__(self, leaves: Sequence[bytes], seed: bytes) -> None:
        if len(leaves) > ROWS_MAX:
            raise InputError(f"more than {ROWS_MAX:,} rows")
        size = max(LEAVES_MIN, 1 << (len(leaves) - 1).bit_length())
        filling = (leaf([hashlib.sha256(seed + b"fill" + n.to_bytes(8, "big")).digest()]) for n in range(size - len(leaves)))
        self._leaves = sorted([*leaves, *filling])

    def root(self) -> bytes:
        """Give the root."""
        level = self._leaves
        while len(level) > 1:
            level = _above(level)
        return level[0]

    def paths(self, wanted: Iterable[bytes]) -> dict[bytes, tuple[int, list[bytes]]]:
        """Give for each leaf its place and the nodes beside its way to the root, from below; raises KeyError for one that is not there."""
        places = {one: bisect_left(self._leaves, one) for one in wanted}
        for one, place in places.items():
            if self._leaves[place : place + 1] != [one]:
                raise KeyError(one.hex())
        found: dict[bytes, tuple[int, list[bytes]]] = {one: (place, []) for one, place in places.items()}
        level, height = self._leaves, 0
        while len(level) > 1:
            for place, path in found.values():
                path.append(level[(place >> height) ^ 1])
            level, height = _above(level), height + 1
        return found


def root_of(lowest: bytes, place: int, path: Sequence[bytes]) -> bytes:
    """Walk from a leaf to the root; raises ValueError for a place that the path has not."""
    if len(path) > HEIGHT_MAX or not 0 <= place < 1 << len(path):
        raise ValueError("a place that its path has not")
    node = lowest
    for beside in path:
        node = _node(beside, node) if place & 1 else _node(node, beside)
        place >>= 1
    return node


def _above(level: Sequence[bytes]) -> list[bytes]:
    return [_node(level[at], level[at + 1]) for at in range(0, len(level), 2)]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
