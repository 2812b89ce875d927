"""A folder of the machine as a tree of files: customers' code that is given as a directory.

Rules: no link is followed, not even in the middle of a path, so that nothing outside the folder is ever opened; only regular files are
opened, without waiting (a FIFO is told, and left alone); what may not be read is a ProtocolError, as in an image.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plumbline.collect.firmware.format import FileSystem, Inode
from plumbline.collect.firmware.members import kind_of
from plumbline.collect.firmware.source import PIECE, Budget
from plumbline.model.errors import ProtocolError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def folder_tree(path: Path, budget: Budget | None = None) -> FileSystem:
    """Give a folder as a file system; what is read of it is paid from the budget."""
    return _Folder(path, budget or Budget())


@dataclass(frozen=True, slots=True)
class _Reference:
    """A file by its identity; `steps` are the names on one way to it."""

    device: int
    number: int
    steps: tuple[bytes, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Data:
    steps: tuple[bytes, ...]
    owner: int


class _Folder(FileSystem):
    def __init__(self, path: Path, budget: Budget) -> None:
        self._path = path
        self._budget = budget
        with _said():
            status = path.stat()  # the folder itself may be given by a link
        self.root = _Reference(status.st_dev, status.st_ino, ())

    def inode(self, reference: Any) -> Inode:
        with _said():
            if reference.steps:
                with self._opened(reference.steps[:-1]) as folder:
                    status = os.stat(reference.steps[-1], dir_fd=folder, follow_symlinks=False)
                    kind = kind_of(status.st_mode)
                    target = os.readlink(reference.steps[-1], dir_fd=folder) if kind == "symlink" else b""
            else:
                status, target = self._path.stat(), b""
                kind = kind_of(status.st_mode)
        size = status.st_size if kind == "file" else 0
        return Inode(kind, stat.S_IMODE(status.st_mode), size, target, _Data(reference.steps, status.st_uid))

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, Any]]:
        steps = directory.data.steps
        with _said(), self._opened(steps) as folder:
            for name in sorted(os.fsencode(name) for name in os.listdir(folder)):  # noqa: PTH208 - of a descriptor, not of a path
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                yield name, _Reference(status.st_dev, status.st_ino, (*steps, name))

    def owner(self, inode: Inode) -> int | None:
        return int(inode.data.owner)

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        steps = inode.data.steps
        with _said(), self._opened(steps[:-1]) as folder:
            file = os.open(steps[-1], _FILE, dir_fd=folder)
            with os.fdopen(file, "rb") as stream:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise ProtocolError("is no file any more")
                left = inode.size
                while left and (piece := stream.read(min(PIECE, left))):
                    self._budget.pay(len(piece))
                    left -= len(piece)
                    yield piece

    @contextlib.contextmanager
    def _opened(self, steps: tuple[bytes, ...]) -> Iterator[int]:
        """Open a folder below this one, step by step."""
        at = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for step in steps:
                below = os.open(step, _FOLDER, dir_fd=at)
                os.close(at)
                at = below
            yield at
        finally:
            os.close(at)


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """What the system refuses is said as what could not be read."""
    try:
        yield
    except OSError as error:
        raise ProtocolError(f"cannot be read: {error.strerror}") from error
