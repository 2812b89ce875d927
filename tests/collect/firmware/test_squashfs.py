"""The squashfs reader: right on honest images, and a value or ProtocolError, in bounded time and memory, on hostile ones."""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from plumbline.collect.firmware import tree as tree_module
from plumbline.collect.firmware.blocks import decompressor
from plumbline.collect.firmware.formats.squashfs import Squashfs
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source
from plumbline.collect.firmware.tree import Tree, walk
from plumbline.collect.firmware.unpack import State, unpack
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.making import COMPRESSIONS, Node, Writer, folder, image

CONTENT = random.Random(1).randbytes(5000) + bytes(9000) + b"end"
TREE: dict[str, Node | bytes | str] = {
    "/bin/busybox": Node(CONTENT, 0o4755),
    "/bin/sh": "busybox",
    "/etc/hostname": b"cam",
    "/etc/empty": b"",
    "/home/user/file": Node(b"x" * 4096, 0o600, 1000),
    **{f"/many/{number:04}": b"%d" % number for number in range(1200)},
}


def opened(data: bytes, budget: int = 1 << 30) -> Squashfs:
    return Squashfs(Source.of_file(io.BytesIO(data)), Budget(budget))


def read(data: bytes) -> Tree:
    return walk(opened(data))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_compression(compression: str) -> None:
    tree = read(image(TREE, compression))
    assert tree.problems == []
    assert len(tree.entries) == 1205 + 5  # and five folders
    busybox = tree.entries["/bin/busybox"]
    assert (busybox.kind, busybox.mode, busybox.owner, busybox.size) == ("file", 0o4755, 0, len(CONTENT))
    assert tree.content(busybox, 1 << 20) == CONTENT
    assert tree.content(busybox, 5001) == CONTENT[:5001]
    assert tree.content(tree.entries["/etc/empty"], 10) == b""
    assert tree.content(tree.entries["/many/1199"], 10) == b"1199"
    assert tree.entries["/home/user/file"].owner == 1000


def test_links_are_followed_inside_the_image_only() -> None:
    links: dict[str, Node | bytes | str] = {
        "/etc/passwd": "../../../../tmp/passwd",
        "/tmp/passwd": b"inside",
        "/a": "/b",
        "/b": "/a",
        "/usr/bin/tool": b"t",
        "/bin": "usr/bin",
        "/gone": "/nowhere",
    }
    tree = read(image(links))
    assert tree.resolve("/etc/passwd") == tree.entries["/tmp/passwd"]
    assert tree.resolve("/bin/tool") == tree.entries["/usr/bin/tool"]
    assert tree.resolve("/a") is None
    assert tree.resolve("/gone") is None


@pytest.mark.system
@pytest.mark.parametrize("compression", ["gzip", "lzma", "lzo", "xz", "lz4", "zstd"])
def test_images_of_mksquashfs(compression: str, tmp_path: Path) -> None:
    if shutil.which("mksquashfs") is None:
        pytest.skip("mksquashfs is not installed")
    source = tmp_path / "root"
    (source / "sub").mkdir(parents=True)
    files = {
        "sub/large": random.Random(2).randbytes(300_000) + bytes(500_000),
        "sub/small": b"small",
        "empty": b"",
        "holes": bytes(1 << 20),
    }
    for name, content in files.items():
        (source / name).write_bytes(content)
    (source / "link").symlink_to("sub/small")
    (source / "setuid").write_bytes(b"x")
    (source / "setuid").chmod(0o4711)
    out = tmp_path / "image"
    made = subprocess.run(
        ["mksquashfs", str(source), str(out), "-comp", compression, "-quiet", "-no-progress"], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"mksquashfs was built without {compression}")
    with out.open("rb") as stream:
        tree = walk(Squashfs(Source.of_file(stream), Budget()))
        assert tree.problems == []
        assert {path: tree.content(tree.entries[f"/{path}"], 1 << 21) for path in files} == files
        assert (tree.entries["/setuid"].mode, tree.entries["/link"].target) == (0o4711, "sub/small")


