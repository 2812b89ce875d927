"""Images of the lab's writer, read by PySquashfsImage."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySquashfsImage import SquashFsImage

from plumbline.lab.files.squashfs import BLOCK_SIZE, Node, write

AT = datetime(2026, 11, 20, tzinfo=UTC)
NOISE = b"".join(hashlib.sha512(n.to_bytes(4)).digest() for n in range(5000))  # does not compress, and spans three blocks


def read(tmp_path: Path, nodes: list[Node]) -> dict[str, tuple[int, int, bytes | str | None]]:
    """Give mode, owner and content or target of every file of an image."""
    path = tmp_path / "image.squashfs"
    path.write_bytes(write(nodes, AT))
    found: dict[str, tuple[int, int, bytes | str | None]] = {}
    with SquashFsImage.from_file(str(path)) as image:
        for file in image:
            content = file.read_bytes() if file.is_file else file.readlink() if file.is_symlink else None
            found[file.path] = (file.mode & 0o7777, file.uid, content)
    return found


NODES = [
    Node("/etc/passwd", 0o644, b"root:x:0:0::/:/bin/sh\n"),
    Node("/usr/bin/tool", 0o4755, NOISE),
    Node("/usr/bin/long", 0o755, b"x" * (BLOCK_SIZE * 2 + 7)),
    Node("/bin/sh", 0o777, target="busybox"),
    Node("/tmp", 0o1777),
    Node("/srv/data", 0o600, b"", owner=33),
    Node("/home/user", 0o700, owner=1000),
]


def test_everything_comes_back(tmp_path: Path) -> None:
    found = read(tmp_path, NODES)
    for node in NODES:
        assert found[node.path] == (node.mode, node.owner, node.content if node.content is not None else node.target)
    assert found["/usr/bin"] == (0o755, 0, None)


def test_a_directory_of_many_files(tmp_path: Path) -> None:
    """More than one header of 256 entries, and inodes over several metadata blocks."""
    nodes = [Node(f"/many/file-{n:04}", 0o644, f"{n}".encode()) for n in range(1200)]
    found = read(tmp_path, nodes)
    assert all(found[node.path][2] == node.content for node in nodes)


def test_the_same_tree_gives_the_same_bytes() -> None:
    assert write(NODES, AT) == write(list(reversed(NODES)), AT)


def test_an_empty_image_holds_its_root(tmp_path: Path) -> None:
    assert set(read(tmp_path, [])) == {"/"}


def test_a_path_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        write([Node("/a", 0o644, b""), Node("/a", 0o644, b"")], AT)
