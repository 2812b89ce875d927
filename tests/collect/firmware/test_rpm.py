"""RPM headers and databases: what was written is read, a real one too; of the rest comes a ProtocolError."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.collect.firmware.packages import Package
from plumbline.collect.firmware.rpm_databases import BLOBS_MAX, PLACE, blobs
from plumbline.collect.firmware.rpm_headers import read_header
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.making_rpm import header, in_hash, in_ndb, in_sqlite, package

CHANGES = ["- fix CVE-2024-0001 and CVE-2023-12345", "- first build"]
OPENSSL = package("openssl-libs", epoch=1, vendor="Northwind", arch="armv7hl", source="openssl-1.2.3-4.el9.src.rpm", changes=CHANGES)
FORMS: dict[str, Callable[[list[bytes]], bytes]] = {
    "SQLite": in_sqlite,
    "ndb": in_ndb,
    "Berkeley DB": in_hash,
    "Berkeley DB, big endian": lambda each: in_hash(each, ">"),
}


def test_a_header_is_read() -> None:
    assert read_header(OPENSSL) == Package(
        "openssl-libs",
        "1:1.2.3-4.el9",
        "rpm",
        architecture="armv7hl",
        source="openssl",
        supplier="Northwind",
        fixes=("CVE-2023-12345", "CVE-2024-0001"),
    )


def test_what_a_header_does_not_say_is_not_observed() -> None:
    one = read_header(package("zlib"))
    assert (one.version, one.architecture, one.source, one.supplier, one.fixes) == ("1.2.3-4.el9", None, None, None, None)


def test_a_source_of_another_version_is_told() -> None:
    one = read_header(package("perl-libs", source="perl-5.36.0-1.el9.src.rpm"))
    assert (one.source, one.source_version) == ("perl", "5.36.0-1.el9")


BROKEN = {
    "empty": b"",
    "more entries than bytes": b"\0\1\0\0" + b"\0\0\0\1" + bytes(40),
    "no release": header({1000: "a", 1001: "1"}),
    "a name that is a number": header({1000: 1, 1001: "1", 1002: "1"}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_header_is_refused(case: str) -> None:
    with pytest.raises(ProtocolError):
        read_header(BROKEN[case])


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_database_gives_its_headers(form: str) -> None:
    headers = [package("filler", changes=["- " + "x" * 3000]), OPENSSL, package("zlib")]
    assert list(blobs(FORMS[form](headers))) == headers


def test_a_database_that_is_none_is_refused() -> None:
    for data in (b"", b"x" * 600, in_sqlite([])[:100], b"RpmP" + bytes(12)):
        with pytest.raises(ProtocolError):
            list(blobs(data))


def test_a_cap_that_is_reached_is_told() -> None:
    given = blobs(in_sqlite([b"x"] * (BLOBS_MAX + 1)))
    with pytest.raises(ProtocolError, match="more than 100,000 packages"):
        for _ in given:
            pass


def test_an_sqlite_database_without_packages_is_refused() -> None:
    with pytest.raises(ProtocolError, match="Packages"):
        list(blobs(in_sqlite([]).replace(b"Packages", b"Pickages")))


@pytest.mark.parametrize("form", FORMS)
def test_changed_databases_give_headers_or_a_protocol_error(form: str) -> None:
    maker = random.Random(form)
    whole = FORMS[form]([OPENSSL, package("zlib", changes=["- " + "x" * 900])])
    for _ in range(1250):  # of each form: 5,000 in all
        data = bytearray(whole)
        for _ in range(maker.randint(1, 12)):
            data[maker.randrange(len(data))] = maker.choice((0, 1, 0x7F, 0x80, 0xFF, maker.randrange(256)))
        _read(bytes(data[: maker.choice((len(data), maker.randrange(len(data) + 1)))]))


def _read(data: bytes) -> None:
    try:
        for blob in blobs(data):
            try:
                read_header(blob)
            except ProtocolError:
                continue
    except ProtocolError:
        pass


def test_changed_headers_give_a_package_or_a_protocol_error() -> None:
    maker = random.Random(5)
    for number in range(5000):
        data = bytearray(OPENSSL if number % 2 else maker.randbytes(maker.randrange(200)))
        for _ in range(maker.randint(0, 8) if data else 0):
            data[maker.randrange(len(data))] = maker.choice((0, 1, 0x7F, 0x80, 0xFF, maker.randrange(256)))
        try:
            read_header(bytes(data[: maker.randrange(len(data) + 1)] if number % 3 == 0 else data))
        except ProtocolError:
            continue


@pytest.mark.system
def test_a_database_of_rpm_itself(tmp_path: Path) -> None:
    if shutil.which("rpmbuild") is None:
        pytest.skip("rpmbuild is not installed")
    spec = tmp_path / "cam.spec"
    spec.write_text(
        "Name: cam-web\nVersion: 2.1\nRelease: 7\nEpoch: 3\nSummary: x\nLicense: MIT\nVendor: Northwind\nBuildArch: noarch\n"
        "%description\nx\n%files\n%changelog\n* Mon Jan 06 2025 A B <a@b.example> - 2.1-7\n- fix CVE-2024-4242\n"
    )
    define = [word for key in ("_topdir", "_dbpath_rebuild") for word in ("--define", f"{key} {tmp_path}/build")]
    subprocess.run(["rpmbuild", "-bb", *define, str(spec)], check=True, capture_output=True)
    [made] = (tmp_path / "build").rglob("*.rpm")
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(
        ["rpm", "--root", str(root), "-i", "--justdb", "--nodeps", "--nosignature", "--dbpath", "/var/lib/rpm", str(made)],
        check=True,
        capture_output=True,
    )
    [database] = [path for path in root.rglob("*") if path.is_file() and PLACE.fullmatch("/" + path.relative_to(root).as_posix())]
    [one] = [read_header(blob) for blob in blobs(database.read_bytes())]
    assert (one.name, one.version, one.architecture, one.source, one.source_version) == ("cam-web", "3:2.1-7", "noarch", None, None)
    assert (one.supplier, one.fixes) == ("Northwind", ("CVE-2024-4242",))
