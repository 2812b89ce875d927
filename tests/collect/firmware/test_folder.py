"""A folder as a tree: all that is in it, and nothing that a link leads to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plumbline.collect.firmware.folder import folder_tree
from plumbline.collect.firmware.source import Budget, BudgetSpentError
from plumbline.collect.firmware.tree import walk
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import sample, seen, told


def test_all_that_is_in_it(tmp_path: Path) -> None:
    folder = sample(tmp_path / "in")
    tree = walk(folder_tree(folder))
    assert told(tree) == seen(folder)
    assert tree.problems == []
    assert tree.entries["/hard"].reference == tree.entries["/one"].reference


def test_links_lead_nowhere_outside(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(b"secret")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "file").symlink_to(tmp_path / "outside/secret")
    (folder / "folder").symlink_to("../outside")
    (folder / "self").symlink_to(".")
    os.mkfifo(folder / "pipe")
    tree = walk(folder_tree(folder))
    assert {path: entry.kind for path, entry in tree.entries.items()} == {
        "/file": "symlink",
        "/folder": "symlink",
        "/self": "symlink",
        "/pipe": "other",
    }
    assert tree.resolve("/folder/secret") is None and tree.resolve("/file") is None


def test_what_became_a_link_since_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/file").write_bytes(b"inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_bytes(b"outside")
    tree = walk(folder_tree(folder))
    inode = tree.inode(tree.entries["/sub/file"])
    (folder / "sub").rename(folder / "gone")
    (folder / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(ProtocolError, match="cannot be read"):
        tree.files.content(inode, 100)
    (folder / "sub").unlink()
    (folder / "gone").rename(folder / "sub")
    (folder / "sub/file").unlink()
    os.mkfifo(folder / "sub/file")
    with pytest.raises(ProtocolError):
        tree.files.content(inode, 100)


def test_the_folder_may_be_given_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_bytes(b"1")
    (tmp_path / "link").symlink_to("real")
    assert set(walk(folder_tree(tmp_path / "link")).entries) == {"/file"}
    with pytest.raises(ProtocolError):
        folder_tree(tmp_path / "missing")
    with pytest.raises(ProtocolError):
        walk(folder_tree(tmp_path / "real/file"))


def test_reading_is_paid_for(tmp_path: Path) -> None:
    with (tmp_path / "hole").open("wb") as stream:
        stream.truncate(1 << 40)
    tree = walk(folder_tree(tmp_path, Budget(5 << 20)))
    with pytest.raises(BudgetSpentError):
        tree.content(tree.entries["/hole"], 1 << 30)
