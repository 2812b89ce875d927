"""SNMP: GET of versions 1 and 2c, discovery of version 3, and what others' messages show.

Not here: the management information (`sysDescr` is an argument), SET, walking, authentication and privacy (`snmp_usm`).

    version 1, 2c   SEQUENCE { version INTEGER (0, 1), community OCTET STRING, PDU }               RFC 1157 4; RFC 1901 3
    PDU             [tag] { request-id, error-status, error-index, SEQUENCE OF { OID, value } }    RFC 3416 3
    version 3       SEQUENCE { version INTEGER (3),
                      SEQUENCE { msgID, msgMaxSize, msgFlags OCTET STRING (1), msgSecurityModel },
                      msgSecurityParameters OCTET STRING,
                      SEQUENCE { contextEngineID, contextName, PDU }  or OCTET STRING (encrypted) }  RFC 3412 6
    USM parameters  SEQUENCE { engine id, boots, time (s), user name, authentication, privacy }    RFC 3414 2.4
    discovery       empty engine id and user name, flag reportable; a Report answers               RFC 3414 4

Community names are secrets: the message carries them for the caller to digest at once and drop (law 8).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from plumbline.model.errors import ProtocolError
from plumbline.protocols import ber
from plumbline.protocols.reader import Reader

MAX_BINDINGS = 256
MAX_MESSAGE_SIZE = 65_507  # what we say that we accept: the largest UDP payload (RFC 3412, 6.3)
USM = 3  # security model, RFC 3411 section 5
_REPORTABLE = 4  # msgFlags, RFC 3412 6.4
_USM_STATS = "1.3.6.1.6.3.15.1.1."
_USM_NAMES = {
    "1": "unsupported_security_levels",
    "2": "not_in_time_windows",
    "3": "unknown_user_names",
    "4": "unknown_engine_ids",
    "5": "wrong_digests",
    "6": "decryption_errors",
}
_ADDRESS_BYTES = 4


class Version(IntEnum):
    """The version field."""

    V1 = 0
    V2C = 1
    V3 = 3


class PduKind(IntEnum):
    """PDU tags (RFC 1157, RFC 3416 section 3)."""

    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    SET = 0xA3
    TRAP_V1 = 0xA4
    GET_BULK = 0xA5
    INFORM = 0xA6
    TRAP_V2 = 0xA7
    REPORT = 0xA8


class Absent(IntEnum):
    """Why a binding holds no value (RFC 3416 section 3), or NULL."""

    NULL = 0x05
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82


@dataclass(frozen=True, slots=True)
class Binding:
    """A variable: octet strings as bytes, identifiers and addresses as text, counters as numbers, or why it is absent."""

    oid: str
    value: int | str | bytes | Absent


@dataclass(frozen=True, slots=True)
class Pdu:
    """A PDU; a trap of version 1 is known by its kind alone, so its numbers are None and it has no bindings."""

    kind: PduKind
    request_id: int | None = None
    error_status: int | None = None
    error_index: int | None = None
    bindings: tuple[Binding, ...] = ()

    @property
    def usm_report(self) -> str | None:
        """For a Report: which counter of RFC 3414 section 5 it names, for example `unknown_engine_ids`."""
        for binding in self.bindings:
            if self.kind is PduKind.REPORT and binding.oid.startswith(_USM_STATS):
                return _USM_NAMES.get(binding.oid.removeprefix(_USM_STATS).removesuffix(".0"))
        return None


@dataclass(frozen=True, slots=True)
class CommunityMessage:
    """A message of version 1 or 2c."""

    version: Version
    pdu: Pdu
    community: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UsmMessage:
    """A message of version 3; `pdu` is None when it is encrypted, `user_name` is a secret's neighbour and not shown."""

    message_id: int
    authenticated: bool
    encrypted: bool
    reportable: bool
    engine_id: bytes
    engine_boots: int
    engine_time_s: int
    user_name: bytes = field(repr=False)
    pdu: Pdu | None
    # What USM needs of the message as it came, for `snmp_usm`:
    authentication: bytes = field(default=b"", repr=False, compare=False)
    authentication_at: int = field(default=0, repr=False, compare=False)  # where that stands in the message
    privacy: bytes = field(default=b"", repr=False, compare=False)
    sealed: bytes = field(default=b"", repr=False, compare=False)  # the encrypted scoped PDU


@dataclass(frozen=True, slots=True)
class EngineId:
    """What an engine id says about its agent (RFC 3411 section 5, SnmpEngineID)."""

    enterprise: int
    mac: str | None = None
    address: str | None = None
    text: str | None = None


