"""X.509 certificates in a file's bytes: where they stand, and whether the place is one of authorities that are trusted.

Not what a certificate says (`collect.certificates`) nor whether that is good. Rules: PEM counts anywhere, DER only as a whole file; what
stands between the boundaries and is no base64 is an example in a text, and passed over; everything is bounded.

| form | told by |
|---|---|
| PEM | RFC 7468 boundaries of `CERTIFICATE` and `X509 CERTIFICATE` |
| DER | the whole file, at most 32 KB: a sequence of just its length (X.690, 8.9) |
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

CERTIFICATES_MAX = 1_000  # in one file; the largest stores hold 400
PEM_MAX = 44 * 1024  # as base64, in lines, of DER_MAX
DER_MAX = 32 * 1024
NEEDLE = b"CERTIFICATE-----"  # stands in every certificate in PEM

_BEGIN = re.compile(rb"-----BEGIN (X509 )?CERTIFICATE-----")
_STORE = re.compile(
    r".*/(?:etc/ssl/certs|share/ca-certificates|etc/ca-certificates|etc/pki/(?:ca-trust|tls/certs)|pki/ca-trust-source|security/cacerts)/.*"
    r"|.*/(?:etc/ssl/cert\.pem|certifi/cacert\.pem|(?:curl-)?ca-bundle\.(?:pem|crt)|ca-certificates\.crt)"
)


def is_store(path: str) -> bool:
    """Tell by its place whether a file holds authorities that a system, or a library of a language, trusts."""
    return _STORE.fullmatch(path) is not None


def find_certificates(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the offset in bytes and the DER of everything that is written down as a certificate; the DER may be anything."""
    if _is_der(data):
        yield 0, data
        return
    for match in _BEGIN.finditer(data):
        # The next five dashes must be those of the end: what lies between is base64.
        end = data.find(b"-----", match.end(), match.end() + PEM_MAX)
        if end < 0 or not data.startswith(b"-----END ", end):
            continue
        try:
            der = base64.b64decode(b"".join(data[match.end() : end].split()), validate=True)
        except binascii.Error:
            continue
        if der:
            yield match.start(), der


def _is_der(data: bytes) -> bool:
    return 256 < len(data) <= DER_MAX and data[:2] == b"\x30\x82" and int.from_bytes(data[2:4]) == len(data) - 4
