"""tar: what GNU tar wrote comes back; hostile names and numbers stay inside."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.tree import Tree
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, sample, seen, source_of, told, tree_of

FORMS = {
    "ustar": ["--format=ustar"],
    "pax": ["--format=pax"],
    "gnu": ["--format=gnu"],
    "old gnu": ["--format=oldgnu"],
    "gnu, sparse": ["--format=gnu", "--sparse"],
    "pax, sparse 0.0": ["--sparse", "--sparse-version=0.0", "--format=pax"],
    "pax, sparse 0.1": ["--sparse", "--sparse-version=0.1", "--format=pax"],
    "pax, sparse 1.0": ["--sparse", "--sparse-version=1.0", "--format=pax"],
    "absolute names": ["--format=gnu", "--transform=s,^\\./,/,S"],
}


@pytest.mark.system
@pytest.mark.parametrize("form", FORMS)
def test_what_tar_wrote_comes_back(form: str, tmp_path: Path) -> None:
    folder = sample(tmp_path / "in")
    with (folder / "many holes").open("wb") as stream:
        for number in range(60):
            stream.seek(number * 50_000)
            stream.write(b"%d" % number)
    os.truncate(folder / "many holes", 4_000_000)
    if form == "ustar":  # which holds no such names
        (folder / "long link").unlink()
        (folder / ("n" * 250)).unlink()
    data = run("tar", "-c", *FORMS[form], ".", cwd=folder)
    tree = tree_of("tar", data)
    assert told(tree) == seen(folder)
    assert tree.problems == []
    busybox = tree.inode(tree.entries["/bin/busybox"])
    place, stored = tree.files.place(busybox), tree.files.stored(busybox)
    assert place is not None and data[place : place + len(CONTENT)] == CONTENT
    assert stored is not None and stored.place == place
    assert tree.entries["/hard"].reference == tree.entries["/one"].reference


def made(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, content if kind == tarfile.REGTYPE else b""


def read(data: bytes) -> tuple[Tree, str]:
    return tree_of("tar", data), " ".join(opened("tar", data).problems)


HOSTILE = {
    "out of the folder": (made(member("../../etc/passwd"), member("ok")), {"/ok"}, "no name"),
    "out of it in the middle": (made(member("a/../../b"), member("ok")), {"/ok"}, "no name"),
    "an absolute name": (made(member("/etc/passwd"), member("ok")), {"/etc", "/etc/passwd", "/ok"}, ""),
    "through a link": (made(member("a", tarfile.SYMTYPE, "/etc"), member("a/passwd"), member("ok")), {"/a", "/ok"}, "no folder"),
    "a hard link to the outside": (made(member("h", tarfile.LNKTYPE, "/etc/shadow"), member("ok")), {"/ok"}, "hard link"),
    "a hard link up": (made(member("h", tarfile.LNKTYPE, "../x"), member("ok")), {"/ok"}, "hard link"),
    "a folder with files becomes a file": (made(member("d/f"), member("d"), member("ok")), {"/d", "/ok"}, "replaces a folder"),
    "deeper than any": (made(member("d/" * 200 + "f"), member("ok")), {"/ok"}, "deeper"),
    "devices": (made(member("n", tarfile.CHRTYPE), member("p", tarfile.FIFOTYPE), member("ok")), {"/n", "/p", "/ok"}, ""),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_names(case: str) -> None:
    data, entries, problem = HOSTILE[case]
    tree, problems = read(data)
    assert set(tree.entries) == entries
    assert problem in problems and bool(problem) == bool(problems)
    assert {entry.kind for path, entry in tree.entries.items() if path in ("/n", "/p")} <= {"other"}


def test_a_later_file_takes_the_place_of_an_earlier() -> None:
    tree, problems = read(made(member("a", content=b"old"), member("a", content=b"new")))
    assert tree.content(tree.entries["/a"], 10) == b"new" and problems == ""


def sparse(size: int, pieces: str) -> bytes:
    info, content = member("hole", content=b"tail")
    info.pax_headers = {"GNU.sparse.size": str(size), "GNU.sparse.map": pieces, "GNU.sparse.name": "hole"}
    return made((info, content), form=tarfile.PAX_FORMAT)


def test_a_hole_of_a_terabyte_takes_what_is_asked_for() -> None:
    tree, _ = read(sparse(1 << 40, f"{(1 << 40) - 4},4"))
    assert tree.entries["/hole"].size == 1 << 40
    assert tree.content(tree.entries["/hole"], 1 << 20) == bytes(1 << 20)
    stored = tree.files.stored(tree.inode(tree.entries["/hole"]))
    assert stored is not None and stored.read((1 << 40) - 5, 5) == b"\0tail"


BROKEN = {
    "cut in a file": made(member("a"), member("b", content=bytes(5000)))[:3000],
    "cut in a header": made(member("a"), member("b"))[:1100],
    "a header that is changed": made(member("a"), member("b")).replace(b"b\0", b"c\0"),
    "a size of base 256 that is negative": made(member("a"))[:1024] + made(member("b"))[:124] + b"\xff" * 12 + bytes(400),
    "a sparse file beyond its size": sparse(100, "99,4"),
    "a sparse file with pieces in each other": sparse(100, "10,2,11,2"),
    "a number that is none": sparse(100, "x,2"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_breaks_off_is_said(case: str) -> None:
    tree, problems = read(BROKEN[case])
    assert "breaks off" in problems
    assert set(tree.entries) <= {"/a"}


def test_a_wrong_checksum_is_no_tar() -> None:
    data = made(member("a"))
    assert not load_formats()["tar"].recognises(source_of(b"b" + data[1:]))


def test_many_names_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbline.collect.firmware.members.ENTRIES_MAX", 100)
    with pytest.raises(ProtocolError, match="more than 100"):
        load_formats()["tar"].open(source_of(made(*(member(f"f{number}") for number in range(101)))), Budget())


GOOD = made(
    member("a", content=b"x" * 700), member("dir/" + "n" * 200), member("l", tarfile.SYMTYPE, "a"), member("h", tarfile.LNKTYPE, "a")
)
SPARSE = sparse(1 << 30, "0,2,1000000,2")


@pytest.mark.parametrize("good", [GOOD, SPARSE], ids=["plain", "sparse"])
def test_changed_archives(good: bytes) -> None:
    for data in changed(good, 100, 1, head=1536):
        look("tar", data)


@pytest.mark.full
@pytest.mark.parametrize("good", [GOOD, SPARSE], ids=["plain", "sparse"])
def test_many_changed_archives(good: bytes) -> None:
    for data in changed(good, 20_000, 2, head=1536):
        look("tar", data)
