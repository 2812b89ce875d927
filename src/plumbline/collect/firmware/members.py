"""A tree out of the flat list of names that an archive is: tar, cpio, zip, ar, and the layers of a container.

Not the reading of any archive. Rules: a name is taken below the root whatever it begins with; one with `..`, a NUL or more folders than a
tree may have is left out and said; nothing stands below what is no folder, so that no link leads a later name elsewhere; a name that comes
again replaces what was there, as unpacking would; names are capped.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from plumbline.collect.firmware.format import FileSystem, Inode
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.tree import DEPTH_MAX, ENTRIES_MAX, PATHS_MAX
from plumbline.model.errors import ProtocolError

TARGET_MAX = 4096
PROBLEMS_MAX = 100
_KINDS = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "symlink"}


def kind_of(mode: int) -> str:
    """Tell the kind of a file from its mode (inode(7))."""
    return _KINDS.get(stat.S_IFMT(mode), "other")


@dataclass(slots=True)
class Member:
    """One file of an archive. Its content is `source`, or what `make` yields where it must be decompressed; `at` is where it begins."""

    kind: str
    mode: int
    owner: int | None = None
    size: int = 0
    target: bytes = b""
    source: Source | None = None
    make: Callable[[], Iterator[bytes]] | None = None
    at: int | None = None
    entries: dict[bytes, Member] = field(default_factory=dict)  # of a directory


class Members(FileSystem):
    """The tree so far; `problems` tells what was left out."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._top = Member("directory", 0o755)
        self.root = _Reference(self._top)
        self.problems: list[str] = []
        self._count = 0
        self._length = 0

    def say(self, name: bytes, problem: str) -> None:
        """Note what was left out."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(f"{name[:200].decode('utf-8', 'backslashreplace')}: {problem}")
        elif len(self.problems) == PROBLEMS_MAX:
            self.problems.append("and more of them")

    def add(self, name: bytes, member: Member) -> None:
        """Put a member under its name; raises ProtocolError when there are too many."""
        self._count, self._length = self._count + 1, self._length + len(name)
        if self._count > ENTRIES_MAX or self._length > PATHS_MAX:
            raise ProtocolError(f"more than {ENTRIES_MAX} names, or too long ones")
        steps = self._steps(name)
        if steps is None:
            return
        if not steps:  # the root itself
            if member.kind == "directory":
                self._top.mode, self._top.owner = member.mode, member.owner
            return
        folder = self._folder(name, steps[:-1])
        if folder is None:
            return
        before = folder.entries.get(steps[-1])
        if before is not None and before.kind == "directory":
            if member.kind == "directory":
                before.mode, before.owner = member.mode, member.owner
                return
            if before.entries:
                self.say(name, "replaces a folder with files in it")
        folder.entries[steps[-1]] = member

    def find(self, name: bytes) -> Member | None:
        """Give what stands under a name; links are not followed."""
        at: Member | None = self._top
        steps = self._steps(name)
        for step in (b"..",) if steps is None else steps:
            at = at.entries.get(step) if at is not None else None
        return at

    def remove(self, name: bytes) -> None:
        """Take a name away, with all below it."""
        steps = self._steps(name)
        folder = self.find(b"/".join(steps[:-1])) if steps else None
        if steps and folder is not None:
            folder.entries.pop(steps[-1], None)

    def inode(self, reference: Any) -> Inode:
        """Give a member as an inode."""
        member = reference.member
        return Inode(member.kind, member.mode & 0o7777, member.size if member.kind == "file" else 0, member.target, member)

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, Any]]:
        """Yield the names in a directory."""
        for name, member in directory.data.entries.items():
            yield name, _Reference(member)

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        """Yield a file's content."""
        if inode.data.make is not None:
            yield from inode.data.make()
        elif inode.data.source is not None:
            for block in inode.data.source.blocks():
                self._budget.pay(len(block))
                yield block

    def owner(self, inode: Inode) -> int | None:
        """Give the owner's user id, where the archive keeps it."""
        member: Member = inode.data
        return member.owner

    def place(self, inode: Inode) -> int | None:
        """Give the offset of a member's content."""
        member: Member = inode.data
        return member.at

    def stored(self, inode: Inode) -> Source | None:
        """Give a member's content where it is stored as it is."""
        member: Member = inode.data
        return member.source

    def _steps(self, name: bytes) -> list[bytes] | None:
        steps = [step for step in name.split(b"/") if step not in (b"", b".")]
        if b".." in steps or b"\0" in name:
            self.say(name, "no name for a file in an archive")
            return None
        if len(steps) > DEPTH_MAX + 1:
            self.say(name, f"deeper than {DEPTH_MAX} directories")
            return None
        return steps

    def _folder(self, name: bytes, steps: list[bytes]) -> Member | None:
        at = self._top
        for step in steps:
            below = at.entries.get(step)
            if below is None:
                below = at.entries[step] = Member("directory", 0o755)
            if below.kind != "directory":
                self.say(name, "stands below what is no folder")
                return None
            at = below
        return at


@dataclass(frozen=True, slots=True, eq=False)
class _Reference:
    """A member by its identity: two names of one file are equal."""

    member: Member

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reference) and other.member is self.member

    def __hash__(self) -> int:
        return id(self.member)