@pytest.mark.system
@pytest.mark.parametrize("compression", ["gzip", "xz", "zstd"])
def test_the_images_of_these_tests_are_what_unsquashfs_reads(compression: str, tmp_path: Path) -> None:
    if shutil.which("unsquashfs") is None:
        pytest.skip("unsquashfs is not installed")
    path = tmp_path / "image"
    path.write_bytes(image(TREE, compression))
    listed = subprocess.run(["unsquashfs", "-ls", str(path)], capture_output=True, text=True, check=True).stdout
    assert set(listed.split()) >= {f"squashfs-root{one}" for one in TREE}


def patched(data: bytes, offset: int, form: str, *values: int) -> bytes:
    return data[:offset] + struct.pack(form, *values) + data[offset + struct.calcsize(form) :]


GOOD = image(TREE)
SUPERBLOCKS = {
    "cut": GOOD[:90],
    "another version": patched(GOOD, 28, "<H", 3),
    "a block size of four gigabytes": patched(GOOD, 12, "<I", 0xFFFFFFFF),
    "a block size that its logarithm contradicts": patched(GOOD, 22, "<H", 20),
    "an unknown compression": patched(GOOD, 20, "<H", 99),
    "a root beyond the file": patched(GOOD, 32, "<Q", 0xFFFFFFFFFFFF0000),
    "an inode table beyond the file": patched(GOOD, 64, "<Q", 1 << 63),
    "a root within other data": patched(GOOD, 64, "<Q", 96),
}


@pytest.mark.parametrize("case", SUPERBLOCKS)
def test_bad_superblocks(case: str) -> None:
    with pytest.raises(ProtocolError):
        read(SUPERBLOCKS[case])


def test_huge_counts_are_not_believed() -> None:
    data = patched(patched(GOOD, 4, "<I", 0xFFFFFFFF), 16, "<I", 0xFFFFFFFF)
    assert len(read(data).entries) == 1210


def test_an_owner_that_is_not_listed() -> None:
    tree = read(patched(GOOD, 26, "<H", 1))
    assert tree.entries["/home/user/file"].owner is None
    assert any("/home/user/file" in problem for problem in tree.problems)


def looping() -> bytes:
    """The folder /a/b is the root again."""
    writer = Writer()
    data = bytearray(writer.image(folder({"/a/b/c": b"1", "/z": b"2"})))
    (root,) = struct.unpack_from("<Q", data, 32)
    at = data.rindex(struct.pack("<HH", 1, 0) + b"b")
    # entry: offset u16, delta i16, type u16, length u16, name; its run's header stands 12 bytes before
    struct.pack_into("<I", data, at - 4 - 8, root >> 16)
    struct.pack_into("<H", data, at - 4, root & 0xFFFF)
    return bytes(data)


def test_a_folder_within_itself_ends() -> None:
    tree = read(looping())
    assert any("within itself" in problem for problem in tree.problems)
    assert "/z" in tree.entries and len(tree.entries) <= 4


def test_names_that_are_no_names_are_left_out() -> None:
    data = image({"/ok": b"1", "/ab": b"2", "/cd/ef": b"3"}).replace(b"ab", b"..").replace(b"ef", b"/x")
    tree = read(data)
    assert set(tree.entries) == {"/ok", "/cd"}
    assert len(tree.problems) == 2


def test_depth_and_number_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = read(image({"/d" * 300 + "/file": b"x"}))
    assert any("deeper" in problem for problem in deep.problems)
    monkeypatch.setattr(tree_module, "ENTRIES_MAX", 100)
    many = read(GOOD)
    assert len(many.entries) == 100 and "too many" in many.problems[-1]


def test_a_hole_of_a_terabyte_takes_what_is_asked_for() -> None:
    tree = read(image({"/hole": Node(b"", sparse=1 << 40), "/after": b"here"}))
    assert tree.entries["/hole"].size == 1 << 40
    assert tree.content(tree.entries["/hole"], 1 << 20) == bytes(1 << 20)
    assert tree.content(tree.entries["/after"], 10) == b"here"


def test_the_budget_ends_what_decompresses_without_end() -> None:
    tree = walk(opened(image({"/hole": Node(b"", sparse=1 << 40)}), 10 << 20))
    with pytest.raises(BudgetSpentError):
        for _ in range(100):
            tree.content(tree.entries["/hole"], 1 << 20)


