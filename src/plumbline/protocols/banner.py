"""Name the protocol, and the product where it says so, from what a server sends first or from its answer to a foreign request.

It recognises; it does not decode: the protocols' own codecs do. It holds no opinion about versions, and answers None
rather than guess: a greeting of "220 ready" may be FTP or SMTP. Nothing it is given makes it fail.

| first bytes | protocol | source |
|---|---|---|
| `SSH-x.y-` | ssh | RFC 4253 4.2 |
| `220` + a word of FTP or SMTP | ftp, smtp | RFC 959 5.4; RFC 5321 4.2 |
| `+OK`, `* OK`, `200 `/`201 ` + NNTP | pop3, imap, nntp | RFC 1939 4; RFC 3501 7.1; RFC 3977 5.1 |
| IAC and a verb; a login prompt | telnet | RFC 854 |
| `RFB xxx.yyy` LF | vnc | RFC 6143 7.1.1 |
| length of 3 bytes, 0, 10, version NUL | mysql | MySQL client/server protocol, Protocol::HandshakeV10; 255 instead of 10: an error |
| `HTTP/`, `RTSP/`, `SIP/` x.y SP ddd | http, rtsp, sip | RFC 9112 4; RFC 2326 7.1; RFC 3261 7.2 |
| 21 or 22, 3, 0-4, length | tls | RFC 8446 5.1; a plain-text complaint about HTTP on a TLS port counts too |
| `AMQP` | amqp | AMQP 1.0 2.2: the answer to a foreign header |
| `HEL`, `ACK`, `ERR` + F | opcua | OPC 10000-6 7.1.2 |
| `-ERR`, `-NOAUTH`, `-DENIED` | redis | Redis serialization protocol, simple errors |
| `E` length `S` ... | postgresql | PostgreSQL 55.7, ErrorResponse |
| `@RSYNCD:`, `@PJL`, `OK MPD`, `Asterisk Call Manager` | rsync, jetdirect, mpd, ami | the products' habit |

`text` is UTF-8 with replacement (no charset is agreed before login), control characters as dots, at most 512 characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.protocols.telnet import IAC, Prompt, Verb, plain_text, prompt_of

MAX_BYTES = 512  # banners are shorter (RFC 4253 4.2: 255); what follows is not identification
_VERSION = r"[ /_\-]v?(?P<version>\d+(?:\.\w+)*(?:-\w+)?)"


@dataclass(frozen=True, slots=True)
class Banner:
    """What a server said of itself first; None where it did not say."""

    protocol: str | None
    product: str | None
    version: str | None
    text: str


_TEXT_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (protocol, re.compile(pattern, re.IGNORECASE))
    for protocol, pattern in (
        ("ssh", r"SSH-\d\.\d+-"),
        ("vnc", r"RFB \d{3}\.\d{3}"),
        ("http", r"HTTP/\d\.\d \d{3}|<!DOCTYPE html|<html"),
        ("rtsp", r"RTSP/\d\.\d \d{3}"),
        ("sip", r"SIP/\d\.\d \d{3}"),
        ("http", r"ICY \d{3}"),
        ("smtp", r"(?:220|421|554)[ -][^\n]*\b(?:E?SMTP|Postfix|Exim|Sendmail)\b"),
        ("ftp", r"(?:220|421|530)[ -][^\x00]{0,400}?(?:FTP|FileZilla)"),
        ("pop3", r"\+OK\b"),
        ("imap", r"\* (?:OK|PREAUTH|BYE)\b"),
        ("nntp", r"20[01] [^\n]*\bNNTP\b"),
        ("redis", r"-(?:ERR|NOAUTH|DENIED|NOPERM) "),
        ("rsync", r"@RSYNCD: "),
        ("jetdirect", r"@PJL "),
        ("mpd", r"OK MPD "),
        ("ami", r"Asterisk Call Manager/"),
    )
)

_FTP_SERVERS = "vsFTPd|ProFTPD|Pure-FTPd|FileZilla Server|pyftpdlib|bftpd|Serv-U|uFTPd|tnftpd|Microsoft FTP Service"
_MAIL_SERVERS = "Postfix|Exim|Sendmail|Dovecot|Courier-IMAP|Cyrus IMAP|hMailServer|OpenSMTPD"
_PRODUCTS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<product>{_FTP_SERVERS})(?: Server| version)?(?:{_VERSION})?",
        rf"(?P<product>{_MAIL_SERVERS})(?:{_VERSION})?",
        rf"(?P<product>Asterisk Call Manager|MPD|BusyBox|DD-WRT|OpenWrt){_VERSION}",
        rf"\b(?P<product>[A-Za-z][\w\-]{{0,30}}FTPd?){_VERSION}",
    )
)

_SSH = re.compile(r"SSH-\d\.\d+-(?P<product>[A-Za-z]\S{0,64}?)(?:[_\-/](?P<version>\d[\w.]*)(?:[^\w.\s]\S*)?)?(?=\s|$)")
_HTTP_SERVER = re.compile(r"\nServer:[ \t]*(?P<product>[^/\s]{1,64})(?:/(?P<version>[\w.\-]{1,32}))?", re.IGNORECASE)
_MARIADB = re.compile(r"(?:5\.5\.5-)?(?P<version>\d+\.\d+\.\d+)-MariaDB", re.IGNORECASE)
_TLS_COMPLAINT = re.compile(
    r"plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server|speaking plain HTTP to an SSL-enabled|requires (?:TLS|SSL)",
    re.IGNORECASE,
)


def identify(data: bytes) -> Banner:
    """Identify what a server sent first; only the first 512 bytes are read."""
    data = data[:MAX_BYTES]
    if mysql := _mysql(data):
        return mysql
    if protocol := _binary_sign(data):
        return Banner(protocol, None, None, _printable(data.decode("utf-8", errors="replace")))
    negotiates = len(data) >= 2 and data[0] == IAC and data[1] in tuple(Verb)
    text = plain_text(data) if negotiates else data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    protocol = "telnet" if negotiates else next((name for name, sign in _TEXT_SIGNS if sign.match(text)), None)
    if protocol is None and prompt_of(text) in (Prompt.LOGIN, Prompt.PASSWORD):
        protocol = "telnet"
    product, version = _product(protocol, text)
    return Banner(protocol, product, version, _printable(text))


def identify_answer(data: bytes) -> str | None:
    """Name the protocol that an answer to an HTTP GET, or to silence, betrays; None when it could be any."""
    text = data[: 4 * MAX_BYTES].decode("latin-1")
    if text.startswith("HTTP/"):
        if _TLS_COMPLAINT.search(text):
            return "tls"
        return "mongodb" if "trying to access MongoDB over HTTP" in text else "http"
    return identify(data).protocol


def _binary_sign(data: bytes) -> str | None:
    """Recognise protocols that are not text."""
    if len(data) >= 5 and data[0] in (21, 22) and data[1] == 3 and data[2] <= 4 and int.from_bytes(data[3:5], "big") <= 0x4800:
        return "tls"
    if data.startswith(b"AMQP") and len(data) >= 8 and data[4] <= 3:
        return "amqp"
    if data[:4] in (b"HELF", b"ACKF", b"ERRF"):
        return "opcua"
    if data[:1] == b"E" and data[5:6] == b"S" and 8 <= int.from_bytes(data[1:5], "big") <= 0x7FFF:
        return "postgresql"
    return None


def _mysql(data: bytes) -> Banner | None:
    if len(data) < 8 or data[3] != 0 or not 8 <= int.from_bytes(data[:3], "little") <= 1024:
        return None
    version, nul, _ = data[5:].partition(b"\x00")
    if data[4] == 10 and nul and version[:1].isdigit() and version.isascii():
        text = version.decode("ascii")
        if match := _MARIADB.match(text):
            return Banner("mysql", "MariaDB", match["version"], _printable(text))
        return Banner("mysql", "MySQL", text.partition("-")[0], _printable(text))
    if data[4] == 255 and any(word in data for word in (b"allowed to connect", b"Too many connections", b"is blocked")):
        text = data[7:].decode("utf-8", errors="replace")
        return Banner("mysql", "MariaDB" if "MariaDB" in text else None, None, _printable(text))
    return None


def _product(protocol: str | None, text: str) -> tuple[str | None, str | None]:
    if protocol == "ssh":
        match = _SSH.match(text.split("\n", 1)[0])
    elif protocol in ("http", "rtsp", "sip"):
        match = _HTTP_SERVER.search(text.split("\n\n", 1)[0])
    elif protocol in ("ftp", "smtp", "pop3", "imap", "mpd", "ami", "telnet"):
        match = next((found for pattern in _PRODUCTS if (found := pattern.search(text))), None)
    else:
        match = None
    return (match["product"], match["version"]) if match else (None, None)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\n" else "." for sign in text.rstrip("\r\n\x00"))
