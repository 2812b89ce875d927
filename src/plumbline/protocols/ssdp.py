"""SSDP: the search of UPnP and what answers it (UPnP Device Architecture 2.0, "UDA", section 1).

Not here: the description that a LOCATION points to (`upnp`), eventing, control.

    start line     "M-SEARCH * HTTP/1.1", "NOTIFY * HTTP/1.1" or "HTTP/1.1 200 OK"      UDA 1.2, 1.3
    headers        name ":" value, one on each line; names in any case                  UDA 1.1.2
    empty line     and no body

One message is one datagram. There is no charset: bytes read as UTF-8 with U+FFFD for what is none. Lines may end with
LF alone and the last empty line may be missing, as devices do; a line without a colon is a ProtocolError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from plumbline.model.errors import ProtocolError

MAX_HEADERS = 64
MAX_SIZE = 8192  # bytes; a message must fit one datagram, and real ones are below 1 KiB
ALL = "ssdp:all"
ROOT_DEVICE = "upnp:rootdevice"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_STATUS = re.compile(r"HTTP/1\.[01] ([0-9]{3})(?: .*)?")
_MAX_AGE = re.compile(r"max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)


class Kind(StrEnum):
    """What a message is."""

    SEARCH = "search"
    RESPONSE = "response"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class Message:
    """One message; header names in lower case, in order. `status` is None but in responses."""

    kind: Kind
    status: int | None
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """Return the first header of this name (lower case), None when absent."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def location(self) -> str | None:
        """URL of the description, as the device says: to be judged before anyone follows it."""
        return self.get("location")

    @property
    def server(self) -> str | None:
        """Operating system, UPnP version and product, as the device says."""
        return self.get("server")

    @property
    def usn(self) -> str | None:
        """Unique service name."""
        return self.get("usn")

    @property
    def udn(self) -> str | None:
        """The device's own name, `uuid:...`, out of the unique service name; None when that has another form."""
        usn = self.get("usn") or ""
        return usn.partition("::")[0] if usn.lower().startswith("uuid:") else None

    @property
    def target(self) -> str | None:
        """What was searched for (ST) or announced (NT)."""
        return self.get("nt") if self.kind is Kind.NOTIFY else self.get("st")

    @property
    def max_age_s(self) -> int | None:
        """How long the announcement holds, seconds; None when it does not say."""
        match = _MAX_AGE.search(self.get("cache-control") or "")
        return int(match[1]) if match else None


def encode_search(target: str = ALL, *, max_wait_s: int = 1, host: str = "239.255.255.250:1900") -> bytes:
    """Encode M-SEARCH (UDA 1.3.2); raises ValueError for a wait outside 1 to 5 s or a target that would break the line."""
    if not 1 <= max_wait_s <= 5 or not (target.isascii() and target.isprintable() and host.isprintable()):
        raise ValueError(f"no such search: {target!r}, {max_wait_s} s, {host!r}")
    lines = ("M-SEARCH * HTTP/1.1", f"HOST: {host}", 'MAN: "ssdp:discover"', f"MX: {max_wait_s}", f"ST: {target}", "", "")
    return "\r\n".join(lines).encode()


def decode(data: bytes) -> Message:
    """Decode one datagram; raises ProtocolError."""
    if len(data) > MAX_SIZE:
        raise ProtocolError(f"{len(data)} bytes; at most {MAX_SIZE} are read")
    first, *lines = (line.removesuffix("\r") for line in data.decode(errors="replace").split("\n"))
    kind, status = _read_start(first)
    headers: list[tuple[str, str]] = []
    for line in lines:
        if not line:
            break
        if len(headers) == MAX_HEADERS:
            raise ProtocolError(f"more than {MAX_HEADERS} headers")
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name.rstrip()):
            raise ProtocolError(f"not a header: {line[:40]!r}")
        headers.append((name.rstrip().lower(), value.strip()))
    return Message(kind, status, tuple(headers))


def _read_start(line: str) -> tuple[Kind, int | None]:
    words = line.split()
    if words[1:] in (["*", "HTTP/1.1"], ["*", "HTTP/1.0"]):
        if words[0] == "NOTIFY":
            return Kind.NOTIFY, None
        if words[0] == "M-SEARCH":
            return Kind.SEARCH, None
    match = _STATUS.fullmatch(line)
    if not match:
        raise ProtocolError(f"not an SSDP start line: {line[:40]!r}", offset=0)
    return Kind.RESPONSE, int(match[1])
