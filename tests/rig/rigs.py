"""Rig files for the tests: one that loads, and ways to change it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plumbline.rig.loading import load
from plumbline.rig.models import Rig
from plumbline.rig.signature import sign

NOW = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)

HEAD = """\
[rig]
id = "northwind-harbour"
name = "Harbour cold store"
owner = "Northwind Logistics"

[authorisation]
reference = "NW-2026-118"
granted_by = "Head of operations"
emergency_contact = "+44 20 7946 0000"
valid_from = 2026-11-01T00:00:00Z
valid_until = 2026-12-01T00:00:00Z
"""

SCOPE = """\
networks = ["10.20.0.0/16"]
intrusion = "session"
"""

NETWORK = """
[[network]]
name = "cold rooms"
site = "harbour"
ranges = ["10.20.1.0/24"]
ports = [80, 1883, "udp/5683"]
"""

BASE = HEAD + SCOPE + NETWORK


def rig_text(scope: str = SCOPE, rest: str = NETWORK) -> str:
    """Give a rig file with other lines under [authorisation] and other tables after it."""
    return HEAD + scope + rest


def asset(*lines: str) -> str:
    """Give an [[asset]] of some lines."""
    return "\n[[asset]]\n" + "\n".join(lines) + "\n"


def write(folder: Path, text: str) -> Path:
    """Write rig.toml into a folder."""
    path = folder / "rig.toml"
    path.write_text(text, encoding="utf-8")
    return path


def make(folder: Path, text: str = BASE, *, signed: bool = False) -> Rig:
    """Write a rig file, sign it if asked, and load it."""
    path = write(folder, text)
    if signed:
        sign(path, private_key(), "Head of operations", NOW)
    return load(path)


def private_key() -> bytes:
    """Make an Ed25519 private key, as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
