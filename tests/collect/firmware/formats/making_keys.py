"""Keys, certificates and signed messages for the samples; made once, on demand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509.oid import NameOID

NAME = "CN=update,O=Northwind"


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(curve: str = "secp256r1") -> ec.EllipticCurvePrivateKey:
    known: dict[str, ec.EllipticCurve] = {"secp192r1": ec.SECP192R1(), "secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1()}
    return ec.generate_private_key(known[curve])


@cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def spki(private: Any) -> bytes:
    """The public key, as SubjectPublicKeyInfo."""
    raw: bytes = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return raw


@cache
def certificate(kind: str = "rsa") -> x509.Certificate:
    private = rsa_key(2048) if kind == "rsa" else ec_key()
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Northwind"), x509.NameAttribute(NameOID.COMMON_NAME, "update")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number(), start, start + timedelta(days=3650))
    return builder.sign(private, hashes.SHA256())


def signed(content: bytes, *options: pkcs7.PKCS7Options, kind: str = "rsa", digest: hashes.HashAlgorithm | None = None) -> bytes:
    """A message of CMS over some content, with the signer's certificate in it."""
    private = rsa_key(2048) if kind == "rsa" else ec_key()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate(kind), private, digest or hashes.SHA256())  # type: ignore[arg-type]
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])
