"""Has unblob open what no format of ours does, where it is installed: one layer at a time, each in a process of its own.

Not needed for anything; without it, the same layers are said not to have been opened. Rules: it writes to the scratch folder only, and its
time, the size of what it writes and how often it is asked are bounded; what it took out is read as a hostile folder (`folder`), no link
followed; it keeps no owners, and not every mode, so nobody's word is taken for those.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plumbline.collect.firmware.folder import folder_tree
from plumbline.collect.firmware.format import FileSystem, Inode
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.json_text import int_of, list_of, object_of, parse, text_of
from plumbline.model.errors import ProtocolError

COMMAND = "unblob"
OWNERS_UNKNOWN = "taken out by unblob, which keeps no owners and not every mode"
BLOB_MAX = 512 << 20  # bytes of one layer
WRITTEN_MAX = 2 << 30  # bytes, of all that it took out of one layer
SECONDS_MAX = 300  # for all layers of one image
ASKED_MAX = 16  # layers of one image
REPORT_MAX = 64 << 20
_LOOKED = 0.2  # s between two looks at how much it has written


@dataclass(frozen=True, slots=True)
class Taken:
    """Something that it took out: the bytes `at` to `at + size` of the layer are a `title`, and hold `files`."""

    at: int
    size: int
    title: str
    files: FileSystem


class Unblob:
    """The tool, for one image."""

    def __init__(self, command: str, scratch: Path, budget: Budget, stop: Callable[[], bool] = lambda: False) -> None:
        self._command = command
        self._scratch = scratch
        self._budget = budget
        self._stop = stop
        self._asked = 0
        self._until: float | None = None  # counted from when it is asked first

    @classmethod
    def installed(cls, scratch: Path, budget: Budget) -> Unblob | None:
        """Give the tool, or None where it is not installed."""
        command = shutil.which(COMMAND)
        return cls(command, scratch, budget) if command else None

    def take(self, source: Source) -> list[Taken]:
        """Have it open a layer; gives what it took out, in order. Raises ProtocolError when it may not, or comes to no end."""
        if self._asked >= ASKED_MAX:
            raise ProtocolError(f"unblob was asked for {ASKED_MAX} parts, and no more")
        if source.size > BLOB_MAX:
            raise ProtocolError(f"larger than the {BLOB_MAX >> 20} MB that unblob is given")
        self._asked += 1
        folder = self._scratch / f"unblob-{self._asked}"
        blob, out, report = folder / "blob", folder / "out", folder / "report.json"
        try:
            folder.mkdir()
            with blob.open("wb") as stream:
                for block in source.blocks():
                    self._budget.pay(len(block))
                    stream.write(block)
        except OSError as error:
            raise ProtocolError(f"cannot be given to unblob: {error.strerror}") from error
        options: list[str | Path] = [
            "--depth",
            "1",
            "--process-num",
            "1",
            "--randomness-depth",
            "0",
            "--report",
            report,
            "--log",
            folder / "log",
        ]
        self._run([self._command, *options, "--extract-dir", out, blob], folder)
        try:
            blob.unlink()
            with report.open("rb") as told:
                return sorted(self._taken(told.read(REPORT_MAX), out), key=lambda taken: taken.at)
        except OSError as error:
            raise ProtocolError("unblob came to no end") from error

    def _run(self, command: list[str | Path], folder: Path) -> None:
        """Let it run, and end it when it takes too long or writes too much."""
        self._until = self._until or time.monotonic() + SECONDS_MAX
        nothing = subprocess.DEVNULL
        try:
            process = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, cwd=folder)
        except OSError as error:
            raise ProtocolError(f"unblob cannot be run: {error.strerror}") from error
        with process:
            while True:
                try:
                    process.wait(_LOOKED)
                    return
                except subprocess.TimeoutExpired:
                    if time.monotonic() > self._until or self._stop() or _written(folder) > WRITTEN_MAX:
                        process.kill()
                        raise ProtocolError("unblob was ended: it took too long, or took out too much") from None

    def _taken(self, report: bytes, out: Path) -> Iterator[Taken]:
        """Read its report: which bytes are what, and in which folder what it took out of them lies."""
        for task in map(object_of, list_of(parse(report))):
            if int_of(object_of(task.get("task")).get("depth")) != 0:
                continue
            folders = {text_of(one.get("blob_id")): text_of(one.get("path")) for one in map(object_of, list_of(task.get("subtasks")))}
            for chunk in map(object_of, list_of(task.get("reports"))):
                path = folders.get(text_of(chunk.get("id")) or "?")
                start, size, name = int_of(chunk.get("start_offset")), int_of(chunk.get("size")), text_of(chunk.get("handler_name"))
                if path is None or start is None or size is None or not name:
                    continue
                folder = Path(path).resolve()
                if folder.is_relative_to(out.resolve()) and folder.is_dir():
                    yield Taken(start, size, name[:60], _Extracted(folder_tree(folder, self._budget)))


class _Extracted(FileSystem):
    """A folder without what the tool does not keep: owners, and who else may write."""

    def __init__(self, files: FileSystem) -> None:
        self._files = files
        self.root = files.root

    def inode(self, reference: Any) -> Inode:
        inode = self._files.inode(reference)
        return replace(inode, mode=inode.mode & ~0o002)

    def listing(self, directory: Inode) -> Iterator[tuple[bytes, Any]]:
        return self._files.listing(directory)

    def pieces(self, inode: Inode) -> Iterator[bytes]:
        return self._files.pieces(inode)


def _written(folder: Path) -> int:
    """Measure what lies in a folder, in bytes."""
    size = 0
    for root, _folders, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(Path(root) / name).st_blocks * 512
            except OSError:
                continue  # it is gone again
    return size
