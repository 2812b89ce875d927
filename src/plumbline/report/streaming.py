"""JSON written piece by piece: an iterator stands for a list whose items are made as they are written, so that no count is too large.

Not a format. Rules: members stand in the order given, and an iterator is taken where it stands: what a later member needs may be collected
by an earlier one; text outside ASCII is escaped, so that nothing in it can act on a terminal or an editor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ": "))


def write_json(path: Path, document: Mapping[str, Any]) -> Path:
    """Write a document of mappings, lists, plain values and iterators, readable by its owner alone; gives the path."""
    path.touch(mode=0o600)
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(_pieces(document))
        file.write("\n")
    path.chmod(0o600)
    return path


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, Iterator):
        yield "["
        for number, item in enumerate(value):
            yield f"{',' if number else ''}\n{ENCODER.encode(item)}"
        yield "]"
    elif _streams(value):
        yield "{" if isinstance(value, Mapping) else "["
        named = value.items() if isinstance(value, Mapping) else ((None, item) for item in value)
        for number, (name, item) in enumerate(named):
            yield f"{',' if number else ''}\n{'' if name is None else ENCODER.encode(name) + ': '}"
            yield from _pieces(item)
        yield "}" if isinstance(value, Mapping) else "]"
    else:
        yield ENCODER.encode(value)


def _streams(value: Any) -> bool:
    """Tell whether an iterator stands somewhere within."""
    if isinstance(value, Iterator):
        return True
    if isinstance(value, Mapping):
        return any(_streams(item) for item in value.values())
    return isinstance(value, list | tuple) and any(_streams(item) for item in value)
