"""cpio: what GNU cpio wrote comes back, several archives are one tree, and hostile ones stay inside."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.unpack import State, unpack
from tests.collect.firmware.formats.trying import changed, look, opened, run, sample, seen, source_of, told, tree_of

S_DIRECTORY, S_FILE, S_LINK, S_DEVICE = 0o040000, 0o100000, 0o120000, 0o020000


def entry(name: str | bytes, mode: int = S_FILE | 0o644, content: bytes = b"", inode: int = 1, links: int = 1) -> bytes:
    raw = (name.encode() if isinstance(name, str) else name) + b"\0"
    fields = [inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(raw), 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + raw
    data = head + bytes(-len(head) % 4) + content
    return data + bytes(-len(data) % 4)


def archive(*entries: bytes) -> bytes:
    return b"".join(entries) + entry("TRAILER!!!")


@pytest.mark.system
@pytest.mark.parametrize("form", ["newc", "crc", "odc"])
def test_what_cpio_wrote_comes_back(form: str, tmp_path: Path) -> None:
    folder = sample(tmp_path / "in")
    names = b"\0".join(os.fsencode(path.relative_to(folder)) for path in [folder, *sorted(folder.rglob("*"))]) + b"\0"
    data = run("cpio", "-o", "-0", "-H", form, cwd=folder, given=names)
    tree = tree_of("cpio", data)
    assert told(tree) == seen(folder)
    assert tree.entries["/hard"].reference == tree.entries["/one"].reference
    assert opened("cpio", data).problems == ()


def test_several_archives_are_one_tree() -> None:
    early = archive(entry("kernel", S_DIRECTORY | 0o755), entry("kernel/microcode", content=b"early"), entry("etc", S_DIRECTORY | 0o700))
    late = archive(entry("etc", S_DIRECTORY | 0o755), entry("etc/passwd", content=b"late"), entry("kernel/microcode", content=b"later"))
    data = early + bytes(512 - len(early) % 512) + late
    tree = tree_of("cpio", data)
    assert {path: entry.mode for path, entry in tree.entries.items()} == {
        "/kernel": 0o755,
        "/kernel/microcode": 0o644,
        "/etc": 0o755,
        "/etc/passwd": 0o644,
    }
    assert tree.content(tree.entries["/kernel/microcode"], 10) == b"later"
    assert opened("cpio", data + b"\xff" * 512).size == len(data)


def test_what_is_compressed_behind_the_first_is_opened_too() -> None:
    first = archive(entry("early", content=b"1"))
    data = first + bytes(512 - len(first) % 512) + gzip.compress(archive(entry("main", content=b"2")))
    layers, problems = unpack(source_of(data), Budget())
    trees = {layer.path: set(layer.tree.entries) for layer in layers if layer.tree}
    at = f"@{len(first) + 512 - len(first) % 512:#x}"
    assert trees == {"": {"/early"}, f"{at}!data": {"/main"}}
    assert problems == [] and {layer.state for layer in layers} == {State.OPENED}


def test_of_several_names_one_has_the_content() -> None:
    data = archive(entry("a", inode=7, links=2), entry("b", content=b"both", inode=7, links=2), entry("c", content=b"own", inode=7))
    tree = tree_of("cpio", data)
    assert [tree.content(tree.entries[path], 10) for path in ("/a", "/b", "/c")] == [b"both", b"both", b"own"]


HOSTILE = {
    "out of the folder": (archive(entry("../../etc/passwd"), entry("ok")), {"/ok"}, "no name"),
    "an absolute name": (archive(entry("/etc/passwd"), entry("ok")), {"/etc", "/etc/passwd", "/ok"}, ""),
    "through a link": (archive(entry("a", S_LINK, b"/etc"), entry("a/passwd"), entry("ok")), {"/a", "/ok"}, "no folder"),
    "a device": (archive(entry("sda", S_DEVICE), entry("ok")), {"/sda", "/ok"}, ""),
    "a link of a megabyte": (archive(entry("a", S_LINK, b"x" * (1 << 20)), entry("ok")), {"/ok"}, "symbolic link of"),
    "cut off": (archive(entry("ok"), entry("b", content=bytes(500)))[:-300], {"/ok"}, "breaks off"),
    "a size of four gigabytes": (entry("ok") + entry("b").replace(b"%08x" % 0, b"ffffffff"), {"/ok"}, "breaks off"),
    "a number that is none": (entry("ok") + b"070701" + b"0x000001" * 13 + b"a\0", {"/ok"}, "breaks off"),
    "a name without an end": (entry("ok") + b"070701" + b"ffffffff" * 13, {"/ok"}, "breaks off"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives(case: str) -> None:
    data, entries, problem = HOSTILE[case]
    problems = " ".join(opened("cpio", data).problems)
    tree = tree_of("cpio", data)
    assert set(tree.entries) == entries
    assert problem in problems and bool(problem) == bool(problems)
    assert all(entry.kind == "other" for path, entry in tree.entries.items() if path == "/sda")


GOOD = archive(
    entry("a", content=b"x" * 300), entry("l", S_LINK, b"a"), entry("h", inode=3, links=2), entry("g", content=b"hard", inode=3, links=2)
)


def test_changed_archives() -> None:
    for data in changed(GOOD, 200, 1):
        look("cpio", data)


@pytest.mark.full
def test_many_changed_archives() -> None:
    for data in changed(GOOD, 20_000, 2):
        look("cpio", data)
