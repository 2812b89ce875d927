"""Certificates in images: every form is read, stores are told once, and what only looks like one gives nothing or is said."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from plumbline.collect.firmware.certificates import CERTIFICATES_MAX, DER_MAX, find_certificates, is_store
from plumbline.lab.certificates import Certificate, authority_der, certificate_pem, chain_pem, der
from tests.collect.firmware.making import Node
from tests.collect.firmware.told import told_of_files

Files = dict[str, Node | bytes | str]
ROOT: Files = {"/etc/passwd": b"root:*:0:0::/:/bin/sh\n", "/bin/sh": b"\0", "/usr/x": b"\0"}
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
LEAF = Certificate("cam.example", "cam", "rsa-2048", START, END, authority="maker")
OWN = Certificate("old.example", "old", "rsa-1024", START, END, signature_hash="sha1")
PEM, DER = certificate_pem(LEAF), der(LEAF)
BOTH = chain_pem(LEAF, with_authority=True)


def block(data: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(data) + b"-----END CERTIFICATE-----\n"


def rows(files: Files) -> list[dict[str, Any]]:
    told = told_of_files({**ROOT, **files})
    assert told.said_of("image_certificate") == []
    return told.rows["image_certificate"]


def test_what_is_told_of_a_certificate() -> None:
    [row] = rows({"/etc/own.pem": certificate_pem(OWN)})
    assert (row["subject"], row["path"], row["offset"]) == ("/etc/own.pem", "/etc/own.pem", 0)
    assert (row["subject_name"], row["issuer_name"], row["self_signed"], row["ca"]) == ("CN=old.example", "CN=old.example", None, False)
    assert (row["key_type"], row["key_bits"], row["signature_hash"]) == ("rsa", 1024, "sha1")
    assert (row["not_before"], row["not_after"]) == (START, END)
    assert (row["trust_store"], row["embedded"]) == (False, False)


FORMS: dict[str, tuple[bytes, int, bool]] = {
    "PEM": (PEM, 1, False),
    "PEM with lines of Windows": (PEM.replace(b"\n", b"\r\n"), 1, False),
    "PEM behind its text": (b"Certificate:\n    Data: ...\n" + PEM, 1, False),
    "PEM under its older name": (PEM.replace(b"BEGIN CERT", b"BEGIN X509 CERT").replace(b"END CERT", b"END X509 CERT"), 1, False),
    "DER": (DER, 1, False),
    "a chain and its key": (BOTH, 2, False),
    "in a program": (b"\x7fELF\0\0" + PEM + bytes(9), 1, True),
    "DER with something behind it": (DER + b"x", 0, False),
    "the boundaries alone": (b"-----BEGIN CERTIFICATE-----\0-----END CERTIFICATE-----\0", 0, False),
    "an example": (b"-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n", 0, False),
    "without an end": (PEM[:-40], 0, False),
    "something else in DER": (b"\x30\x82\x02\x00" + bytes(512), 0, False),
}


@pytest.mark.parametrize("case", FORMS)
def test_forms(case: str) -> None:
    data, count, embedded = FORMS[case]
    found = rows({"/etc/cert": data})
    assert [row["subject"] for row in found] == ["/etc/cert", "/etc/cert#1"][:count]
    assert all(row["embedded"] is embedded for row in found)


def test_an_authority_is_told_as_one() -> None:
    leaf, authority = rows({"/etc/chain.pem": BOTH})
    assert (leaf["ca"], leaf["self_signed"], authority["ca"], authority["self_signed"]) == (False, False, True, True)


def test_stores_are_told_once() -> None:
    other = block(authority_der(LEAF))
    found = rows({"/etc/ssl/certs/a.pem": PEM, "/usr/share/ca-certificates/a.crt": PEM, "/etc/ssl/certs/ca-certificates.crt": PEM + other})
    assert len(found) == 2 and all(row["trust_store"] for row in found)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/ssl/certs/ca-certificates.crt", True),
        ("rootfs!/usr/share/ca-certificates/mozilla/A.crt", True),
        ("/etc/ssl/cert.pem", True),
        ("/usr/lib/python3/dist-packages/certifi/cacert.pem", True),
        ("/system/etc/security/cacerts/00673b5b.0", True),
        ("/etc/ssl/server.pem", False),
        ("/opt/agent/cacert.pem", False),
    ],
)
def test_which_places_are_stores(path: str, expected: bool) -> None:
    assert is_store(path) is expected


def test_what_cannot_be_read_is_said() -> None:
    told = told_of_files({**ROOT, "/etc/a.pem": block(DER[:-30]), "/etc/b.pem": PEM})
    assert [row["path"] for row in told.rows["image_certificate"]] == ["/etc/b.pem"]
    [said] = told.said_of("image_certificate")
    assert "/etc/a.pem: not a certificate" in said


def test_more_than_any_store_holds_are_not_all_told() -> None:
    told = told_of_files({**ROOT, "/etc/a.pem": PEM * (CERTIFICATES_MAX + 1)})
    assert len(told.rows["image_certificate"]) == CERTIFICATES_MAX
    assert any("more than" in said for said in told.said_of("image_certificate"))


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_changed_certificates_are_read_or_said() -> None:
    dice = random.Random(3)
    files: Files = {}
    for number in range(300):
        data = bytearray(DER)
        for _ in range(dice.randrange(1, 5)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        files[f"/etc/{number}.pem"] = block(bytes(data))
    told = told_of_files({**ROOT, **files})
    assert len(told.rows["image_certificate"]) + len(told.said_of("image_certificate")) == 300


def test_many_beginnings_without_an_end() -> None:
    assert list(find_certificates(b"-----BEGIN CERTIFICATE-----" * 10_000)) == []
    assert list(find_certificates(b"\x30\x82\xff\xfb" + bytes(0xFFFB))) == [] and DER_MAX < 0xFFFF
