"""Signed messages of CMS (RFC 5652), as update formats carry them: who signed, by which algorithm, and whether that holds.

Not a chain of trust: certificates are taken from the message itself, so a signature that holds shows that the content is what the owner of
that certificate signed, not that a device would accept the certificate. Rules: DER with definite lengths; everything is bounded; a
signature of a kind that is not handled is told, and its `verify` gives None.

| ContentInfo | RFC 5652 | | SignerInfo | |
|---|---|---|---|---|
| contentType, [0] content | 3 | | version | 5.3 |
| version, digestAlgorithms | 5.1 | | sid: issuer and serial, or [0] key identifier | 5.3 |
| encapContentInfo: type, [0] OCTET STRING (of PKCS#7: anything) | 5.2 | | digestAlgorithm | 5.3 |
| [0] certificates, [1] crls | 5.1 | | [0] signedAttrs: contentType, messageDigest | 11.1, 11.2 |
| signerInfos | 5.3 | | signatureAlgorithm, signature, [1] unsignedAttrs | 5.3 |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from plumbline.collect.firmware.said import TEXT_MAX, shown
from plumbline.collect.firmware.signing import Key, described, holds, holds_pure
from plumbline.model.errors import ProtocolError
from plumbline.protocols import ber
from plumbline.protocols.reader import Reader

CMS_MAX = 4 << 20
SIGNERS_MAX = 16
CERTIFICATES_MAX = 64
SIGNED_DATA = "1.2.840.113549.1.7.2"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"
CONTEXT_0 = 0xA0  # constructed
CONTEXT_1 = 0xA1
KEY_IDENTIFIER = 0x80
SET = 0x31
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_PSS = "1.2.840.113549.1.1.10"
_DIGESTS = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_SIGNATURES = {  # by the arc of their identifiers
    "1.2.840.113549.1.1.": "rsa",
    "1.2.840.10045.4.": "ecdsa",
    "1.3.101.112": "ed25519",
    "1.2.840.10040.4.": "dsa",
}


@dataclass(frozen=True, slots=True)
class Signer:
    """One signature of a message. `key` and the names are those of its certificate, where the message holds that."""

    digest: str | None
    algorithm: str | None
    key: Key | None
    subject: str | None
    certificate: x509.Certificate | None
    pss: bool
    attributes: bytes | None  # what is signed, with its digest in it; None: the content itself is
    message_digest: bytes | None
    signature: bytes

    def verify(self, content_digest: Callable[[str], bytes]) -> bool | None:
        """Say whether it holds under the key of its own certificate; None when that is not there, or not handled.

        `content_digest` gives the digest of the content by an algorithm's name.
        """
        if self.certificate is None or self.digest is None or self.digest == "md5":
            return None
        content = content_digest(self.digest)
        try:
            public = self.certificate.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return None
        if self.attributes is None:
            # Ed25519 would have signed the content itself, which is not held in memory.
            return None if self.algorithm == "ed25519" else holds(public, self.signature, content, self.digest, pss=self.pss)
        if self.message_digest != content:
            return False
        if self.algorithm == "ed25519":
            return holds_pure(public, self.signature, self.attributes)
        return holds(public, self.signature, hashlib.new(self.digest, self.attributes).digest(), self.digest, pss=self.pss)


@dataclass(frozen=True, slots=True)
class Message:
    """A signed message; `content` is None when it is detached. An enveloped one is encrypted: nothing of it can be told."""

    content: bytes | None
    signers: tuple[Signer, ...]
    enveloped: bool = False


def read_message(data: bytes) -> Message:
    """Read a ContentInfo that fills the data; raises ProtocolError."""
    if len(data) > CMS_MAX:
        raise ProtocolError(f"a CMS message of {len(data)} bytes")
    outer = Reader(data)
    info = ber.expect(outer, ber.SEQUENCE, "ContentInfo")
    outer.finish("ContentInfo")
    kind = _oid(info)
    if kind == ENVELOPED_DATA:
        return Message(None, (), enveloped=True)
    if kind != SIGNED_DATA:
        raise ProtocolError(f"a CMS message of type {kind}")
    signed = ber.expect(ber.expect(info, CONTEXT_0, "content"), ber.SEQUENCE, "SignedData")
    ber.integer(signed, "version")
    ber.expect(signed, SET, "digestAlgorithms")
    content = _content(ber.expect(signed, ber.SEQUENCE, "encapContentInfo"))
    certificates: list[x509.Certificate] = []
    while True:
        value = ber.read(signed)
        if value.tag == CONTEXT_0:
            certificates = _certificates(value.body)
        elif value.tag == SET:
            break
        elif value.tag != CONTEXT_1:
            raise ProtocolError(f"SignedData: tag {value.tag:#04x}", offset=value.offset)
    signers: list[Signer] = []
    while value.body.remaining:
        if len(signers) >= SIGNERS_MAX:
            raise ProtocolError(f"more than {SIGNERS_MAX} signers")
        signers.append(_signer(ber.expect(value.body, ber.SEQUENCE, "SignerInfo"), certificates))
    return Message(content, tuple(signers))


def _content(body: Reader) -> bytes | None:
    _oid(body)
    if not body.remaining:
        return None
    value = ber.read(ber.expect(body, CONTEXT_0, "eContent"))
    if value.tag in (ber.OCTET_STRING, ber.SEQUENCE):  # PKCS#7 had content of any type, of which tag and length are not signed
        return value.body.rest()
    if value.tag != ber.OCTET_STRING | 0x20:
        raise ProtocolError(f"eContent: tag {value.tag:#04x}", offset=value.offset)
    pieces: list[bytes] = []
    while value.body.remaining:
        pieces.append(ber.octets(value.body, "eContent"))
    return b"".join(pieces)


def _certificates(body: Reader) -> list[x509.Certificate]:
    found: list[x509.Certificate] = []
    while body.remaining and len(found) < CERTIFICATES_MAX:
        start = body.offset
        value = ber.read(body)
        if value.tag != ber.SEQUENCE:
            continue  # an attribute certificate, or another form (10.2.2)
        try:
            found.append(x509.load_der_x509_certificate(body.data[start : body.offset]))
        except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion):
            continue  # the signature is told without its key
    return found


def _signer(body: Reader, certificates: list[x509.Certificate]) -> Signer:
    ber.integer(body, "version")
    certificate = _certificate_of(body, certificates)
    digest = _DIGESTS.get(_algorithm(body, "digestAlgorithm"))
    value = ber.read(body)
    attributes: bytes | None = None
    message_digest: bytes | None = None
    if value.tag == CONTEXT_0:
        start = value.body.offset
        message_digest = _message_digest(value.body)
        attributes = ber.encode(SET, body.data[start : value.body.end])  # signed with the tag of a SET OF (5.4)
        value = ber.read(body)
    if value.tag != ber.SEQUENCE:
        raise ProtocolError(f"signatureAlgorithm: tag {value.tag:#04x}", offset=value.offset)
    scheme = _oid(value.body)
    signature = ber.octets(body, "signature")
    algorithm = next((word for arc, word in _SIGNATURES.items() if scheme.startswith(arc)), None)
    key = subject = None
    if certificate is not None:
        try:
            key = described(certificate.public_key())
            subject = shown(certificate.subject.rfc4514_string(), TEXT_MAX)
        except (ValueError, UnsupportedAlgorithm):
            certificate = None
    return Signer(digest, algorithm, key, subject, certificate, scheme == _PSS, attributes, message_digest, signature)


def _certificate_of(body: Reader, certificates: list[x509.Certificate]) -> x509.Certificate | None:
    """Find the certificate that a signer names (5.3, sid)."""
    value = ber.read(body)
    if value.tag == KEY_IDENTIFIER:
        wanted = value.body.rest()
        return next((each for each in certificates if _key_identifier(each) == wanted), None)
    if value.tag != ber.SEQUENCE:
        raise ProtocolError(f"sid: tag {value.tag:#04x}", offset=value.offset)
    start = value.body.offset
    ber.expect(value.body, ber.SEQUENCE, "issuer")
    issuer = value.body.data[start : value.body.offset]
    serial = int.from_bytes(ber.expect(value.body, ber.INTEGER, "serialNumber").rest(), "big", signed=True)
    return next((each for each in certificates if each.serial_number == serial and issuer in each.tbs_certificate_bytes), None)


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _message_digest(attributes: Reader) -> bytes | None:
    found: bytes | None = None
    while attributes.remaining:
        attribute = ber.expect(attributes, ber.SEQUENCE, "attribute")
        if _oid(attribute) == _MESSAGE_DIGEST:
            found = ber.octets(ber.expect(attribute, SET, "attribute values"), "messageDigest")
    return found


def _algorithm(body: Reader, what: str) -> str:
    return _oid(ber.expect(body, ber.SEQUENCE, what))


def _oid(body: Reader) -> str:
    return ber.oid_body(ber.expect(body, ber.OBJECT_IDENTIFIER, "object identifier"))
