"""Plain files of a folder that somebody handed over, opened so that no link is followed and no pipe waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from plumbline.model.errors import InputError

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_plain(path: Path) -> IO[bytes]:
    """Open a plain file for reading; raises InputError for anything else, or when it cannot be read."""
    try:
        file = os.fdopen(os.open(path, _FLAGS), "rb")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InputError("is no plain file", where=str(path))
    return file


def is_plain(path: Path) -> bool:
    """Tell whether there is a plain file; a link to one is none."""
    return path.is_file() and not path.is_symlink()


def read_plain(path: Path, size_max: int) -> bytes:
    """Read a plain file of at most so many bytes; raises InputError."""
    with open_plain(path) as file:
        try:
            data = file.read(size_max + 1)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if len(data) > size_max:
        raise InputError(f"is larger than {size_max} bytes", where=str(path))
    return data
