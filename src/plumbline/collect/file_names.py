"""Short, stable names of the files that a rig file lists: for entities, and for `path` columns.

Not a way to open them. Rules: no name tells where on the auditor's machine the rig lies; two files of one list never share a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path


def as_in_rig(path: Path, rig_path: Path) -> str:
    """Give the path relative to the rig file's folder, with slashes; a file elsewhere is known by its name alone."""
    try:
        return path.relative_to(rig_path.parent).as_posix()
    except ValueError:
        return path.name


def entity_keys(paths: Iterable[Path], rig_path: Path) -> Mapping[Path, str]:
    """Name each file by its file name, or, where two of the list share it, by its path in the rig folder, or else by a number too."""
    wanted = list(dict.fromkeys(paths))
    names = Counter(path.name for path in wanted)
    places = Counter(as_in_rig(path, rig_path) for path in wanted)
    keys: dict[Path, str] = {}
    for number, path in enumerate(wanted, 1):
        place = as_in_rig(path, rig_path)
        if names[path.name] == 1:
            keys[path] = path.name
        elif places[place] == 1:
            keys[path] = place
        else:
            keys[path] = f"{place}#{number}"
    return keys
