"""A sealed harbour to change, and keys to seal with."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from plumbline.attest.keys import load_signer, make_key
from plumbline.attest.seal import Sealed, seal
from plumbline.report.registry import write
from tests.report import harbour

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def key(path: Path, kind: str = "ed25519", passphrase: bytes = b"") -> Path:
    """Write a private key."""
    if kind == "ed25519":
        make_key(path)
        return path
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    path.write_bytes(generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)
    return path


def no_passphrase() -> bytes:
    raise AssertionError("no passphrase is due")


def sealed(folder: Path, pem: Path, **options: object) -> Sealed:
    """Seal a folder with a key in a file."""
    return seal(folder, load_signer(pem, no_passphrase), NOW, **options)  # type: ignore[arg-type]


def sealed_harbour(base: Path) -> Path:
    """The harbour, judged, reported and sealed: .../out, by .../key.pem; made once for each folder of a run's temporary files."""
    folder = base / "sealed-harbour"
    if folder.exists():
        return folder / "out"
    folder.mkdir()
    out = harbour.judged(folder / "out")
    for word in ("json", "csv"):
        write(word, out, out)
    sealed(out, key(folder / "key.pem"))
    return out
