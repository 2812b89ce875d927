"""zip: what Info-ZIP and Python wrote comes back; bombs, files in each other and lying headers end in bounded work and words."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget, BudgetSpentError, UnsupportedImageError
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, sample, seen, source_of, told, tree_of


@pytest.mark.system
@pytest.mark.parametrize("level", ["-0", "-9"])
def test_what_zip_wrote_comes_back(level: str, tmp_path: Path) -> None:
    folder = sample(tmp_path / "in", odd=False)
    (folder / "pipe").unlink()  # zip waits for somebody to write into it
    run("zip", "-q", "-r", "-y", level, tmp_path / "out.zip", ".", cwd=folder)
    tree = tree_of("zip", (tmp_path / "out.zip").read_bytes())
    assert told(tree, owners=False) == seen(folder, owners=False)
    assert {entry.owner for entry in tree.entries.values()} == {None}


def made(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


FILES = {"a": CONTENT, "dir/b": b"b" * 100, "ünï": b"", "c": random.Random(5).randbytes(300)}
PLACES = {
    "alone": (b"", b""),
    "something follows": (b"", b"\xff" * 70_000),
    "something stands before": (b"MZ" + bytes(5000), b""),
    "between others": (b"MZ" + bytes(5000), bytes(70_000)),
}


@pytest.mark.parametrize("case", PLACES)
def test_the_directory_is_found(case: str) -> None:
    before, behind = PLACES[case]
    data = made(FILES)
    source = source_of(before + data + behind).slice(len(before))
    tree = tree_of("zip", source)
    assert {path[1:]: tree.content(entry, 1 << 20) for path, entry in tree.entries.items() if entry.kind == "file"} == FILES
    assert opened("zip", source).size == len(data) and opened("zip", source).problems == ()


def test_offsets_that_count_from_a_program_before_it() -> None:
    out = io.BytesIO(b"MZ" + bytes(5000))
    out.seek(0, 2)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("a", b"content")
    found = load_formats()["zip"].open(source_of(out.getvalue()), Budget())
    assert found.files is not None and found.problems == ("5002 bytes between the files belong to none",)


def test_numbers_of_eight_bytes() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("big", "w", force_zip64=True) as stream:
        stream.write(CONTENT)
    data = bytearray(out.getvalue())
    end = data.rindex(b"PK\5\6")
    size, at = struct.unpack_from("<II", data, end + 12)
    central = data[at:end]
    stored, whole, header = len(CONTENT), len(CONTENT), 0
    extra = struct.pack("<HHQQQ", 1, 24, whole, stored, header)
    central[20:28], central[30:32], central[42:46] = b"\xff" * 8, struct.pack("<H", len(extra)), b"\xff" * 4
    central += extra
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, size + len(extra), at)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, at + len(central), 1)
    data[at:] = central + record + locator + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    tree = tree_of("zip", bytes(data))
    assert tree.content(tree.entries["/big"], 1 << 20) == CONTENT


@pytest.mark.system
def test_encrypted_files_are_named_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s" * 100)
    (tmp_path / "open").write_bytes(b"o" * 100)
    run("zip", "-q", "-P", "password", "x.zip", "secret", cwd=tmp_path)
    run("zip", "-q", "x.zip", "open", cwd=tmp_path)
    data = (tmp_path / "x.zip").read_bytes()
    found, tree = opened("zip", data), tree_of("zip", data)
    assert found.header.encrypted and found.problems == ("1 of 2 files are encrypted",)
    assert tree.content(tree.entries["/open"], 1000) == b"o" * 100
    with pytest.raises(UnsupportedImageError, match="encrypted"):
        tree.content(tree.entries["/secret"], 1000)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_named(method: int) -> None:
    tree = tree_of("zip", made({"a": CONTENT}, method))
    with pytest.raises(UnsupportedImageError, match=r"bzip2|lzma"):
        tree.content(tree.entries["/a"], 10)


def quoting(count: int) -> bytes:
    """Many files in the directory, all of which lie in the same place."""
    content = zlib.compress(bytes(1 << 24), 9, -15)
    name = b"a"
    local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, zlib.crc32(bytes(1 << 24)), len(content), 1 << 24, len(name), 0) + name
    central = b""
    for _ in range(count):
        fields = struct.pack("<HHHHHHIII", 20, 20, 0, 8, 0, 0, zlib.crc32(bytes(1 << 24)), len(content), 1 << 24)
        central += b"PK\1\2" + fields + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    at = len(local) + len(content)
    return local + content + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), at, 0)


def test_files_that_lie_in_each_other_are_said_and_paid_for() -> None:
    data = quoting(50)
    found = opened("zip", data)
    assert "49 files lie in others" in found.problems
    tree = tree_of("zip", data, 40 << 20)
    with pytest.raises(BudgetSpentError):
        for _ in range(3):
            tree.content(tree.entries["/a"], 1 << 24)


HOSTILE = {
    "out of the folder": ({"../../etc/passwd": b"", "ok": b""}, {"/ok"}, "no name"),
    "out of it, as Windows writes it": ({"..\\..\\x": b"", "ok": b""}, {"/ok"}, "no name"),
    "an absolute name": ({"/etc/passwd": b"", "ok": b""}, {"/etc", "/etc/passwd", "/ok"}, ""),
    "a file below a file": ({"a": b"", "a/b": b"", "ok": b""}, {"/a", "/ok"}, "no folder"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_names(case: str) -> None:
    files, entries, problem = HOSTILE[case]
    data = made(files)
    if "\\" in next(iter(files)):
        data = data.replace(b"\x14\x03\x14\0", b"\x14\0\x14\0")  # made by DOS
    problems = " ".join(opened("zip", data).problems)
    assert set(tree_of("zip", data).entries) == entries
    assert problem in problems and bool(problem) == bool(problems)


def changed_once(old: bytes, new: bytes, which: int = 0) -> bytes:
    data = made({"name1": b"content" * 100, "ok": b""}, zipfile.ZIP_STORED)
    at = -1
    for _ in range(which + 1):
        at = data.index(old, at + 1)
    return data[:at] + new + data[at + len(old) :]


LYING = {
    "another name in the file's own header": (changed_once(b"name1", b"name2"), "says otherwise"),
    "another method in the file's own header": (changed_once(b"PK\3\4\x14\0\0\0\0\0", b"PK\3\4\x14\0\0\0\x08\0"), "says otherwise"),
    "a header beyond the archive": (changed_once(b"\0\0\0\0name1", b"\xf0\xff\0\0name1"), "ends within"),
}


@pytest.mark.parametrize("case", LYING)
def test_headers_that_lie(case: str) -> None:
    data, problem = LYING[case]
    assert any(problem in said for said in opened("zip", data).problems)
    assert set(tree_of("zip", data).entries) == {"/ok"}


def test_content_that_is_not_what_its_checksum_says() -> None:
    tree = tree_of("zip", changed_once(b"content", b"CONTENT"))
    assert tree.content(tree.entries["/name1"], 7) == b"CONTENT"
    with pytest.raises(ProtocolError, match="checksum"):
        tree.content(tree.entries["/name1"], 1 << 20)
    data = made({"a": CONTENT})
    tree = tree_of("zip", data[:2000] + bytes([data[2000] ^ 1]) + data[2001:])
    with pytest.raises(ProtocolError):
        tree.content(tree.entries["/a"], 1 << 20)


def test_without_its_directory_it_is_cut_off() -> None:
    with pytest.raises(ProtocolError, match="cut off"):
        load_formats()["zip"].open(source_of(made(FILES)[:-30]), Budget())


GOOD = made({"a": b"x" * 500, "dir/b": b"y"})


def test_changed_archives() -> None:
    for data in changed(GOOD, 200, 1):
        look("zip", data)


@pytest.mark.full
def test_many_changed_archives() -> None:
    for data in changed(GOOD, 20_000, 2):
        look("zip", data)
