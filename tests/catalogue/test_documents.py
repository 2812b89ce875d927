"""Files opened for import: compression, archives, folders, and what is meant to choke."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from plumbline.catalogue import documents as module
from plumbline.catalogue.documents import Document, documents
from plumbline.catalogue.facts import Unread
from plumbline.model.errors import InputError, ProtocolError

CONTENT = b'{"a": 1}\n'


def _zip(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def _tar(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


PACKED = {
    "plain": CONTENT,
    "gzip": gzip.compress(CONTENT, mtime=0),
    "xz": lzma.compress(CONTENT),
    "bzip2": bz2.compress(CONTENT),
    "zstandard": zstandard.compress(CONTENT),
}


def opened(path: Path, data: bytes) -> list[Document | Unread]:
    path.write_bytes(data)
    return list(documents(path))


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
def test_compression_is_undone(tmp_path: Path, data: bytes) -> None:
    [one] = opened(tmp_path / "x", data)
    assert isinstance(one, Document)
    assert (one.name, one.data, one.json) == ("x", CONTENT, {"a": 1})


@pytest.mark.parametrize("data", [_zip(a=CONTENT, b=b"2"), gzip.compress(_tar(a=CONTENT, b=b"2"))], ids=["zip", "tar.gz"])
def test_members_of_an_archive_are_documents(tmp_path: Path, data: bytes) -> None:
    found = opened(tmp_path / "x", data)
    assert [(one.name, one.data) for one in found if isinstance(one, Document)] == [("x!a", CONTENT), ("x!b", b"2")]


@pytest.mark.parametrize("cut", range(1, 40, 7))
@pytest.mark.parametrize(
    "data", [*list(PACKED.values())[1:], _zip(a=CONTENT * 50), _tar(a=CONTENT * 50)], ids=[*list(PACKED)[1:], "zip", "tar"]
)
def test_what_is_cut_is_a_document_or_unread_and_raises_nothing(tmp_path: Path, data: bytes, cut: int) -> None:
    assert opened(tmp_path / "x", data[:-cut])


def test_a_document_larger_than_any_of_its_kind_is_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOCUMENT_MAX", 1000)
    [one] = opened(tmp_path / "x", gzip.compress(b"0" * 5000))
    assert one == Unread("x", "larger than 0 MB")


def test_an_archive_is_read_until_it_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOTAL_MAX", 150)
    found = opened(tmp_path / "x", _zip(a=b"0" * 100, b=b"0" * 100))
    assert [type(one) for one in found] == [Document, Unread]
    monkeypatch.setattr(module, "MEMBERS_MAX", 1)
    [one] = opened(tmp_path / "y", _zip(a=b"", b=b""))
    assert isinstance(one, Unread)


def test_a_folder_gives_its_files_in_order_without_links_and_hidden_ones(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "b").mkdir(parents=True)
    for name in ("z.json", "b/a.json", ".hidden"):
        (folder / name).write_bytes(CONTENT)
    (folder / "link.json").symlink_to(tmp_path)
    assert [one.name for one in documents(folder) if isinstance(one, Document)] == ["set/b/a.json", "set/z.json"]


def test_a_path_that_is_not_there_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        list(documents(tmp_path / "none"))


BAD_JSON = {"not JSON": "{", "NaN": "[NaN]", "deep": "[" * 100_000, "digits": "9" * 10_000, "no UTF-8": b"\xff\xfe{}"}


@pytest.mark.parametrize("data", BAD_JSON.values(), ids=BAD_JSON)
def test_bad_json_is_a_protocol_error(data: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        _ = Document("x", data if isinstance(data, bytes) else data.encode()).json


def test_json_lines_tell_the_bad_ones_apart() -> None:
    found = dict(Document("x", b'{"a": 1}\n\n{\n\xff\n2').json_lines())
    assert [place for place, value in found.items() if isinstance(value, ProtocolError)] == ["x, line 3", "x, line 4"]
    assert (found["x, line 1"], found["x, line 5"]) == ({"a": 1}, 2)