BOMBS = {
    "gzip": zlib.compress(bytes(1 << 24)),
    "lzma": COMPRESSIONS["lzma"][1](bytes(1 << 24)),
    "lzo": COMPRESSIONS["lzo"][1](bytes(1 << 24)),
    "xz": COMPRESSIONS["xz"][1](bytes(1 << 24)),
    "lz4": COMPRESSIONS["lz4"][1](bytes(1 << 24)),
    "zstd": COMPRESSIONS["zstd"][1](bytes(1 << 24)),
}


@pytest.mark.parametrize("compression", BOMBS)
def test_a_block_that_grows_beyond_its_limit(compression: str) -> None:
    decompress = decompressor(compression)
    assert decompress is not None
    with pytest.raises(ProtocolError):
        decompress(BOMBS[compression], 8192)
    for broken in (b"", b"\0" * 10, BOMBS[compression][:20], b"\xff" * 100):
        with contextlib.suppress(ProtocolError):
            assert len(decompress(broken, 8192)) <= 8192


@pytest.mark.parametrize("compression", ["gzip", "xz", "zstd", "lz4", "lzma", "lzo"])
def test_changed_images_give_values_or_protocol_errors(compression: str) -> None:
    changed(compression, 120, 1)


@pytest.mark.full
@pytest.mark.parametrize("compression", ["gzip", "xz", "zstd", "lz4", "lzma", "lzo"])
def test_many_changed_images_give_values_or_protocol_errors(compression: str) -> None:
    changed(compression, 20_000, 2)


def changed(compression: str, rounds: int, seed: int) -> None:
    small: dict[str, Node | bytes | str] = {path: TREE[path] for path in ("/bin/busybox", "/bin/sh", "/etc/hostname", "/home/user/file")}
    good = image(small, compression)
    dice = random.Random(seed)
    used = len(good.rstrip(b"\0"))
    for _ in range(rounds):
        data = bytearray(good)
        for _ in range(dice.choice((1, 1, 2, 8))):
            data[dice.randrange(96 if dice.random() < 0.2 else used)] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        if dice.random() < 0.1:
            del data[dice.randrange(len(data)) :]
        try:
            tree = walk(opened(bytes(data), 64 << 20))
            for entry in tree.entries.values():
                try:
                    if entry.kind == "file":
                        assert len(tree.content(entry, 1 << 20)) <= 1 << 20
                    tree.resolve(entry.path)
                except ProtocolError:
                    pass
        except ProtocolError:
            pass


FOUND = {
    "at the start": (GOOD, 0),
    "behind a header": (bytes(64) + b"hsqs" + bytes(1000) + GOOD, 1068),
    "across two blocks of the search": (bytes((1 << 20) - 2) + GOOD, (1 << 20) - 2),
}


@pytest.mark.parametrize("case", FOUND)
def test_the_file_system_is_found(case: str) -> None:
    data, offset = FOUND[case]
    layers, problems = unpack(Source.of_file(io.BytesIO(data)), Budget())
    [layer] = [layer for layer in layers if layer.tree is not None]
    assert (layer.source.place, layer.path, problems) == (offset, f"@{offset:#x}" if offset else "", [])
    assert layer.tree is not None and len(layer.tree.entries) == 1210


OTHERS = {
    "ELF program": b"\x7fELF" + bytes(5000),
    "F2FS": bytes(1024) + b"\x10\x20\xf5\xf2" + bytes(3000),
    None: b"hello",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_formats_are_named(kind: str | None) -> None:
    [layer], _ = unpack(Source.of_file(io.BytesIO(OTHERS[kind])), Budget())
    assert (layer.state, layer.kind) == (State.UNKNOWN, kind)


MEMORY = """
import sys
from pathlib import Path
from tests.collect.collecting import rig_of, run
from plumbline.collect.firmware import collect
from plumbline.rig.models import Firmware
path = Path(sys.argv[1])
done = run(collect, rig_of(path.parent, firmware=(Firmware(path, None),)))
print(done.outcomes(), done.details())
"""


@pytest.mark.full
def test_a_bomb_of_holes_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.sqsh"
    path.write_bytes(image({f"/hole{number}": Node(b"", sparse=1 << 40) for number in range(60)}))
    root = Path(__file__).parents[3]
    answer = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, cwd=root, timeout=100, check=False)
    assert "'image_key': 'partial'" in answer.stdout, answer.stderr
    assert "'image_account': 'ok'" in answer.stdout
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bomb.sqsh", "bundle"]
