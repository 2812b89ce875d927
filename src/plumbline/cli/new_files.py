"""Files that a command writes for people to fill in: never over one that is there."""

from __future__ import annotations

from pathlib import Path

from plumbline.model.errors import InputError


def write_new(path: Path, text: str, instead: str) -> None:
    """Write a new file; raises InputError when there is one, with what to do instead, or when it cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise InputError("exists already", where=str(path), remedy=instead) from error
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", where=str(path), remedy="make its folder first, or name another"
        ) from error
