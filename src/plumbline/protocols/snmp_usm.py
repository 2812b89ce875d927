"""The user-based security model of SNMPv3: keys, authentication and privacy of messages (RFC 3414, RFC 3826, RFC 7860).

Not here: the message itself (`snmp`), the discovery of an engine, its clock, what is asked. The engine's boots and time, the message id and
the salt are arguments. The security level without authentication is not offered.

    Ku    hash of the password repeated to 2^20 bytes                                                    RFC 3414 2.6, A.2
    Kul   hash(Ku, engine id, Ku): the key of one user at one engine                                     RFC 3414 2.6
    MAC   HMAC over the whole message with the field zeroed, cut to the field                            RFC 3414 6.3.1, 7.3.1; RFC 7860 4.2

    authentication   hash      Kul (bytes)   field (bytes)
    md5, sha1        as named  16, 20        12              RFC 3414 6.1, 7.1
    sha224           SHA-224   28            16              RFC 7860 4.1
    sha256           SHA-256   32            24
    sha384           SHA-384   48            32
    sha512           SHA-512   64            48

    privacy   cipher        key (bytes of Kul)   initial vector
    des       DES in CBC    8                    bytes 8 to 16 of Kul, xor salt; the salt is boots (4), number (4)      RFC 3414 8.1.1.1
    aes128    AES in CFB    16                   boots (4), time (4), salt (8)                                          RFC 3826 3.1.2.1
    aes192    the same      24                   the same; a Kul that is too short is prolonged by hash(Kul) as in
    aes256    the same      32                   draft-blumenthal-aes-usm-04 3.1.2.1, as net-snmp does; no RFC says it

The privacy key is made as the authentication key is, from its own password, with the authentication's hash (RFC 3826 1.2).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from plumbline.model.errors import ProtocolError
from plumbline.protocols import ber
from plumbline.protocols.snmp import MAX_MESSAGE_SIZE, USM, PduKind, UsmMessage, Version, decode, decode_scoped_pdu, encode_scoped_pdu

FIELD_BYTES: Mapping[str, int] = {"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}
KEY_BYTES: Mapping[str, int] = {"des": 16, "aes128": 16, "aes192": 24, "aes256": 32}
PASSWORD_BYTES_MIN = 8  # RFC 3414 11.2
_EXPANDED = 1 << 20
_BLOCK = 16
_DES_BLOCK = 8
_AUTHENTICATED, _ENCRYPTED, _REPORTABLE = 1, 2, 4  # msgFlags, RFC 3412 6.4


@dataclass(frozen=True, slots=True)
class User:
    """A user whose keys are bound to no engine yet; `make` makes one from passwords."""

    name: bytes
    authentication: str  # a key of FIELD_BYTES
    privacy: str | None  # a key of KEY_BYTES
    authentication_ku: bytes = field(repr=False)
    privacy_ku: bytes = field(repr=False, default=b"")

    @classmethod
    def make(cls, name: bytes, authentication: str, password: bytes, privacy: str | None = None, privacy_password: bytes = b"") -> User:
        """Make a user; raises ValueError for a password under 8 bytes."""
        ku = password_key(authentication, password)
        return cls(name, authentication, privacy, ku, password_key(authentication, privacy_password) if privacy else b"")

    def at(self, engine_id: bytes) -> Keys:
        """Localise the keys to one engine."""
        key = localised(self.authentication, self.authentication_ku, engine_id)
        sealing = b""
        if self.privacy is not None:
            sealing = _prolonged(self.authentication, localised(self.authentication, self.privacy_ku, engine_id), KEY_BYTES[self.privacy])
        return Keys(self.name, engine_id, self.authentication, self.privacy, key, sealing)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one user at one engine."""

    user: bytes
    engine_id: bytes
    authentication: str
    privacy: str | None
    key: bytes = field(repr=False)
    sealing: bytes = field(repr=False)


