"""What a service of the lab is, as values: one frozen type per protocol, holding exactly what can be told from outside.

Not how it is served (`servers`) and not why it is so (`fleet`, from the switches). Truth is derived from these values alone, so whatever a
server does that an audit could notice must stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from plumbline.lab.certificates import Certificate
from plumbline.model.words import Transport


@dataclass(frozen=True, slots=True)
class Tls:
    """How a listener does TLS: 1.2 and 1.3 with authenticated encryption, unless told otherwise."""

    certificate: Certificate
    sends_authority: bool = False
    oldest: str = "tls1.2"  # or tls1.0
    null_suite: bool = False  # accepts a suite without encryption


class Page(Enum):
    """What GET / shows."""

    LOGIN = "login form"
    ADMINISTRATION = "administration without a login"
    LISTING = "listing of files"
    PLAIN = "a page that offers nothing"
    REDIRECT = "redirect to HTTPS"
    BASIC = "401 with a Basic challenge"
    DIGEST = "401 with a Digest challenge"
    UPNP = "a UPnP device description"


class Cookie(Enum):
    """How the session cookie is set."""

    NONE = "none"
    BARE = "without attributes"
    FLAGGED = "with Secure, HttpOnly and SameSite"


@dataclass(frozen=True, slots=True)
class Web:
    """HTTP, or HTTPS where `tls` is set."""

    port: int
    page: Page
    server: str
    title: str
    tls: Tls | None = None
    redirect_port: int = 8443
    cookie: Cookie = Cookie.NONE
    cors_any_origin: bool = False
    model: str | None = None  # as the page states it
    firmware_version: str | None = None  # as the page states it
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[str] = "http"


@dataclass(frozen=True, slots=True)
class Telnet:
    """Telnet with a login prompt, or with a shell at once."""

    port: int
    shell: bool
    banner: str
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[str] = "telnet"


@dataclass(frozen=True, slots=True)
class HostKey:
    """An SSH host key by its kind and name in `keys`."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Ssh:
    """SSH; nobody can log in."""

    port: int
    software: str
    host_key: HostKey
    weak_algorithms: bool = False
    protocol_version: str = "2.0"  # or 1.99
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[str] = "ssh"


@dataclass(frozen=True, slots=True)
class Rtsp:
    """RTSP; `login` asks for Digest."""

    port: int
    server: str
    login: bool
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[str] = "rtsp"


@dataclass(frozen=True, slots=True)
class Ftp:
    """FTP; `auth_tls` is set where AUTH TLS is offered, and with which certificate."""

    port: int
    banner: str
    anonymous: bool
    auth_tls: Tls | None
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[str] = "ftp"


@dataclass(frozen=True, slots=True)
class Snmp:
    """An SNMP agent: version 3 always, community public where `public`."""

    port: int
    public: bool
    description: str
    engine_id: bytes
    transport: ClassVar[Transport] = Transport.UDP
    protocol: ClassVar[str] = "snmp"


@dataclass(frozen=True, slots=True)
class Modbus:
    """Modbus/TCP; `strict` devices take one connection and one request at a time, and die of a foreign protocol."""

    port: int
    identification: bool
    vendor: str
    product_code: str
    revision: str
    strict: bool
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[str] = "modbus"


@dataclass(frozen=True, slots=True)
class OpcUa:
    """OPC UA with Basic256Sha256 SignAndEncrypt; `unsecured` adds an endpoint with None and anonymous users."""

    port: int
    application_uri: str
    application_name: str
    unsecured: bool
    certificate: Certificate  # RSA: the security policy knows no other
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[str] = "opcua"


@dataclass(frozen=True, slots=True)
class Mqtt:
    """One listener of an MQTT 3.1.1 broker, in clear or inside TLS."""

    port: int
    anonymous: bool
    wildcard: bool
    sys: bool
    tls: Tls | None = None
    topics: tuple[str, ...] = ()  # with a retained message each
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[str] = "mqtt"


@dataclass(frozen=True, slots=True)
class Coap:
    """CoAP without security; unreadable resources answer 4.01 and are listed all the same."""

    port: int
    readable: bool
    resources: tuple[str, ...]
    transport: ClassVar[Transport] = Transport.UDP
    protocol: ClassVar[str] = "coap"


@dataclass(frozen=True, slots=True)
class Ssdp:
    """Answers unicast M-SEARCH; its description is a `Web` page of kind UPNP on `description_port`."""

    port: int
    description_port: int
    server: str
    transport: ClassVar[Transport] = Transport.UDP
    protocol: ClassVar[str] = "ssdp"


@dataclass(frozen=True, slots=True)
class Mdns:
    """Answers unicast questions for its one service; `leaks` adds serial number and location to what it tells."""

    port: int
    instance: str
    serial: str
    leaks: bool
    transport: ClassVar[Transport] = Transport.UDP
    protocol: ClassVar[str] = "mdns"


class Habit(Enum):
    """How a service that speaks no protocol behaves."""

    MUTE = "takes what comes and says nothing"
    PRINTS = "puts what comes on paper and says nothing"
    SILENT = "drops connection attempts: a filter"
    HANGS_UP = "closes at once"
    GARBAGE = "sends bytes that are no protocol"
    TARPIT = "sends one byte now and then, for ever"


@dataclass(frozen=True, slots=True)
class Odd:
    """A port without a protocol."""

    port: int
    habit: Habit
    transport: ClassVar[Transport] = Transport.TCP
    protocol: ClassVar[None] = None


Service = Web | Telnet | Ssh | Rtsp | Ftp | Snmp | Modbus | OpcUa | Mqtt | Coap | Ssdp | Mdns | Odd
