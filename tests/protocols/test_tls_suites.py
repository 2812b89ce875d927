"""The table of cipher suites agrees with its own names and with OpenSSL's."""

from __future__ import annotations

import ssl

import pytest

from plumbline.protocols.tls_suites import EMPTY_RENEGOTIATION_INFO_SCSV, FALLBACK_SCSV, SUITES, Suite, Weak, is_grease, suite_name
from tests.protocols.fuzzing import FuzzTarget


def kinds_by_name(name: str) -> set[Weak]:
    """Read the weak kinds off a name, as RFC 5246 A.5 composes names."""
    words = name.removeprefix("TLS_").split("_")
    signs = {
        Weak.NULL: "WITH_NULL_" in name,
        Weak.EXPORT: "EXPORT" in words,
        Weak.ANON: "anon" in words,
        Weak.RC4: "RC4" in words,
        Weak.DES: "DES" in words or "DES40" in words,
        Weak.TRIPLE_DES: "3DES" in words,
        Weak.MD5: words[-1] == "MD5",
        Weak.CBC_SHA1: "CBC" in words and words[-1] == "SHA",
        Weak.RSA_KX: words[0] == "RSA" and words[1] != "PSK",
    }
    return {kind for kind, holds in signs.items() if holds}


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_the_weak_kinds_are_those_of_the_name(suite: Suite) -> None:
    assert set(suite.weak) == kinds_by_name(suite.name)


def test_names_are_unique_and_numbers_are_two_bytes() -> None:
    assert len({suite.name for suite in SUITES.values()}) == len(SUITES)
    assert all(0 <= number <= 0xFFFF and not is_grease(number) for number in SUITES)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA"),  # RFC 5246 A.5: the mandatory suite
        (0x1301, "TLS_AES_128_GCM_SHA256"),  # RFC 8446 B.4
        (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),  # RFC 5289 3.2
        (0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),  # RFC 7905 2
        (0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"),  # RFC 2246 A.5
        (0x5600, "TLS_FALLBACK_SCSV"),
        (0xFFFE, "0xFFFE"),
    ],
)
def test_name(number: int, name: str) -> None:
    assert suite_name(number) == name


def test_a_signal_is_no_suite() -> None:
    assert not SUITES.keys() & {EMPTY_RENEGOTIATION_INFO_SCSV, FALLBACK_SCSV}


def test_openssl_gives_no_suite_another_number() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    known = {entry["id"] & 0xFFFF: entry for entry in context.get_ciphers()}
    shared = known.keys() & SUITES.keys()
    assert len(shared) > 40
    for number in shared:
        name, weak = SUITES[number].name, SUITES[number].weak
        assert known[number]["aead"] == any(word in name for word in ("GCM", "CCM", "POLY1305")), name
        assert ("kx-rsa" in known[number]["kea"]) == (Weak.RSA_KX in weak), name
        assert ("auth-null" in known[number]["auth"]) == (Weak.ANON in weak), name


def test_grease_of_rfc_8701() -> None:
    reserved = [number for number in range(0x10000) if is_grease(number)]
    assert reserved == [0x0A0A + 0x1010 * step for step in range(16)]


def entry(data: bytes) -> object:
    number = int.from_bytes(data[:2], "big")
    return suite_name(number), is_grease(number)


FUZZ = [FuzzTarget("tls_suites", entry, [b"\x13\x01", b"\x0a\x0a", b"\x00\x00"])]