def password_key(authentication: str, password: bytes) -> bytes:
    """Make Ku from a password (RFC 3414 A.2); raises ValueError for one under 8 bytes."""
    if len(password) < PASSWORD_BYTES_MIN:
        raise ValueError(f"an SNMPv3 password has at least {PASSWORD_BYTES_MIN} bytes (RFC 3414, 11.2)")
    return hashlib.new(authentication, (password * (_EXPANDED // len(password) + 1))[:_EXPANDED], usedforsecurity=False).digest()


def localised(authentication: str, ku: bytes, engine_id: bytes) -> bytes:
    """Make Kul, the key at one engine (RFC 3414 2.6)."""
    return hashlib.new(authentication, ku + engine_id + ku, usedforsecurity=False).digest()


def _prolonged(authentication: str, key: bytes, size: int) -> bytes:
    while len(key) < size:
        key += hashlib.new(authentication, key, usedforsecurity=False).digest()
    return key[:size]


def encode_message(keys: Keys, *, message_id: int, boots: int, time_s: int, salt: int, pdu: bytes) -> bytes:
    """Encode an authenticated request, encrypted where the user has privacy; `salt` has 64 bits and is never used twice."""
    scoped = encode_scoped_pdu(keys.engine_id, pdu)
    flags, parameters = _AUTHENTICATED | _REPORTABLE, b""
    if keys.privacy is not None:
        flags |= _ENCRYPTED
        parameters = _salt(keys.privacy, boots, salt)
        scoped = ber.encode(ber.OCTET_STRING, _encrypted(keys, scoped, boots, time_s, parameters))
    header = ber.encode_sequence(
        ber.encode_integer(message_id),
        ber.encode_integer(MAX_MESSAGE_SIZE),
        ber.encode(ber.OCTET_STRING, bytes([flags])),
        ber.encode_integer(USM),
    )

    def message(mac: bytes) -> bytes:
        texts = (ber.encode(ber.OCTET_STRING, text) for text in (keys.user, mac, parameters))
        usm = ber.encode_sequence(
            ber.encode(ber.OCTET_STRING, keys.engine_id), ber.encode_integer(boots), ber.encode_integer(time_s), *texts
        )
        return ber.encode_sequence(ber.encode_integer(Version.V3), header, ber.encode(ber.OCTET_STRING, usm), scoped)

    return message(_mac(keys, message(bytes(FIELD_BYTES[keys.authentication]))))


def open_message(keys: Keys, data: bytes) -> UsmMessage:
    """Decode a message to this user: its digest is verified first, then it is decrypted.

    A Report without authentication is given as it is: an engine that knows no such user, or finds our digest wrong, has no other way to
    say so (RFC 3414 3.2). Everything else without it raises ProtocolError, as do a wrong digest, another engine or user, an answer in
    clear where privacy is asked for, and what does not decrypt to a scoped PDU.
    """
    message = decode(data)
    if not isinstance(message, UsmMessage):
        raise ProtocolError("a message of another version than 3")
    report = message.pdu is not None and message.pdu.kind is PduKind.REPORT
    if not message.authenticated:
        if report:
            return message
        raise ProtocolError("an answer without authentication")
    if message.engine_id != keys.engine_id or message.user_name != keys.user:
        raise ProtocolError("an answer of another engine, or for another user")
    at, size = message.authentication_at, len(message.authentication)
    zeroed = data[:at] + bytes(size) + data[at + size :]
    if size != FIELD_BYTES[keys.authentication] or not hmac.compare_digest(_mac(keys, zeroed), message.authentication):
        raise ProtocolError("an answer whose digest is wrong")
    if not message.encrypted:
        if keys.privacy is not None and not report:
            raise ProtocolError("an answer in clear, where privacy was asked for")
        return message
    return replace(message, pdu=decode_scoped_pdu(decrypted(keys, message), padded=keys.privacy == "des"))


def decrypted(keys: Keys, message: UsmMessage) -> bytes:
    """Decrypt the scoped PDU of a message; raises ProtocolError when it cannot be encrypted as the user's privacy would."""
    if keys.privacy is None:
        raise ProtocolError("an encrypted answer, where no privacy was asked for")
    if len(message.privacy) != _DES_BLOCK:
        raise ProtocolError(f"privacy parameters of {len(message.privacy)} bytes")
    if keys.privacy == "des":
        if not message.sealed or len(message.sealed) % _DES_BLOCK:
            raise ProtocolError(f"{len(message.sealed)} bytes are no blocks of DES")
        decryptor = _des(keys, message.privacy).decryptor()
        return decryptor.update(message.sealed) + decryptor.finalize()
    try:
        vector = _vector(message.engine_boots, message.engine_time_s, message.privacy)
    except OverflowError as error:
        raise ProtocolError("engine boots or time outside 31 bits") from error
    size = len(message.sealed)
    return _xor(message.sealed, _keystream(keys, (vector + message.sealed)[: size + -size % _BLOCK]))


def _mac(keys: Keys, data: bytes) -> bytes:
    return hmac.digest(keys.key, data, keys.authentication)[: FIELD_BYTES[keys.authentication]]


def _salt(privacy: str, boots: int, salt: int) -> bytes:
    if privacy == "des":
        return boots.to_bytes(4, "big") + (salt & 0xFFFFFFFF).to_bytes(4, "big")
    return salt.to_bytes(8, "big")


def _encrypted(keys: Keys, plain: bytes, boots: int, time_s: int, salt: bytes) -> bytes:
    if keys.privacy == "des":
        encryptor = _des(keys, salt).encryptor()
        return encryptor.update(plain + bytes(-len(plain) % _DES_BLOCK)) + encryptor.finalize()
    last, out = _vector(boots, time_s, salt), b""
    for at in range(0, len(plain), _BLOCK):
        last = _xor(plain[at : at + _BLOCK], _keystream(keys, last))
        out += last
    return out


def _vector(boots: int, time_s: int, salt: bytes) -> bytes:
    return boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt


def _keystream(keys: Keys, blocks: bytes) -> bytes:
    """Encrypt whole blocks one by one: what CFB with 128 bits xors (NIST SP 800-38A 6.3); the library's own mode is about to move."""
    encryptor = Cipher(AES(keys.sealing), modes.ECB()).encryptor()
    return encryptor.update(blocks) + encryptor.finalize()


def _xor(data: bytes, stream: bytes) -> bytes:
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")


def _des(keys: Keys, salt: bytes) -> Cipher[modes.CBC]:
    key, mask = keys.sealing[:_DES_BLOCK], keys.sealing[_DES_BLOCK:]
    return Cipher(TripleDES(key * 3), modes.CBC(_xor(mask, salt)))
