"""CA certificates of a hub: what the resource says of them, and, where it carries the certificate itself, what that says.

Rules: the resource's own words win; the certificate fills what they leave out.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1

from plumbline.collect.azure.times import instant
from plumbline.collect.json_text import flag_of, text_of

SIZE_MAX = 64 * 1024


def certificate_columns(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Take the columns of table `hub_certificate` out of a certificate resource."""
    thumbprint = text_of(properties.get("thumbprint"))
    columns = {
        "name": name,
        "subject_name": text_of(properties.get("subject")),
        "thumbprint": thumbprint.upper() if thumbprint else None,
        "verified": flag_of(properties.get("isVerified")),
        "expires_at": instant(properties.get("expiry")),
    }
    enclosed = _enclosed(properties.get("certificate"))
    if enclosed is not None:
        columns["thumbprint"] = columns["thumbprint"] or enclosed.fingerprint(SHA1()).hex().upper()
        columns["expires_at"] = columns["expires_at"] or _expiry(enclosed)
        columns["subject_name"] = columns["subject_name"] or _subject(enclosed)
    return columns


def _enclosed(value: object) -> x509.Certificate | None:
    """Read the certificate: base64 of DER, or base64 of PEM, or PEM."""
    if not isinstance(value, str) or not 0 < len(value) <= SIZE_MAX:
        return None
    try:
        data = value.encode("ascii")
        if not data.startswith(b"-----"):
            data = base64.b64decode(data)
        return x509.load_pem_x509_certificate(data) if data.startswith(b"-----") else x509.load_der_x509_certificate(data)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return None


def _subject(certificate: x509.Certificate) -> str | None:
    try:
        return certificate.subject.rfc4514_string() or None
    except ValueError:  # names are parsed when asked for
        return None


def _expiry(certificate: x509.Certificate) -> datetime | None:
    try:
        return certificate.not_valid_after_utc.astimezone(UTC)
    except ValueError:  # a date that no calendar has
        return None
