r"""The tree of a file system as entries by path, and the way from a path to a file, links followed inside the image.

Rules: a directory that was seen before is a loop and is not entered again; depth, entries and the sum of all paths are capped; a part that
cannot be read is left out and said in `problems`, the rest goes on; a name that is no name (`..`, one with a slash) is left out too. What
is not UTF-8 in a name is shown as `\xff`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from plumbline.collect.firmware.format import FileSystem, Inode
from plumbline.collect.firmware.source import BudgetSpentError
from plumbline.model.errors import ProtocolError

ENTRIES_MAX = 500_000
NAMES_MAX = 1_000_000  # with those that are left out
DEPTH_MAX = 100
PATHS_MAX = 96 << 20  # bytes of all paths together
LINKS_MAX = 20
PROBLEMS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in the tree; `mode` holds the permission bits, `owner` is a user id (None: unreadable, or not kept by the format)."""

    path: str
    kind: str
    mode: int
    owner: int | None
    size: int
    reference: Any
    target: str | None

    @property
    def name(self) -> str:
        """Its last component."""
        return posixpath.basename(self.path)

    @property
    def octal(self) -> str:
        """Its mode, four digits."""
        return f"{self.mode:04o}"


@dataclass
class Tree:
    """All entries by absolute path, in the file system's order."""

    files: FileSystem
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def resolve(self, path: str) -> Entry | None:
        """Follow links inside the image; None when the path leads nowhere."""
        for _ in range(LINKS_MAX):
            link = self._first_link(path)
            if link is None:
                return self.entries.get(path)
            entry, rest = link
            path = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.target or "", rest))
            path = "/" + path.lstrip("/")
        return None

    def _first_link(self, path: str) -> tuple[Entry, str] | None:
        parts = path.strip("/").split("/")[: DEPTH_MAX + 1]
        for count in range(1, len(parts) + 1):
            entry = self.entries.get("/" + "/".join(parts[:count]))
            if entry is not None and entry.kind == "symlink":
                return entry, "/".join(parts[count:])
        return None

    def inode(self, entry: Entry) -> Inode:
        """Read an entry's inode again."""
        return self.files.inode(entry.reference)

    def content(self, entry: Entry, most: int) -> bytes:
        """Read a file's first `most` bytes; raises ProtocolError."""
        return self.files.content(self.inode(entry), most)

    def say(self, path: str, error: ProtocolError) -> None:
        """Note what could not be read."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(f"{path[:200]}: {error}")


def walk(files: FileSystem, stop: Callable[[], bool] = lambda: False, most: int = ENTRIES_MAX) -> Tree:
    """Read the whole tree, of `most` entries; raises ProtocolError only when the root itself cannot be read."""
    tree = Tree(files)
    root = files.inode(files.root)
    if root.kind != "directory":
        raise ProtocolError("the root is no directory")
    stack: list[tuple[str, Inode]] = [("", root)]
    seen = {files.root}
    paths = names = 0
    while stack:
        path, directory = stack.pop()
        below: list[tuple[str, Inode]] = []
        try:
            for raw_name, reference in files.listing(directory):
                here = f"{path}/{raw_name.decode('utf-8', 'backslashreplace')}"
                paths, names = paths + len(here), names + 1
                if len(tree.entries) >= min(most, ENTRIES_MAX) or paths > PATHS_MAX or names > NAMES_MAX:
                    tree.say(here, ProtocolError("too many files: the rest was not read"))
                    return tree
                if names % 1_000 == 0 and stop():
                    tree.say(here, ProtocolError("the run was ended here"))
                    return tree
                inode = _add(tree, here, raw_name, reference)
                if inode is None or inode.kind != "directory":
                    continue
                if reference in seen:
                    tree.say(here, ProtocolError("a directory within itself"))
                elif here.count("/") >= DEPTH_MAX:
                    tree.say(here, ProtocolError(f"deeper than {DEPTH_MAX} directories"))
                else:
                    seen.add(reference)
                    below.append((here, inode))
        except BudgetSpentError as error:
            tree.say(path or "/", error)
            return tree
        except ProtocolError as error:
            tree.say(path or "/", error)
        stack.extend(reversed(below))
    return tree


def _add(tree: Tree, path: str, raw_name: bytes, reference: Any) -> Inode | None:
    try:
        if raw_name in (b".", b"..") or b"/" in raw_name or b"\0" in raw_name:
            raise ProtocolError("no name for a file")
        if path in tree.entries:
            raise ProtocolError("a name that stands twice")
        inode = tree.files.inode(reference)
    except BudgetSpentError:
        raise
    except ProtocolError as error:
        tree.say(path, error)
        return None
    try:
        owner = tree.files.owner(inode)
    except BudgetSpentError:
        raise
    except ProtocolError as error:
        tree.say(path, error)
        owner = None
    target = inode.target.decode("utf-8", "backslashreplace") if inode.kind == "symlink" else None
    tree.entries[path] = Entry(path, inode.kind, inode.mode, owner, inode.size, reference, target)
    return inode
