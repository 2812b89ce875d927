"""UBIFS: what mkfs.ubifs wrote comes back in every compression, and what the journal says since; lies of the index end."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plumbline.collect.firmware.digests import linux_crc32
from plumbline.collect.firmware.format import load_formats
from plumbline.collect.firmware.source import Budget, UnsupportedImageError
from plumbline.collect.firmware.ubifs_index import entry_of
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import CONTENT, changed, look, opened, run, sample, seen, source_of, told, tree_of

LEB = 15872


def made(folder: Path, image: Path, *options: str) -> bytes:
    run("mkfs.ubifs", "-m", "512", "-e", str(LEB), "-c", "2000", "-r", folder, *options, "-o", image)
    return image.read_bytes()


@pytest.mark.system
@pytest.mark.parametrize("compression", ["none", "lzo", "zlib", "zstd", "favor_lzo"])
def test_what_mkfs_ubifs_wrote_comes_back(compression: str, tmp_path: Path) -> None:
    folder = sample(tmp_path / "in")
    data = made(folder, tmp_path / "image", "-x", compression)
    tree, found = tree_of("ubifs", data), opened("ubifs", data + b"\xff" * 700)
    assert told(tree) == seen(folder)
    assert (found.size, found.problems, tree.problems, found.header.encrypted) == (len(data), (), [], False)
    assert found.compression == {"zlib": "gzip", "favor_lzo": "lzo"}.get(compression, compression)
    assert tree.entries["/hard"].reference == tree.entries["/one"].reference


@pytest.mark.system
def test_an_index_of_several_levels(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(1500):
        (folder / f"file {number}").write_bytes(b"%d" % number)
    tree = tree_of("ubifs", made(folder, tmp_path / "image", "-f", "3", "-k", "test"))  # "test": names share their hashes
    assert told(tree) == seen(folder)


@pytest.mark.system
def test_encrypted_files_are_named_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(bytes(range(64)))
    options = ("--key", str(tmp_path / "key"), "--key-descriptor", "0123456789abcdef", "--cipher", "AES-256-XTS")
    data = made(sample(tmp_path / "in", links=False, many=0), tmp_path / "image", *options)
    found, tree = opened("ubifs", data), tree_of("ubifs", data)
    assert found.header.encrypted is True
    files = [entry for entry in tree.entries.values() if entry.kind == "file" and entry.size]
    assert files
    for entry in files:
        with pytest.raises(UnsupportedImageError):
            tree.content(entry, 100)


@cache
def small() -> bytes:
    with TemporaryDirectory() as at:
        folder = Path(at) / "in"
        (folder / "folder").mkdir(parents=True)
        (folder / "folder/file").write_bytes(CONTENT[:9000])
        (folder / "gone").write_bytes(b"gone")
        (folder / "link").symlink_to("folder/file")
        return made(folder, Path(at) / "image")


def node(kind: int, number: int, body: bytes) -> bytes:
    rest = struct.pack("<QIBBxx", number, 24 + len(body), kind, 0) + body
    return b"\x31\x18\x10\x06" + struct.pack("<I", linux_crc32(rest, 0xFFFFFFFF)) + rest


def again(data: bytearray, at: int) -> None:
    """Compute a changed node's checksum anew."""
    size = struct.unpack_from("<I", data, at + 16)[0]
    struct.pack_into("<I", data, at + 4, linux_crc32(bytes(data[at + 8 : at + size]), 0xFFFFFFFF))


def key(inode: int, kind: int, number: int = 0) -> bytes:
    return struct.pack("<II8x", inode, kind << 29 | number)


def inode(inode: int, size: int, *, links: int = 1, mode: int = 0o100600) -> bytes:
    body = (
        key(inode, 0) + struct.pack("<QQQQQIIIIIIII", 1, size, 0, 0, 0, 0, 0, 0, links, 7, 7, mode, 0) + bytes(12) + bytes(4 + 4 + 2 + 26)
    )
    return body.ljust(136, b"\0")


def entry(folder: int, inode: int, name: bytes, hashed: int = 5) -> bytes:
    return key(folder, 2, hashed) + struct.pack("<QBBHI", inode, 0, 0, len(name), 0) + name + b"\0"


def data(inode: int, number: int, content: bytes) -> bytes:
    return key(inode, 1, number) + struct.pack("<IHxx", len(content), 0) + content


def numbers() -> dict[str, int]:
    tree = tree_of("ubifs", small())
    return {path: one.reference for path, one in tree.entries.items()}


def hash_of(name: bytes) -> int:
    at = small().index(name + b"\0") - 56
    return int(struct.unpack_from("<I", small(), at + 28)[0] & 0x1FFFFFFF)


def with_journal(*nodes: bytes, written: int = 1 << 20) -> bytes:
    """Write nodes behind the last block, and into the log that they are there."""
    image = bytearray(small())
    [lebs] = struct.unpack_from("<I", image, 40)
    struct.pack_into("<I", image, 40, lebs + 1)
    again(image, 0)
    log = struct.unpack_from("<I", image, LEB + 44)[0] * LEB
    reference = node(8, written, struct.pack("<III28x", lebs, 0, 1))
    image[log + 512 : log + 512 + len(reference)] = reference
    block = b"".join(one + bytes(-len(one) % 8) for one in nodes)
    return bytes(image) + block.ljust(LEB, b"\xff")


