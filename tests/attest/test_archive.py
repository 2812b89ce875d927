"""A sealed folder goes encrypted to its recipient: others' tools read it, and what is hostile in an archive reaches no place outside."""

from __future__ import annotations

import io
import random
import shutil
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from plumbline.attest.archive import load_recipients, write_archive
from plumbline.attest.unsealing import HEADER_MAX, load_identities, unseal
from plumbline.attest.verify import Asked, verify
from plumbline.model.errors import InputError

ME = pyrage.x25519.Identity.generate()


@pytest.fixture(scope="module")
def archive(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "out.tar.age"
    write_archive(untouched, path, [ME.to_public()])
    return path


def plain(archive: Path) -> bytes:
    """By pyrage alone."""
    return bytes(pyrage.decrypt(archive.read_bytes(), [ME]))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_others_tools_read_it(untouched: Path, archive: Path, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(plain(archive))) as read:
        read.extractall(tmp_path, filter="data")
    due = contents(untouched)
    del due["seal.private.json"]
    assert contents(tmp_path) == due
    assert not verify(tmp_path, Asked(again=False)).wrong


def test_it_comes_out_as_it_went_in(untouched: Path, archive: Path, tmp_path: Path) -> None:
    identity = tmp_path / "me.txt"
    identity.write_text(f"# created: today\n# public key: {ME.to_public()}\n{ME}\n")
    identity.chmod(0o600)
    count = unseal(archive, tmp_path / "out", load_identities(identity))
    assert count == len(contents(tmp_path / "out")) == len(contents(untouched)) - 1
    assert not verify(tmp_path / "out", Asked(again=False)).wrong
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").rglob("*") if path.is_file()} == {0o600}


def test_the_same_files_give_the_same_archive(untouched: Path, archive: Path, tmp_path: Path) -> None:
    shutil.copytree(untouched, tmp_path / "copy")
    write_archive(tmp_path / "copy", tmp_path / "again.age", [ME.to_public()])
    assert plain(tmp_path / "again.age") == plain(archive)
    assert (tmp_path / "again.age").read_bytes() != archive.read_bytes()


def test_what_is_private_goes_along_when_asked(untouched: Path, tmp_path: Path) -> None:
    write_archive(untouched, tmp_path / "all.age", [ME.to_public()], with_private=True)
    unseal(tmp_path / "all.age", tmp_path / "out", [ME])
    assert contents(tmp_path / "out") == contents(untouched)


def test_a_file_that_changed_is_not_handed_over(out: Path, tmp_path: Path) -> None:
    (out / "report.json").write_bytes(b"{}")
    with pytest.raises(InputError, match=r"report\.json: is not the file that was sealed"):
        write_archive(out, tmp_path / "x.age", [ME.to_public()])
    assert not list(tmp_path.glob("*.age"))


def test_a_file_that_the_seal_does_not_name_is_said(out: Path, tmp_path: Path) -> None:
    (out / "report.pdf").write_bytes(b"written after the seal")
    made = write_archive(out, tmp_path / "x.age", [ME.to_public()])
    assert made.left == ("report.pdf",)
    assert unseal(tmp_path / "x.age", tmp_path / "came", [ME]) == made.files


def test_not_into_the_sealed_folder(untouched: Path) -> None:
    with pytest.raises(InputError, match="lies in the sealed folder"):
        write_archive(untouched, untouched / "x.age", [ME.to_public()])


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut by a byte": lambda data: data[:-1],
    "cut in half": lambda data: data[: len(data) // 2],
    "a bit flipped at the end": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "a bit flipped in the middle": lambda data: data[:9000] + bytes([data[9000] ^ 1]) + data[9001:],
    "empty": lambda data: b"",
    "more behind it": lambda data: data + b"x",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_archive_leaves_nothing(archive: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    (tmp_path / "bad.age").write_bytes(damage(archive.read_bytes()))
    with pytest.raises(InputError):
        unseal(tmp_path / "bad.age", tmp_path / "out", [ME])
    assert [path.name for path in tmp_path.iterdir()] == ["bad.age"]


def test_somebody_else_opens_nothing(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be decrypted"):
        unseal(archive, tmp_path / "out", [pyrage.x25519.Identity.generate()])


def test_what_is_no_archive_is_told_from_one_of_another_key(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>", encoding="utf-8")
    for path in (tmp_path / "page.html", tmp_path):
        with pytest.raises(InputError, match="name an archive that `plumbline seal --to` wrote"):
            unseal(path, tmp_path / "out", [ME])


def member(name: str, data: bytes = b"x", **also: object) -> Callable[[tarfile.TarFile], None]:
    def add(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        for key, value in also.items():
            setattr(info, key, value)
        archive.addfile(info, io.BytesIO(data) if info.isreg() else None)

    return add


def twice(archive: tarfile.TarFile) -> None:
    member("a")(archive)
    member("a")(archive)


def below_a_file(archive: tarfile.TarFile) -> None:
    member("a")(archive)
    member("a/b")(archive)


def through_a_link(archive: tarfile.TarFile) -> None:
    member("a", b"", type=tarfile.SYMTYPE, linkname="/tmp")(archive)
    member("a/b")(archive)


HOSTILE = {
    "a way up": member("../escaped"),
    "a way up within": member("a/../../escaped"),
    "an absolute name": member("/tmp/escaped"),
    "a drive": member("C:/escaped"),
    "backslashes": member("..\\escaped"),
    "a link": member("a", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": member("a", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "a device": member("a", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "a fifo": member("a", b"", type=tarfile.FIFOTYPE),
    "a directory": member("a", b"", type=tarfile.DIRTYPE),
    "through a link": through_a_link,
    "a name twice": twice,
    "below a file": below_a_file,
    "a header without end": member("a", pax_headers={"comment": "x" * (2 * HEADER_MAX)}),
    "a sparse file": member("a", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1099511627776"}),
    "very deep": member("/".join("a" * 60)),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives(tmp_path: Path, hostile: Callable[[tarfile.TarFile], None]) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member("first")(archive)
        hostile(archive)
    (tmp_path / "bad.age").write_bytes(pyrage.encrypt(data.getvalue(), [ME.to_public()]))
    with pytest.raises(InputError, match="no archive that is safe to open"):
        unseal(tmp_path / "bad.age", tmp_path / "out", [ME])
    assert [path.name for path in tmp_path.iterdir()] == ["bad.age"]


def test_too_much(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than an archive may"):
        unseal(archive, tmp_path / "out", [ME], limit=10_000)


def test_bytes_that_are_no_archive(tmp_path: Path) -> None:
    for data in (b"x" * 5000, b"\xff" * 512, bytes(5120)):
        (tmp_path / "bad.age").write_bytes(pyrage.encrypt(data, [ME.to_public()]))
        try:
            assert unseal(tmp_path / "bad.age", tmp_path / "out", [ME]) == 0
            (tmp_path / "out").rmdir()
        except InputError:
            pass


def test_bytes_of_an_archive_that_changed(tmp_path: Path) -> None:
    """What somebody encrypted for us is read to the end, or refused; nothing is written outside the folder."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a", "b/c", "ü" * 60):
            member(name, b"x" * 700)(archive)
    whole, chance = data.getvalue(), random.Random(8)
    for _ in range(120):
        changed = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.randrange(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        (tmp_path / "x.age").write_bytes(pyrage.encrypt(bytes(changed), [ME.to_public()]))
        with suppress(InputError):
            unseal(tmp_path / "x.age", tmp_path / "out", [ME])
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        assert [path.name for path in tmp_path.iterdir()] == ["x.age"]


NO_RECIPIENT = {"no key": "age1qqq", "no file": "nowhere", "an SSH key of another kind": "ssh-dss AAAA", "a private key": str(ME)}


@pytest.mark.parametrize("word", NO_RECIPIENT.values(), ids=NO_RECIPIENT)
def test_no_recipient(word: str) -> None:
    with pytest.raises(InputError):
        load_recipients([word])


def test_an_ssh_key(untouched: Path, tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    path = tmp_path / "id_ed25519"
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    write_archive(untouched, tmp_path / "x.age", load_recipients([public]))
    assert unseal(tmp_path / "x.age", tmp_path / "out", load_identities(path)) > 10


NO_IDENTITY = {"nothing": "", "comments alone": "# none\n", "a recipient": str(ME.to_public()), "no key": "-----BEGIN PRIVATE KEY-----\nx"}


@pytest.mark.parametrize("text", NO_IDENTITY.values(), ids=NO_IDENTITY)
def test_no_identity(tmp_path: Path, text: str) -> None:
    (tmp_path / "me.txt").write_text(text)
    (tmp_path / "me.txt").chmod(0o600)
    with pytest.raises(InputError, match="holds no identity"):
        load_identities(tmp_path / "me.txt")


def test_a_file_of_recipients(tmp_path: Path) -> None:
    path = tmp_path / "recipients.txt"
    path.write_text(f"# us\n{ME.to_public()}\n\n{ME.to_public()}\n")
    assert len(load_recipients([str(path)])) == 2
