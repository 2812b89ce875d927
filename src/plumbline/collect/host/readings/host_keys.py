"""Public SSH host keys: those that files hold, and the one that the system proved when we logged in."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from plumbline.collect.host.outputs import Report
from plumbline.collect.host.reading import Reading
from plumbline.model.errors import ProtocolError
from plumbline.protocols.ssh_keys import parse_host_key


def read(report: Report) -> None:
    """Write a row for each key; where two files hold one of the same type, both count."""
    seen: set[str] = set()
    for line in report.lines("host_keys"):
        path, *words = line.split()
        try:
            columns = key_columns(base64.b64decode(words[1], validate=True))
        except (IndexError, ValueError, ProtocolError):
            report.unread("host_keys", line)
            continue
        if columns["fingerprint"] not in seen:
            seen.add(columns["fingerprint"])
            report.row("system_key", f"key/{columns['key_type']}", "host_keys", path=path, **columns)
    if report.proved is not None:
        columns = key_columns(report.proved)
        if columns["fingerprint"] not in seen:
            report.row("system_key", f"key/{columns['key_type']}", "host_keys", path=None, **columns)


def key_columns(blob: bytes) -> dict[str, Any]:
    """Describe a public key blob; raises ProtocolError."""
    key = parse_host_key(blob)
    return {"key_type": key.kind, "key_bits": key.bits, "fingerprint": key.fingerprint, "spki_sha256": _spki(blob, key.kind)}


def _spki(blob: bytes, kind: str) -> str | None:
    try:
        key = load_ssh_public_key(kind.encode() + b" " + base64.b64encode(blob))
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    except (ValueError, UnsupportedAlgorithm):
        return None


READING = Reading(("system_key",), read)