@pytest.mark.system
def test_what_the_journal_says_counts() -> None:
    known = numbers()
    image = with_journal(
        node(0, 1000, inode(900, 3)),
        node(2, 1001, entry(1, 900, b"new")),
        node(1, 1002, data(900, 0, b"old")),
        node(1, 1004, data(900, 0, b"new")),
        node(1, 1003, data(900, 0, b"mid")),  # in the order of writing, not as it lies
        node(2, 1005, entry(1, 0, b"gone", hash_of(b"gone"))),
        node(0, 1006, inode(known["/gone"], 0, links=0)),
        node(4, 1007, struct.pack("<I12xQQ", known["/folder/file"], 9000, 4096)),
        node(0, 1008, inode(known["/folder/file"], 5000)),
    )
    tree = tree_of("ubifs", image)
    assert sorted(tree.entries) == ["/folder", "/folder/file", "/link", "/new"] and tree.problems == []
    assert tree.content(tree.entries["/new"], 10) == b"new"
    assert tree.content(tree.entries["/folder/file"], 1 << 20) == CONTENT[:4096] + bytes(904)
    assert (tree.entries["/new"].owner, tree.entries["/new"].mode) == (7, 0o600)


@pytest.mark.system
@pytest.mark.parametrize(
    "hostile",
    [
        node(2, 1000, key(1, 1) + entry(1, 0, b"gone")[16:]),
        node(2, 1000, key(900, 0) + entry(900, 0, b"gone")[16:]),
    ],
    ids=["a name taken away under a key of data", "in a folder that is not there"],
)
def test_a_journal_that_cannot_be_is_survived(hostile: bytes) -> None:
    assert set(numbers()) <= set(tree_of("ubifs", with_journal(hostile)).entries)


@pytest.mark.parametrize("size", [25, 40, 51, 55])
def test_an_entry_that_is_cut_off(size: int) -> None:
    with pytest.raises(ProtocolError):
        entry_of(bytes(size))


@pytest.mark.system
def test_an_index_node_that_is_cut_off() -> None:
    image, at = bytearray(small()), root_at()
    image[at : at + 26] = node(9, 1, bytes(2))
    for leb in (1, 2):
        for place in range(leb * LEB, (leb + 1) * LEB, 512):
            if image[place : place + 4] == b"\x31\x18\x10\x06" and image[place + 20] == 7:
                struct.pack_into("<I", image, place + 56, 26)
                again(image, place)
    assert "index node that is cut off" in opened("ubifs", bytes(image)).problems[0]


@pytest.mark.system
def test_a_journal_of_another_commit_does_not_count() -> None:
    image = bytearray(with_journal(node(2, 1001, entry(1, 900, b"new"))))
    log = struct.unpack_from("<I", image, LEB + 44)[0] * LEB
    struct.pack_into("<Q", image, log + 24, 99)
    again(image, log)
    assert sorted(tree_of("ubifs", bytes(image)).entries) == ["/folder", "/folder/file", "/gone", "/link"]


@pytest.mark.system
def test_a_journal_that_is_older_than_the_commit_does_not_count() -> None:
    image = with_journal(node(2, 1001, entry(1, 900, b"new")), written=1)
    assert sorted(tree_of("ubifs", image).entries) == ["/folder", "/folder/file", "/gone", "/link"]


def root_at() -> int:
    leb, offset = struct.unpack_from("<II", small(), LEB + 48)
    return int(leb * LEB + offset)


@pytest.mark.system
def test_an_index_that_leads_in_a_circle_ends() -> None:
    image, at = bytearray(small()), root_at()
    [branches] = struct.unpack_from("<H", image, at + 24)
    struct.pack_into("<H", image, at + 26, 3)
    for number in range(branches):
        struct.pack_into("<III", image, at + 28 + 20 * number, at // LEB, at % LEB, struct.unpack_from("<I", image, at + 16)[0])
    again(image, at)
    with pytest.raises(ProtocolError):
        tree_of("ubifs", bytes(image))  # the root folder is not in it
    assert any("level" in problem for problem in opened("ubifs", bytes(image)).problems)


@pytest.mark.system
def test_a_damaged_node_costs_its_file_and_no_more() -> None:
    image = bytearray(small())
    at = image.index(CONTENT[4096:4120])
    image[at] ^= 1
    tree = tree_of("ubifs", bytes(image))
    with pytest.raises(ProtocolError):
        tree.content(tree.entries["/folder/file"], 1 << 20)
    assert tree.content(tree.entries["/gone"], 10) == b"gone"


@pytest.mark.system
def test_what_cannot_be_or_is_not_read() -> None:
    each = load_formats()["ubifs"]
    for at, form, value, error in ((36, "<I", 100, ProtocolError), (27, "<B", 1, UnsupportedImageError), (56, "<I", 0, ProtocolError)):
        image = bytearray(small())
        struct.pack_into(form, image, at, value)
        again(image, 0)
        with pytest.raises(error):
            each.open(source_of(bytes(image)), Budget())
    image = bytearray(small())
    image[LEB + 100] ^= 1
    assert opened("ubifs", bytes(image)).problems == ()  # the copy of the master node counts
    image[2 * LEB + 100] ^= 1
    with pytest.raises(ProtocolError):
        opened("ubifs", bytes(image))
    assert any("cut off" in problem for problem in opened("ubifs", small()[:-LEB]).problems)


@pytest.mark.system
def test_changed_images() -> None:
    for one in changed(small(), 100, 1, head=5 * LEB):
        look("ubifs", one)


@pytest.mark.full
@pytest.mark.system
def test_many_changed_images() -> None:
    for one in changed(small(), 20_000, 2, head=5 * LEB):
        look("ubifs", one)
