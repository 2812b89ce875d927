"""X.509 certificates as columns: the facts of one DER certificate, wherever a collector came by it. Validity is judged later."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from plumbline.model.errors import ProtocolError

NAMES_MAX = 100


def describe(der: bytes) -> dict[str, Any]:
    """Give the columns of the table `certificate` that a certificate itself decides; raises ProtocolError for what is none."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        hash_ = certificate.signature_hash_algorithm
        return {
            "sha256": hashlib.sha256(der).hexdigest(),
            "sha1": hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
            "spki_sha256": hashlib.sha256(spki).hexdigest(),
            "subject_name": certificate.subject.rfc4514_string(),
            "issuer_name": certificate.issuer.rfc4514_string(),
            "serial_number": f"{certificate.serial_number:x}",
            "not_before": certificate.not_valid_before_utc,
            "not_after": certificate.not_valid_after_utc,
            "signature_hash": hash_.name if hash_ else None,
            "self_signed": _self_signed(certificate),
            **_key(key),
            **_extensions(certificate),
        }
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise ProtocolError(f"not a certificate: {error}") from error


def _key(key: CertificatePublicKeyTypes) -> dict[str, Any]:
    match key:
        case rsa.RSAPublicKey():
            return {"key_type": "rsa", "key_bits": key.key_size}
        case ec.EllipticCurvePublicKey():
            return {"key_type": "ec", "key_bits": key.curve.key_size}
        case dsa.DSAPublicKey():
            return {"key_type": "dsa", "key_bits": key.key_size}
        case ed25519.Ed25519PublicKey():
            return {"key_type": "ed25519", "key_bits": 256}
        case ed448.Ed448PublicKey():
            return {"key_type": "ed448", "key_bits": 456}
        case _:
            raise ProtocolError(f"a key of a kind that certificates do not sign with: {type(key).__name__}")


def _self_signed(certificate: x509.Certificate) -> bool | None:
    if certificate.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return True


def _extensions(certificate: x509.Certificate) -> dict[str, Any]:
    ca, names = False, None
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return {"ca": False, "names": None}  # the rest of the certificate is still a fact
    for extension in extensions:
        match extension.value:
            case x509.BasicConstraints() as constraints:
                ca = constraints.ca
            case x509.SubjectAlternativeName() as alternatives:
                names = [_name(name) for name in alternatives][:NAMES_MAX]
    return {"ca": ca, "names": names}


def _name(name: x509.GeneralName) -> str:
    value = name.value
    return value if isinstance(value, str) else value.rfc4514_string() if isinstance(value, x509.Name) else str(value)
