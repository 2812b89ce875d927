"""Keys and certificates for TLS servers of the tests, made anew in each run."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def issue(
    key: PrivateKey,
    subject: str,
    *,
    issuer: str | None = None,
    signer: PrivateKey | None = None,
    days: tuple[int, int] = (-1, 365),
    ca: bool = False,
    names: tuple[str, ...] = (),
    digest: hashes.HashAlgorithm | None = None,
) -> x509.Certificate:
    """Issue a certificate, valid from and to so many days from now."""
    now = datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer or subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        alternatives: list[x509.GeneralName] = [
            x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    signs_without = isinstance(signer or key, ed25519.Ed25519PrivateKey)
    return builder.sign(signer or key, None if signs_without else digest or hashes.SHA256())  # type: ignore[arg-type]


def write_pair(folder: Path, key: PrivateKey, chain: list[x509.Certificate], name: str = "server") -> tuple[Path, Path]:
    """Write certificate chain and key as PEM; gives both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    chain_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    chain_file.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in chain))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain_file, key_file


def server_context(folder: Path, key: PrivateKey, chain: list[x509.Certificate], *, ciphers: str | None = None) -> ssl.SSLContext:
    """A TLS server's context over a chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if ciphers is not None:
        context.set_ciphers(ciphers)
    context.load_cert_chain(*write_pair(folder, key, chain))
    return context
