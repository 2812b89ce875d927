"""Recognition of server-first greetings and of answers to foreign requests."""

from __future__ import annotations

import pytest

from plumbline.protocols.banner import MAX_BYTES, identify, identify_answer
from tests.protocols.fuzzing import FuzzTarget

GREETINGS = {
    "OpenSSH with a comment (RFC 4253 4.2)": (b"SSH-2.0-OpenSSH_8.4p1 Debian-5\r\n", "ssh", "OpenSSH", "8.4p1"),
    "dropbear": (b"SSH-2.0-dropbear_2022.83\r\n", "ssh", "dropbear", "2022.83"),
    "a router without a version": (b"SSH-2.0-ROSSSH\r\n", "ssh", "ROSSSH", None),
    "SSH 1 compatible, hyphen before the version": (b"SSH-1.99-Cisco-1.25\n", "ssh", "Cisco", "1.25"),
    "slash before the version": (b"SSH-2.0-mod_sftp/0.9.9\r\n", "ssh", "mod_sftp", "0.9.9"),
    "suffix after the version": (b"SSH-2.0-OpenSSH_7.4p1-hpn14v5\r\n", "ssh", "OpenSSH", "7.4p1"),
    "vsFTPd": (b"220 (vsFTPd 3.0.3)\r\n", "ftp", "vsFTPd", "3.0.3"),
    "ProFTPD": (b"220 ProFTPD 1.3.5 Server (Debian) [10.0.0.1]\r\n", "ftp", "ProFTPD", "1.3.5"),
    "FTP in several lines": (b"220-FileZilla Server 0.9.60 beta\r\n220 ready\r\n", "ftp", "FileZilla Server", "0.9.60"),
    "FTP of an unknown product": (b"220-Welcome\r\n220 NET+OS 6.3 FTP server ready\r\n", "ftp", None, None),
    "a product named after FTP": (b"220 printer JD-FTPD 2.1 ready\r\n", "ftp", "JD-FTPD", "2.1"),
    "Postfix": (b"220 mail.example ESMTP Postfix (Ubuntu)\r\n", "smtp", "Postfix", None),
    "Exim": (b"220 mx.example ESMTP Exim 4.94.2 Mon, 02 Nov 2026\r\n", "smtp", "Exim", "4.94.2"),
    "FTP or SMTP, it does not say": (b"220 ready\r\n", None, None, None),
    "POP3 (RFC 1939 4)": (b"+OK Dovecot ready.\r\n", "pop3", "Dovecot", None),
    "IMAP (RFC 3501 7.1.1)": (b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", "imap", "Dovecot", None),
    "NNTP": (b"200 news.example NNTP Service Ready\r\n", "nntp", None, None),
    "Telnet with negotiation": (b"\xff\xfd\x18\xff\xfb\x01\r\nBusyBox v1.19.4 built-in\r\nrouter login: ", "telnet", "BusyBox", "1.19.4"),
    "Telnet by its prompt alone": (b"\r\nCamera\r\n\r\nlogin: ", "telnet", None, None),
    "VNC (RFC 6143 7.1.1)": (b"RFB 003.008\n", "vnc", None, None),
    "MySQL handshake": (b"J\0\0\0\n8.0.31\0\x08\0\0\0abcdefgh\0", "mysql", "MySQL", "8.0.31"),
    "MariaDB behind MySQL's number": (b"J\0\0\0\n5.5.5-10.3.39-MariaDB-0+deb10u1\0\x08\0", "mysql", "MariaDB", "10.3.39"),
    "MariaDB that refuses": (
        b"D\0\0\0\xff\x6a\x04Host '10.0.0.2' is not allowed to connect to this MariaDB server",
        "mysql",
        "MariaDB",
        None,
    ),
    "MySQL that has no room": (b"\x17\0\0\0\xff\x10\x04Too many connections", "mysql", None, None),
    "a length that MySQL's would have, with other content": (b"J\0\0\0\x07abcdefgh", None, None, None),
    "rsync": (b"@RSYNCD: 31.0\n", "rsync", None, None),
    "Asterisk": (b"Asterisk Call Manager/5.0.2\r\n", "ami", "Asterisk Call Manager", "5.0.2"),
    "MPD": (b"OK MPD 0.23.5\n", "mpd", "MPD", "0.23.5"),
    "nothing": (b"", None, None, None),
    "zeros": (bytes(64), None, None, None),
}

ANSWERS = {
    "HTTP": (b"HTTP/1.1 400 Bad Request\r\nServer: nginx/1.18.0\r\n\r\n<html>", "http"),
    "a TLS port that answers in the clear": (b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port", "tls"),
    "Go's words for it": (b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", "tls"),
    "MongoDB's words": (
        b"HTTP/1.0 200 OK\r\n\r\nIt looks like you are trying to access MongoDB over HTTP on the native driver port.",
        "mongodb",
    ),
    "RTSP": (b"RTSP/1.0 400 Bad Request\r\nServer: GStreamer RTSP server\r\n\r\n", "rtsp"),
    "SIP": (b"SIP/2.0 400 Bad Request\r\n\r\n", "sip"),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", "ssh"),
    "TLS alert (RFC 8446 6)": (b"\x15\x03\x01\x00\x02\x02\x46", "tls"),
    "TLS record of an impossible size": (b"\x15\x03\x01\xff\xff\x02\x46", None),
    "AMQP names its own version": (b"AMQP\x00\x01\x00\x00", "amqp"),
    "OPC UA error": (b"ERRF\x10\0\0\0\0\0\x7e\x80\xff\xff\xff\xff", "opcua"),
    "redis": (b"-ERR wrong number of arguments for 'get' command\r\n", "redis"),
    "PostgreSQL error": (b"E\0\0\0\x2aSFATAL\0C0A000\0Munsupported frontend\0\0", "postgresql"),
    "HTML without a status line": (b"<html><body>", "http"),
    "silence": (b"", None),
}


@pytest.mark.parametrize(("data", "protocol", "product", "version"), GREETINGS.values(), ids=GREETINGS)
def test_greeting(data: bytes, protocol: str | None, product: str | None, version: str | None) -> None:
    banner = identify(data)
    assert (banner.protocol, banner.product, banner.version) == (protocol, product, version)
    for size in range(len(data)):
        identify(data[:size])


@pytest.mark.parametrize(("data", "protocol"), ANSWERS.values(), ids=ANSWERS)
def test_answer(data: bytes, protocol: str | None) -> None:
    assert identify_answer(data) == protocol


def test_http_answer_names_its_server() -> None:
    banner = identify(b"HTTP/1.1 200 OK\r\nDate: x\r\nServer: lighttpd/1.4.59\r\n\r\nServer: not/this")
    assert (banner.product, banner.version) == ("lighttpd", "1.4.59")


def test_text_is_printable_and_capped() -> None:
    text = identify(b"\x1b[31m\x00caf\xc3\xa9\xfe\r\nnext " + b"x" * 10_000).text
    assert text.startswith(".[31m.caf\u00e9\ufffd\nnext x")
    assert len(text) <= MAX_BYTES
    assert all(sign.isprintable() or sign == "\n" for sign in text)


def test_telnet_negotiation_is_not_text() -> None:
    assert identify(b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0Password: ").text == "Password: "


def entry(data: bytes) -> object:
    return identify(data), identify_answer(data)


FUZZ = [FuzzTarget("banner", entry, [case[0] for case in GREETINGS.values()] + [case[0] for case in ANSWERS.values()])]
