"""ar: what binutils' ar and Debian's own packages hold comes back."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.unpack import unpack
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, source_of, tree_of


def header(name: bytes, size: int, mode: int = 0o644) -> bytes:
    return b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 0, 1000, 1000, 0o100000 | mode, size)


def archive(*members: tuple[bytes, bytes]) -> bytes:
    return b"!<arch>\n" + b"".join(header(name, len(data)) + data + b"\n" * (len(data) % 2) for name, data in members)


@pytest.mark.system
def test_what_ar_wrote_comes_back(tmp_path: Path) -> None:
    names = ["short", "a name that is longer than sixteen", "odd"]
    for name in names:
        (tmp_path / name).write_bytes(CONTENT + name.encode())
    run("ar", "rcU", "x.a", *names, cwd=tmp_path)
    data = (tmp_path / "x.a").read_bytes()
    tree = tree_of("ar", data)
    assert {path[1:]: tree.content(entry, 1 << 20) for path, entry in tree.entries.items()} == {
        name: CONTENT + name.encode() for name in names
    }
    assert opened("ar", data).size == len(data)


def test_a_package_is_opened_to_its_files() -> None:
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:xz") as data_tar:
        info = tarfile.TarInfo("./usr/bin/tool")
        info.size = 4
        data_tar.addfile(info, io.BytesIO(b"tool"))
    package = archive((b"debian-binary", b"2.0\n"), (b"data.tar.xz", inner.getvalue()))
    layers, problems = unpack(source_of(package), Budget())
    trees = {layer.path: set(layer.tree.entries) for layer in layers if layer.tree}
    assert trees["/data.tar.xz!data"] == {"/usr", "/usr/bin", "/usr/bin/tool"} and problems == []


ODD = {
    "BSD names": (archive((b"#1/8", b"longnamecontent")), {"/longname": b"content"}, ""),
    "two of one name": (archive((b"a", b"1"), (b"a", b"2")), {"/a": b"1", "/a (2)": b"2"}, ""),
    "a name with a slash": (archive((b"../a", b"1"), (b"ok", b"2")), {"/ok": b"2"}, "no name"),
    "a name beyond the table": (archive((b"//", b"x/\n"), (b"/99", b"1"), (b"ok", b"2")), {"/ok": b"2"}, "no name"),
    "cut off": (archive((b"ok", b"2"), (b"b", bytes(100)))[:-50], {"/ok": b"2"}, "breaks off"),
    "a size that is none": (archive((b"ok", b"2"), (b"b", b"")).replace(b"0         `\n", b"x         `\n"), {"/ok": b"2"}, "breaks off"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_archives(case: str) -> None:
    data, files, problem = ODD[case]
    tree, problems = tree_of("ar", data), " ".join(opened("ar", data).problems)
    assert {path: tree.content(entry, 100) for path, entry in tree.entries.items()} == files
    assert problem in problems and bool(problem) == bool(problems)


GOOD = archive((b"debian-binary", b"2.0\n"), (b"//", b"a long name/\n"), (b"/0", b"content"))


def test_changed_archives() -> None:
    for data in changed(GOOD, 200, 1):
        look("ar", data)


@pytest.mark.full
def test_many_changed_archives() -> None:
    for data in changed(GOOD, 20_000, 2):
        look("ar", data)
