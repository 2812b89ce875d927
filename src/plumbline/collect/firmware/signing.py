"""Public keys that stand in images, and signatures tried with them.

Not trust: a signature that holds under a key from the same image shows that the image is whole and how it was signed, not by whom. Rules: a
key or a signature of a kind that is not handled gives None, never False; what is hashed is hashed by the caller, so that nothing large is
held in memory.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.utils import CryptographyDeprecationWarning

from plumbline.model.errors import ProtocolError

KEY_MAX = 16 * 1024  # bytes of one public key
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # old images are signed so, which is for checks to judge
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Key:
    """What is shown of a public key: rsa, ecdsa, ed25519, ed448 or dsa; its size; the SHA-256 of its SubjectPublicKeyInfo, hex."""

    algorithm: str | None
    bits: int | None
    sha256: str | None


def load_key(der: bytes) -> Any:
    """Load a SubjectPublicKeyInfo, or the PKCS#1 form of an RSA key; raises ProtocolError."""
    if len(der) > KEY_MAX:
        raise ProtocolError(f"a public key of {len(der)} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # a weak key is what an auditor wants to see
            return load_der_public_key(der)
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm) as error:
        raise ProtocolError(f"not a public key: {str(error)[:200]}") from error


def rsa_key(modulus: int, exponent: int) -> Any:
    """Make an RSA key of its two numbers; raises ProtocolError."""
    try:
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm) as error:
        raise ProtocolError(f"not an RSA key: {str(error)[:200]}") from error


def point_key(x: int, y: int, curve: ec.EllipticCurve) -> Any:
    """Make a key of a point on a curve; raises ProtocolError."""
    try:
        return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm) as error:
        raise ProtocolError(f"not a point on {curve.name}: {str(error)[:200]}") from error


def described(public: Any) -> Key:
    """Describe a key of the library."""
    try:
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return Key(None, None, None)
    kind: str | None
    bits: int | None
    match public:
        case rsa.RSAPublicKey():
            kind, bits = "rsa", public.key_size
        case ec.EllipticCurvePublicKey():
            kind, bits = "ecdsa", public.curve.key_size
        case ed25519.Ed25519PublicKey():
            kind, bits = "ed25519", 256
        case ed448.Ed448PublicKey():
            kind, bits = "ed448", 456
        case dsa.DSAPublicKey():
            kind, bits = "dsa", public.key_size
        case _:
            kind, bits = None, None
    return Key(kind, bits, hashlib.sha256(spki).hexdigest())


def holds(public: Any, signature: bytes, digest: bytes, algorithm: str, *, pss: bool = False) -> bool | None:
    """Say whether a signature over a digest by an algorithm (sha256, ...) holds under an RSA or EC key; None when that cannot be tried."""
    known = _HASHES.get(algorithm)
    if known is None or known.digest_size != len(digest):
        return None
    hashed = Prehashed(known)
    try:
        match public:
            case rsa.RSAPublicKey():
                padded = padding.PSS(padding.MGF1(known), padding.PSS.AUTO) if pss else padding.PKCS1v15()
                public.verify(signature, digest, padded, hashed)
            case ec.EllipticCurvePublicKey():
                public.verify(signature, digest, ec.ECDSA(hashed))
            case _:
                return None
    except InvalidSignature:
        return False
    except (ValueError, UnsupportedAlgorithm):
        return None
    return True


def holds_pure(public: Any, signature: bytes, message: bytes) -> bool | None:
    """Say whether an Ed25519 signature over a message holds (RFC 8032, 5.1.7); None under a key of another kind."""
    if not isinstance(public, ed25519.Ed25519PublicKey):
        return None
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True
