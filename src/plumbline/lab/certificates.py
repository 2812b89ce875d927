"""The lab's certificates, byte for byte the same for the same description.

Not a PKI: nobody should trust what it issues. A weak certificate is weak in one way each: expired, expiring, a short key, SHA-1.

SHA-1 is not something that `cryptography` will sign with any more, so such a certificate is signed with SHA-256 first and then changed:
the two algorithm identifiers differ in their last byte (RFC 8017, A.2.4), and the signature is as long (RFC 8017, 8.2.1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from plumbline.lab.keys import PrivateKey, private_key, private_pem

_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")
_SHA1_DIGEST_INFO = bytes.fromhex("3021300906052b0e03021a05000414")  # RFC 8017, 9.2, note 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as it is wanted; `key` names its key, `authority` the key that signs it (None: itself)."""

    name: str
    key: str
    key_kind: str
    not_before: datetime
    not_after: datetime
    addresses: tuple[str, ...] = ()
    authority: str | None = None
    signature_hash: str = "sha256"

    @property
    def private_key(self) -> PrivateKey:
        """The leaf's key."""
        return private_key(self.key_kind, self.key)


AUTHORITY_KIND = "ec"


def der(wanted: Certificate) -> bytes:
    """Issue a certificate; returns its DER."""
    return _issue(wanted)


def authority_der(wanted: Certificate) -> bytes:
    """Issue the certificate of the authority that signs `wanted`, valid as long; raises ValueError for a self-signed one."""
    if wanted.authority is None:
        raise ValueError(f"{wanted.name} signs itself")
    key = wanted.authority
    return _issue(Certificate(key, key, AUTHORITY_KIND, wanted.not_before, wanted.not_after), ca=True)


def chain_pem(wanted: Certificate, *, with_authority: bool) -> bytes:
    """Write what a server loads: its key, its certificate, and its authority's where it sends that too."""
    authority = _pem(authority_der(wanted)) if with_authority else b""
    return private_pem(wanted.private_key) + certificate_pem(wanted) + authority


def certificate_pem(wanted: Certificate) -> bytes:
    """Write a certificate alone."""
    return _pem(der(wanted))


def _pem(issued: bytes) -> bytes:
    return x509.load_der_x509_certificate(issued).public_bytes(Encoding.PEM)


def thumbprint(wanted: Certificate) -> str:
    """Give the SHA-1 of the DER as hubs write it: hex, upper case."""
    return hashlib.sha1(der(wanted), usedforsecurity=False).hexdigest().upper()


@cache
def _issue(wanted: Certificate, *, ca: bool = False) -> bytes:
    signer = wanted.private_key if wanted.authority is None else private_key(AUTHORITY_KIND, wanted.authority)
    serial = int.from_bytes(hashlib.sha256(repr(wanted).encode()).digest()[:8]) | 1
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(wanted.name))
        .issuer_name(_name(wanted.authority or wanted.name))
        .public_key(wanted.private_key.public_key())
        .serial_number(serial)
        .not_valid_before(wanted.not_before)
        .not_valid_after(wanted.not_after)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
    )
    if wanted.addresses:
        names = [x509.DNSName(wanted.name), *(x509.IPAddress(ip_address(address)) for address in wanted.addresses)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    # P-256 signatures carry a fresh nonce; asking for the deterministic one keeps equal descriptions equal bytes (RFC 6979).
    deterministic = None if isinstance(signer, rsa.RSAPrivateKey) else True
    issued = builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=deterministic).public_bytes(Encoding.DER)
    if wanted.signature_hash == "sha1":
        if not isinstance(signer, rsa.RSAPrivateKey):
            raise ValueError(f"{wanted.name}: only RSA signs with SHA-1 here")
        return _with_sha1(issued, signer)
    return issued


def _with_sha1(issued: bytes, signer: rsa.RSAPrivateKey) -> bytes:
    body = x509.load_der_x509_certificate(issued).tbs_certificate_bytes
    weak_body = body.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    size = signer.key_size // 8
    digest = _SHA1_DIGEST_INFO + hashlib.sha1(weak_body, usedforsecurity=False).digest()
    padded = b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest
    numbers = signer.private_numbers()
    signature = pow(int.from_bytes(padded), numbers.d, numbers.public_numbers.n).to_bytes(size)
    return issued.replace(body, weak_body)[:-size].replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA) + signature


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
