"""What is taken out of answers before they are stored, what stays, and that hostile bytes cost linear time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.net.redaction import redact
from plumbline.rig.secrets import keyed_digest

KEY = b"k" * 32
PEM = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----\n"

TAKEN = [
    # name, protocol, answer, secret, what must still be there
    (
        "cookie value, attributes kept",
        "http",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: SID=8f3a77; Path=/; HttpOnly\r\n\r\n",
        b"8f3a77",
        b"; Path=/; HttpOnly",
    ),
    ("a cookie's name stays", "http", b"Set-Cookie: SID=8f3a77\r\n", b"8f3a77", b"Set-Cookie: SID=<redacted:cookie:k1:"),
    (
        "samesite and expiry stay",
        "http",
        b"set-cookie: a=s3cr; SameSite=None; Max-Age=60; Secure\r\n",
        b"s3cr",
        b"; SameSite=None; Max-Age=60; Secure",
    ),
    (
        "echoed authorization",
        "http",
        b"TRACE\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\n",
        b"YWRtaW46YWRtaW4",
        b"Authorization: <redacted:authorization",
    ),
    ("token header", "http", b"X-Auth-Token: abcdef\r\n", b"abcdef", b"X-Auth-Token"),
    ("rtsp session id", "rtsp", b"RTSP/1.0 200 OK\r\nSession: 66334873;timeout=60\r\n", b"66334873", b";timeout=60"),
    ("hidden session field", "http", b'<input type="hidden" name="sessionId" value="zzq91">', b"zzq91", b'name="sessionId"'),
    ("hidden csrf field, value first", "http", b"<INPUT value='zzq91' name=csrf_token type=hidden>", b"zzq91", b"name=csrf_token"),
    ("prefilled password", "http", b'<input name="p1" type="password" value="hunter2">', b"hunter2", b'type="password"'),
    ("unquoted value", "http", b"<input type=password value=hunter2>", b"hunter2", b"type=password"),
    ("session id in a url", "http", b'<a href="/main.cgi?sid=991ab&lang=en">', b"991ab", b"&lang=en"),
    ("java session in a url", "http", b"/index;jsessionid=55AA77?x=1", b"55AA77", b"/index;jsessionid="),
    ("json password", "mqtt", b'{"user":"admin","wifiPassword": "a\\"b c","ssid":"shop"}', b"b c", b'"ssid":"shop"'),
    ("json token", "coap", b'{"access_token":"eyJhbGci.x.y","expires_in":60}', b"eyJhbGci", b'"expires_in":60'),
    ("json cut short", "http", b'{"password":"hunt', b"hunt", b'"password":"'),
    ("xml password", "http", b"<User><id>1</id><password>hunter2</password></User>", b"hunter2", b"<id>1</id>"),
    ("xml with namespace", "http", b'<tt:Password type="x">hunter2</tt:Password>', b"hunter2", b"</tt:Password>"),
    ("key and value", "telnet", b"ssid=shop\npsk=letmein99\nchannel=6\n", b"letmein99", b"channel=6"),
    ("script variable", "http", b'var adminpwd = "hunter2"; var n = 1;', b"hunter2", b"var n = 1;"),
    ("url with a password", "http", b"rtsp://admin:hunter2@10.0.0.9/ch1", b"hunter2", b"rtsp://admin:<redacted:password"),
    ("private key", "ftp", PEM, b"MIIEow", b"-----END RSA PRIVATE KEY-----"),
    ("a secret that poses as redacted", "http", b'{"password":"hunter2<redacted:"}', b"hunter2", b'"password":"'),
    ("a token around what is redacted", "http", b'{"token":"https://u:pw@h/zzq91"}', b"zzq91", b'"token":"'),
    ("private key cut short", "http", PEM[:45], b"MIIEow", b"BEGIN RSA PRIVATE KEY"),
    ("pkcs8 key", "http", PEM.replace(b"RSA ", b""), b"IBAAKC", b"-----BEGIN PRIVATE KEY-----"),
    (
        "sas token",
        "http",
        b"SharedAccessSignature sr=hub%2Fdevices%2Fd&sig=Zm9vYmFyYmF6%3D&se=1700000000",
        b"Zm9vYmFyYmF6",
        b"&se=1700000000",
    ),
    ("connection string", "http", b"HostName=h;DeviceId=d;SharedAccessKey=Zm9vYmFyYmF6cXV4==", b"Zm9vYmFyYmF6", b"DeviceId=d;"),
]

KEPT = [
    ("certificate", "http", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"),
    ("public key", "ssh", b"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"),
    ("the word password in a page", "http", b"<label>Password</label><input type=password name=pw>"),
    ("a nonce is no secret", "http", b'WWW-Authenticate: Digest realm="cam", nonce="dcd98b"\r\n'),
    ("whether one is set", "http", b'{"password_set": true, "token_endpoint": "https://x/y", "ssid": "shop"}'),
    ("names that only look alike", "http", b'{"compass":"north","author":"me","inside":"x"}'),
    ("a banner", "ssh", b"SSH-2.0-dropbear_2019.78\r\n"),
    ("binary", "modbus", bytes(range(256))),
    ("header words in a body of another protocol", "modbus", b"Set-Cookie: a=b\r\n"),
    ("nothing", "http", b""),
]


@pytest.mark.parametrize(("protocol", "answer", "secret", "stays"), [case[1:] for case in TAKEN], ids=[case[0] for case in TAKEN])
def test_takes(protocol: str, answer: bytes, secret: bytes, stays: bytes) -> None:
    redacted = redact(protocol, answer, KEY)
    assert secret in answer
    assert secret not in redacted
    assert stays in redacted
    assert b"<redacted:" in redacted


@pytest.mark.parametrize(("protocol", "answer"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_keeps(protocol: str, answer: bytes) -> None:
    assert redact(protocol, answer, KEY) == answer


@pytest.mark.parametrize(("protocol", "answer"), [case[1:3] for case in TAKEN], ids=[case[0] for case in TAKEN])
def test_twice_is_once(protocol: str, answer: bytes) -> None:
    once = redact(protocol, answer, KEY)
    assert redact(protocol, once, KEY) == once


def test_the_digest_is_the_rigs_own() -> None:
    redacted = redact("http", b'{"password":"hunter2"}', KEY)
    assert keyed_digest(KEY, "password", b"hunter2").encode() in redacted
    assert redacted != redact("http", b'{"password":"hunter2"}', b"other" * 7)


@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    once = redact("http", data, KEY)
    assert redact("http", once, KEY) == once


HOSTILE = [
    b"<input ",
    b"-----BEGIN PRIVATE KEY-----",
    b'"password":"',
    b"password",
    b"a.b-",
    b"Cookie: ",
    b"x://a:",
    b"sid=",
    b"\\",
    b"<a:password ",
    b"=;",
]


@pytest.mark.parametrize("part", HOSTILE, ids=[each.decode("ascii") for each in HOSTILE])
def test_repetition_is_no_trap(part: bytes) -> None:
    data = part * (200_000 // len(part))
    assert redact("http", data, KEY) is not None  # the suite's own timeout is the judge


def test_mixed_fragments() -> None:
    pick = random.Random(7)
    parts = [*HOSTILE, *(case[2] for case in TAKEN), b"\r\n", b"; ", b'"', b">"]
    for _ in range(300):
        data = b"".join(pick.choices(parts, k=12))
        once = redact("http", data, KEY)
        assert redact("http", once, KEY) == once
