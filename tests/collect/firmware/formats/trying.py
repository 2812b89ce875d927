"""What the tests of all formats share: opening bytes, comparing a tree with the folder that it was made of, and changing bytes."""

from __future__ import annotations

import io
import os
import random
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from plumbline.collect.firmware.format import FileSystem, Opened, load_formats
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.firmware.tree import Tree, walk
from plumbline.model.errors import ProtocolError

CONTENT = random.Random(1).randbytes(70_000) + bytes(9_000) + b"end" * 5_000


def source_of(data: bytes) -> Source:
    return Source.of_file(io.BytesIO(data))


def opened(name: str, data: bytes | Source, budget: int = 1 << 30) -> Opened:
    """Open bytes as a format; they must be recognised as it."""
    source = data if isinstance(data, Source) else source_of(data)
    each = load_formats()[name]
    assert any(source.some(at, len(magic)) == magic for at, magic in each.magics)
    assert each.recognises(source)
    return each.open(source, Budget(budget))


def tree_of(name: str, data: bytes | Source, budget: int = 1 << 30) -> Tree:
    """Open bytes as a format of files, and read the tree."""
    files = opened(name, data, budget).files
    assert files is not None
    return walk(files)


def whole(source: Source) -> bytes:
    return b"".join(source.blocks())


def run(*command: str | Path, cwd: Path | None = None, given: bytes = b"") -> bytes:
    """Run a tool that makes an image; the test is skipped where it is not installed."""
    name = str(command[0])
    places = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if shutil.which(name, path=places) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        input=given,
        capture_output=True,
        check=False,
        env={**os.environ, "PATH": places, "LC_ALL": "C"},
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout


@dataclass(frozen=True)
class Seen:
    """A file as it is, or as it was read."""

    kind: str
    mode: int | None  # None: of a link, or not kept by the format
    owner: int | None
    content: bytes | None
    target: str | None


def seen(folder: Path, *, modes: bool = True, owners: bool = True) -> dict[str, Seen]:
    """Everything below a folder, by path as a tree has it."""
    found: dict[str, Seen] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        kinds = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "symlink"}
        kind = kinds.get(stat.S_IFMT(status.st_mode), "other")
        target = str(path.readlink()) if kind == "symlink" else None
        content = path.read_bytes() if kind == "file" else None
        mode = stat.S_IMODE(status.st_mode) if modes and kind != "symlink" else None
        shown = "/" + os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")
        found[shown] = Seen(kind, mode, status.st_uid if owners else None, content, target)
    return found


def told(tree: Tree, *, modes: bool = True, owners: bool = True, without: Iterable[str] = ()) -> dict[str, Seen]:
    """Everything in a tree, as `seen` gives it."""
    return {
        path: Seen(
            entry.kind,
            entry.mode if modes and entry.kind != "symlink" else None,
            entry.owner if owners else None,
            tree.content(entry, 1 << 40) if entry.kind == "file" else None,
            entry.target,
        )
        for path, entry in tree.entries.items()
        if path not in without
    }


def sample(folder: Path, *, links: bool = True, odd: bool = True, owners: bool = True, many: int = 300) -> Path:
    """A folder with what file systems have trouble with; only root can give files to others."""
    (folder / "bin").mkdir(parents=True)
    (folder / "empty folder").mkdir()
    (folder / "deep/er/and/deeper").mkdir(parents=True)
    files = {
        "bin/busybox": CONTENT,
        "empty": b"",
        "one": b"1",
        "deep/er/and/deeper/still": b"here",
        "block": bytes(range(256)) * 16,
        "more than a block": bytes(range(256)) * 16 + b"!",
        "zeros": bytes(200_000),
        "hole": b"",
        "a name that is somewhat longer than eleven letters.and.dots": b"long",
    }
    if odd:
        files |= {"new\nline": b"newline", "ünï çödé": b"utf-8", "n" * 250: b"long"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with (folder / "hole").open("r+b") as stream:
        stream.seek(150_000)
        stream.write(b"after the hole")
    (folder / "bin/busybox").chmod(0o4755)
    (folder / "one").chmod(0o600)
    (folder / "empty folder").chmod(0o1777)
    if many:
        (folder / "many").mkdir()
        for number in range(many):
            (folder / f"many/file number {number}").write_bytes(b"%d" % number)
    if links:
        (folder / "bin/sh").symlink_to("busybox")
        (folder / "long link").symlink_to("../" * 60 + "etc/passwd")
        (folder / "hard").hardlink_to(folder / "one")
        os.mkfifo(folder / "pipe")
    if odd:
        Path(os.fsdecode(os.fsencode(folder) + b"/not \xff\xfe utf-8")).write_bytes(b"bytes")
    if owners and os.geteuid() == 0:
        os.chown(folder / "one", 1000, 1000)
        os.chown(folder / "deep", 70_000, 70_000)
    return folder


def every(tree: Tree, most: int = 1 << 20) -> None:
    """Read all there is in a tree; what is at fault may only be a ProtocolError."""
    for entry in tree.entries.values():
        try:
            if entry.kind == "file":
                assert len(tree.content(entry, most)) <= most
                inode = tree.inode(entry)
                tree.files.place(inode)
                stored = tree.files.stored(inode)
                if stored is not None:
                    stored.some(0, most)
            tree.resolve(entry.path)
        except ProtocolError:
            pass


def look(name: str, data: bytes, budget: int = 64 << 20) -> None:
    """Open hostile bytes and read all that comes out; only a ProtocolError may stand in the way."""
    each = load_formats()[name]
    source = source_of(data)
    each.recognises(source)  # which raises nothing
    try:
        found = each.open(source, Budget(budget))
        for part in found.parts:
            part.source.some(0, 1 << 20)
            part.source.some(max(0, part.source.size - 4096), 8192)
        if found.files is not None:
            look_at(found.files)
    except ProtocolError:
        pass


def look_at(files: FileSystem) -> None:
    every(walk(files))


def changed(good: bytes, rounds: int, seed: int, *, head: int = 512) -> Iterator[bytes]:
    """Change some bytes of good ones, many times: most often in their first `head` bytes; cut some short."""
    dice = random.Random(seed)
    used = max(1, len(good.rstrip(b"\0\xff")))
    for _ in range(rounds):
        data = bytearray(good)
        for _ in range(dice.choice((1, 1, 2, 8, 40))):
            at = dice.randrange(min(head, used) if dice.random() < 0.3 else used)
            if dice.random() < 0.2:  # a number of four bytes, at its least and most
                data[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80"))[: len(data) - at]
            else:
                data[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        if dice.random() < 0.1:
            del data[dice.randrange(len(data)) :]
        yield bytes(data)