Message = CommunityMessage | UsmMessage


def encode_get(version: Version, community: bytes, request_id: int, oids: Iterable[str]) -> bytes:
    """Encode a GetRequest of version 1 or 2c (RFC 3416 4.2.1); raises ValueError for version 3, which needs a user."""
    if version is Version.V3:
        raise ValueError("version 3 has no community")
    pdu = encode_pdu(PduKind.GET, request_id, oids)
    return ber.encode_sequence(ber.encode_integer(version), ber.encode(ber.OCTET_STRING, community), pdu)


def encode_discovery(message_id: int, request_id: int) -> bytes:
    """Encode the version 3 request that makes an agent report its engine id (RFC 3414 section 4)."""
    empty = ber.encode(ber.OCTET_STRING, b"")
    zero = ber.encode_integer(0)
    header = ber.encode_sequence(
        ber.encode_integer(message_id),
        ber.encode_integer(MAX_MESSAGE_SIZE),
        ber.encode(ber.OCTET_STRING, bytes([_REPORTABLE])),
        ber.encode_integer(USM),
    )
    security = ber.encode_sequence(empty, zero, zero, empty, empty, empty)
    scoped = encode_scoped_pdu(b"", encode_pdu(PduKind.GET, request_id, ()))
    return ber.encode_sequence(ber.encode_integer(Version.V3), header, ber.encode(ber.OCTET_STRING, security), scoped)


def encode_pdu(kind: PduKind, request_id: int, oids: Iterable[str], *, repetitions: int = 0) -> bytes:
    """Encode a request that reads (RFC 3416 4.2.1 to 4.2.3); `repetitions` is max-repetitions of a GetBulkRequest.

    Raises ValueError for a kind that is no reading request.
    """
    if kind not in (PduKind.GET, PduKind.GET_NEXT, PduKind.GET_BULK):
        raise ValueError(f"{kind.name} is no reading request")
    null = ber.encode(ber.NULL, b"")
    bindings = ber.encode_sequence(*(ber.encode_sequence(ber.encode_oid(oid), null) for oid in oids))
    numbers = (ber.encode_integer(number) for number in (request_id, 0, repetitions))
    return ber.encode_sequence(*numbers, bindings, tag=kind)


def encode_scoped_pdu(engine_id: bytes, pdu: bytes) -> bytes:
    """Encode a scoped PDU of the default context (RFC 3412 6)."""
    return ber.encode_sequence(ber.encode(ber.OCTET_STRING, engine_id), ber.encode(ber.OCTET_STRING, b""), pdu)


def decode(data: bytes) -> Message:
    """Decode one datagram of any version; raises ProtocolError."""
    outer = Reader(data)
    message = ber.expect(outer, ber.SEQUENCE, "message")
    outer.finish("message")
    number = ber.integer(message, "version")
    try:
        version = Version(number)
    except ValueError as error:
        raise ProtocolError(f"SNMP version field {number}", offset=message.offset) from error
    if version is Version.V3:
        return _read_v3(message)
    community = ber.octets(message, "community")
    pdu = _read_pdu(message)
    message.finish("message")
    return CommunityMessage(version, pdu, community)


def _read_v3(message: Reader) -> UsmMessage:
    header = ber.expect(message, ber.SEQUENCE, "header")
    message_id, _ = ber.integer(header, "msgID"), ber.integer(header, "msgMaxSize")
    flags, model = ber.octets(header, "msgFlags"), ber.integer(header, "msgSecurityModel")
    header.finish("header")
    if len(flags) != 1:
        raise ProtocolError(f"msgFlags of {len(flags)} bytes", offset=header.offset)
    if model != USM:
        raise ProtocolError(f"security model {model}; only {USM} (USM) is read", offset=header.offset)
    parameters = ber.expect(message, ber.OCTET_STRING, "security parameters")
    usm = ber.expect(parameters, ber.SEQUENCE, "USM parameters")
    parameters.finish("security parameters")
    engine_id = ber.octets(usm, "engine id")
    boots, time_s = ber.integer(usm, "engine boots"), ber.integer(usm, "engine time")
    user_name = ber.octets(usm, "user name")
    authentication = ber.expect(usm, ber.OCTET_STRING, "authentication parameters")
    at = authentication.offset
    privacy = ber.octets(usm, "privacy parameters")
    usm.finish("USM parameters")
    encrypted = bool(flags[0] & 2)
    sealed = ber.octets(message, "encrypted PDU") if encrypted else b""
    pdu = None if encrypted else _read_scoped(message)
    message.finish("message")
    head = (message_id, bool(flags[0] & 1), encrypted, bool(flags[0] & 4), engine_id, boots, time_s, user_name)
    return UsmMessage(*head, pdu, authentication.rest(), at, privacy, sealed)


