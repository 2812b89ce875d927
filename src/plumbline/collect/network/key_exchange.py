"""Client side of an SSH key exchange, as far as the server's proof that it holds its host key (RFC 4253 8, RFC 5656 4, RFC 8731).

Only the proof is wanted: no keys are derived, nothing is encrypted, nobody logs in.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from plumbline.model.errors import ProtocolError
from plumbline.protocols.ssh import GROUP14_PRIME, encode_kex_ecdh_init, encode_kexdh_init, encode_mpint

CURVE25519 = ("curve25519-sha256", "curve25519-sha256@libssh.org")
_CURVES: Mapping[str, type[ec.EllipticCurve]] = {
    "ecdh-sha2-nistp256": ec.SECP256R1,
    "ecdh-sha2-nistp384": ec.SECP384R1,
    "ecdh-sha2-nistp521": ec.SECP521R1,
}
# RFC 2409, 6.2: the second Oakley group of 1024 bits, the only one that SSH servers of before 2015 are sure to have.
GROUP1_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
_GROUPS: Mapping[str, int] = {
    "diffie-hellman-group14-sha256": GROUP14_PRIME,
    "diffie-hellman-group14-sha1": GROUP14_PRIME,
    "diffie-hellman-group1-sha1": GROUP1_PRIME,
}
OFFERED = (*CURVE25519, *_CURVES, *_GROUPS)
_HASH_NAMES = {"ecdh-sha2-nistp384": "sha384", "ecdh-sha2-nistp521": "sha512"}
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "ssh-rsa": hashes.SHA1,
    "rsa-sha2-256": hashes.SHA256,
    "rsa-sha2-512": hashes.SHA512,
}
_CURVE_HASHES: dict[int, Callable[[], hashes.HashAlgorithm]] = {256: hashes.SHA256, 384: hashes.SHA384, 521: hashes.SHA512}


@dataclass(frozen=True)
class Ephemeral:
    """Our half of one exchange."""

    algorithm: str
    private: X25519PrivateKey | ec.EllipticCurvePrivateKey | int

    @classmethod
    def make(cls, algorithm: str) -> Ephemeral:
        """Make a fresh one for an algorithm of OFFERED."""
        if algorithm in CURVE25519:
            return cls(algorithm, X25519PrivateKey.generate())
        if algorithm in _CURVES:
            return cls(algorithm, ec.generate_private_key(_CURVES[algorithm]()))
        return cls(algorithm, secrets.randbits(512) | 1 << 511)

    @property
    def hash_name(self) -> str:
        """The hash of the exchange, by its name in hashlib."""
        return "sha1" if self.algorithm.endswith("sha1") else _HASH_NAMES.get(self.algorithm, "sha256")

    @property
    def public(self) -> bytes:
        """Our public value as it enters the exchange hash: an octet string, or an mpint's encoding for groups."""
        match self.private:
            case X25519PrivateKey():
                return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            case ec.EllipticCurvePrivateKey():
                return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            case _:
                return encode_mpint(pow(2, self.private, _GROUPS[self.algorithm]))[4:]

    def opening(self) -> bytes:
        """The payload that begins the exchange."""
        if isinstance(self.private, int):
            return encode_kexdh_init(pow(2, self.private, _GROUPS[self.algorithm]))
        return encode_kex_ecdh_init(self.public)

    def secret(self, theirs: bytes) -> int:
        """The shared secret; raises ProtocolError for a public value that is none."""
        try:
            match self.private:
                case X25519PrivateKey():
                    shared = self.private.exchange(X25519PublicKey.from_public_bytes(theirs))
                case ec.EllipticCurvePrivateKey():
                    point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[self.algorithm](), theirs)
                    shared = self.private.exchange(ec.ECDH(), point)
                case _:
                    value = int.from_bytes(theirs, "big")
                    prime = _GROUPS[self.algorithm]
                    if not 1 < value < prime - 1:
                        raise ProtocolError("a public value outside the group")
                    return pow(value, self.private, prime)
        except ValueError as error:
            raise ProtocolError(f"not a public value of {self.algorithm}: {error}") from error
        return int.from_bytes(shared, "big")


def spki_sha256(blob: bytes, kind: str) -> str | None:
    """SHA-256 of a host key as SubjectPublicKeyInfo, hex; None for a kind that has no such form here."""
    try:
        key = _load(blob, kind)
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    except (ValueError, UnsupportedAlgorithm):
        return None


def proves(blob: bytes, kind: str, signature: bytes, digest: bytes) -> bool | None:
    """Say whether a signature over the exchange hash proves the host key; None for a kind that we cannot verify."""
    try:
        key = _load(blob, kind)
        algorithm, value = _two_strings(signature)
        match key:
            case rsa.RSAPublicKey() if algorithm in _HASHES:
                key.verify(value, digest, padding.PKCS1v15(), _HASHES[algorithm]())
            case ed25519.Ed25519PublicKey():
                key.verify(value, digest)
            case ec.EllipticCurvePublicKey():
                r, s = _two_numbers(value)
                key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(_CURVE_HASHES[key.curve.key_size]()))
            case dsa.DSAPublicKey() if len(value) == 40:  # RFC 4253 6.6: r and s, 160 bits each
                r, s = int.from_bytes(value[:20], "big"), int.from_bytes(value[20:], "big")
                key.verify(encode_dss_signature(r, s), digest, hashes.SHA1())
            case _:
                return None
    except InvalidSignature:
        return False
    except (ValueError, KeyError, UnsupportedAlgorithm):
        return None
    return True


def _load(blob: bytes, kind: str) -> PublicKeyTypes:
    """Read a host key; raises ValueError or UnsupportedAlgorithm."""
    if kind == "ssh-dss":  # cryptography reads it no longer from this form
        _, p, q, g, y = (int.from_bytes(part, "big") for part in _strings(blob))
        return dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
    return load_ssh_public_key(kind.encode() + b" " + base64.b64encode(blob))


def _strings(data: bytes) -> list[bytes]:
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size:
            raise ValueError("a length goes past the end")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


def _two_strings(data: bytes) -> tuple[str, bytes]:
    name, value = _strings(data)
    return name.decode("ascii"), value


def _two_numbers(data: bytes) -> tuple[int, int]:
    r, s = _strings(data)
    return int.from_bytes(r, "big"), int.from_bytes(s, "big")