def decode_scoped_pdu(data: bytes, *, padded: bool = False) -> Pdu:
    """Decode a scoped PDU by itself; `padded`: bytes after it are a block cipher's. Raises ProtocolError."""
    outer = Reader(data)
    pdu = _read_scoped(outer)
    if not padded:
        outer.finish("scoped PDU")
    return pdu


def _read_scoped(reader: Reader) -> Pdu:
    scoped = ber.expect(reader, ber.SEQUENCE, "scoped PDU")
    ber.octets(scoped, "context engine id")
    ber.octets(scoped, "context name")
    pdu = _read_pdu(scoped)
    scoped.finish("scoped PDU")
    return pdu


def _read_pdu(reader: Reader) -> Pdu:
    value = ber.read(reader)
    try:
        kind = PduKind(value.tag)
    except ValueError as error:
        raise ProtocolError(f"PDU tag {value.tag:#04x}", offset=value.offset) from error
    if kind is PduKind.TRAP_V1:
        return Pdu(kind)
    body = value.body
    request_id = ber.integer(body, "request id")
    status, index = ber.integer(body, "error status"), ber.integer(body, "error index")
    listed = ber.expect(body, ber.SEQUENCE, "bindings")
    body.finish("PDU")
    bindings: list[Binding] = []
    while listed.remaining:
        if len(bindings) == MAX_BINDINGS:
            raise ProtocolError(f"more than {MAX_BINDINGS} bindings", offset=listed.offset)
        one = ber.expect(listed, ber.SEQUENCE, "binding")
        oid = ber.oid_body(ber.expect(one, ber.OBJECT_IDENTIFIER, "name"))
        bindings.append(Binding(oid, _read_value(one)))
        one.finish("binding")
    if kind is PduKind.GET_BULK:
        status = index = 0  # there these two are non-repeaters and max-repetitions
    return Pdu(kind, request_id, status, index, tuple(bindings))


def _read_value(reader: Reader) -> int | str | bytes | Absent:
    value = ber.read(reader)
    match value.tag:
        case ber.INTEGER | 0x41 | 0x42 | 0x43 | 0x46:  # INTEGER, Counter32, Gauge32, TimeTicks, Counter64 (RFC 2578 7.1)
            size = value.body.remaining
            number = ber.integer_body(value.body, "value")
            # Agents leave out the sign byte of counters, which are never negative.
            return number if value.tag == ber.INTEGER or number >= 0 else number + (1 << 8 * size)
        case ber.OCTET_STRING | 0x44:  # Opaque
            return value.body.rest()
        case ber.OBJECT_IDENTIFIER:
            return ber.oid_body(value.body)
        case 0x40:
            address = ipaddress.IPv4Address(value.body.take(_ADDRESS_BYTES, "IpAddress"))
            value.body.finish("IpAddress")
            return str(address)
        case Absent.NULL | Absent.NO_SUCH_OBJECT | Absent.NO_SUCH_INSTANCE | Absent.END_OF_MIB_VIEW:
            value.body.finish("NULL")
            return Absent(value.tag)
        case _:
            raise ProtocolError(f"value of tag {value.tag:#04x}", offset=value.offset)


def read_engine_id(engine_id: bytes) -> EngineId:
    """Read an engine id (RFC 3411 section 5); raises ProtocolError for a length outside 5 to 32 bytes.

    The first four bytes hold the IANA enterprise number. With the first bit set a format follows: 1 IPv4, 2 IPv6, 3 MAC,
    4 text, 5 bytes, above 127 the enterprise's own; those two are not read further. Without it: 12 bytes of its own.
    """
    reader = Reader(engine_id)
    if not 5 <= len(engine_id) <= 32:
        raise ProtocolError(f"an engine id of {len(engine_id)} bytes")
    first = reader.u32("enterprise")
    enterprise = first & 0x7FFFFFFF
    if not first >> 31:
        return EngineId(enterprise)
    form, rest = reader.u8("format"), reader.rest()
    match form, len(rest):
        case 1, 4:
            return EngineId(enterprise, address=str(ipaddress.IPv4Address(rest)))
        case 2, 16:
            return EngineId(enterprise, address=str(ipaddress.IPv6Address(rest)))
        case 3, 6:
            return EngineId(enterprise, mac=rest.hex(":"))
        case 4, _:
            return EngineId(enterprise, text=rest.decode(errors="replace"))
        case _:
            return EngineId(enterprise)
