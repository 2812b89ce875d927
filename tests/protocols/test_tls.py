"""TLS hellos, records and handshake messages: vectors by clause, and OpenSSL's own bytes through memory."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa, x25519

from plumbline.model.errors import ProtocolError
from plumbline.protocols import tls, tls_hello
from plumbline.protocols.tls import Alert, Certificate, CertificateRequest, RecordDecoder, ServerHelloDone, ServerKeyExchange
from plumbline.protocols.tls_hello import ClientHello, ServerHello, TlsVersion, encode_client_hello, version_word
from plumbline.protocols.tls_suites import SUITES
from tests.protocols.fuzzing import FuzzTarget, assert_any_cut, assert_any_split, run_stream, stream_entry

RANDOM = bytes(range(32))
MODERN = (0x1301, 0x1302, 0x1303)
OLD = tuple(number for number in SUITES if number not in MODERN)


def record(kind: int, content: bytes, version: int = 0x0303) -> bytes:
    return bytes((kind,)) + version.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def server_hello(version: int, suite: int, extensions: bytes = b"", random: bytes = RANDOM) -> bytes:
    tail = len(extensions).to_bytes(2, "big") + extensions if extensions else b""
    return message(2, version.to_bytes(2, "big") + random + b"\x00" + suite.to_bytes(2, "big") + b"\x00" + tail)


HELLO_1_2 = server_hello(0x0303, 0xC02F, b"\x00\x10\x00\x05\x00\x03\x02h2")
HELLO_1_3 = server_hello(0x0303, 0x1301, b"\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x24\x00\x1d\x00\x20" + RANDOM)
RETRY = server_hello(0x0303, 0x1302, b"\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x02\x00\x17", tls_hello.HELLO_RETRY)
CHAIN = message(11, b"\x00\x00\x0b\x00\x00\x03abc\x00\x00\x02de")
ECDHE = message(12, b"\x03\x00\x17\x04abcd\x04\x01\x00\x04sign")
DHE = message(12, b"\x00\x40" + b"\x7f" + bytes(63) + b"\x00\x01\x02\x00\x01\x05")
ASK = message(13, b"\x01\x01\x00\x00\x00\x00")
DONE = message(14, b"")
CCS = record(20, b"\x01")
FLIGHT = record(22, HELLO_1_2) + record(22, CHAIN) + record(22, ECDHE) + record(22, ASK + DONE)
FLIGHT_EVENTS: list[tls.Event] = [
    ServerHello(0x0303, 0xC02F, False, 0, (16,), "h2", None),
    Certificate((b"abc", b"de")),
    ServerKeyExchange(23, None),
    CertificateRequest(),
    ServerHelloDone(),
]

STREAMS: dict[str, tuple[bytes, list[tls.Event]]] = {
    "TLS 1.2 flight": (FLIGHT, FLIGHT_EVENTS),
    "a message over several records, several messages in one": (
        record(22, HELLO_1_2[:10]) + record(22, HELLO_1_2[10:] + CHAIN[:5]) + record(22, CHAIN[5:] + ECDHE + ASK + DONE),
        FLIGHT_EVENTS,
    ),
    "DHE of 511 bits": (
        record(22, server_hello(0x0301, 0x0033) + DHE),
        [ServerHello(0x0301, 0x0033, False, 0, (), None, None), ServerKeyExchange(None, 511)],
    ),
    "a key exchange without a hello before it": (record(22, ECDHE), [ServerKeyExchange(None, None)]),
    "a PSK hint is not read": (
        record(22, server_hello(0x0303, 0xC035) + message(12, b"\x00\x04hint")),
        [ServerHello(0x0303, 0xC035, False, 0, (), None, None), ServerKeyExchange(None, None)],
    ),
    "an explicit curve": (
        record(22, server_hello(0x0301, 0xC013) + message(12, b"\x01abc")),
        [ServerHello(0x0301, 0xC013, False, 0, (), None, None), ServerKeyExchange(None, None)],
    ),
    "TLS 1.3: all after the hello is encrypted": (
        record(22, HELLO_1_3) + CCS + record(23, b"secret") + record(22, b"\xff"),
        [ServerHello(0x0304, 0x1301, False, 0, (43, 51), None, 29)],
    ),
    "a retry encrypts nothing": (
        record(22, RETRY) + CCS + record(21, b"\x02\x28"),
        [ServerHello(0x0304, 0x1302, True, 0, (43, 51), None, 23), Alert(2, 40)],
    ),
    "after ChangeCipherSpec": (CCS + record(22, b"encrypted") + record(21, b"encrypted"), []),
    "alert (RFC 8446 6)": (record(21, b"\x02\x46", 0x0301), [Alert(2, 70)]),
    "heartbeats and data are passed over": (record(24, b"x") + record(23, b"") + record(21, b"\x01\x00"), [Alert(1, 0)]),
    "messages that nobody reads": (record(22, message(0, b"") + message(22, b"staple")), []),
    "a client without a certificate": (record(22, message(11, b"\x00\x00\x00")), [Certificate(())]),
}

BROKEN = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n",
    "one byte of another protocol": b"H",
    "a version that is not 3.x": b"\x16\x02\x00\x00\x01\x00",
    "a record over the cap": b"\x16\x03\x03\x48\x01",
    "a message over the cap": record(22, b"\x0b\x02\x00\x01"),
    "an empty handshake record (RFC 8446 5.1)": record(22, b""),
    "an alert of three bytes": record(21, b"\x02\x28\x00"),
    "ChangeCipherSpec inside a message": record(22, HELLO_1_2[:10]) + CCS,
    "plaintext after a TLS 1.3 hello in its record": record(22, HELLO_1_3 + DONE),
    "an end inside a record": FLIGHT[:-1],
    "an end inside a message": record(22, HELLO_1_2[:10]),
    "a certificate of no bytes": record(22, message(11, b"\x00\x00\x03\x00\x00\x00")),
    "a chain without end": record(22, message(11, (4 * 40).to_bytes(3, "big") + b"\x00\x00\x01x" * 40)),
    "a session id over 32 bytes": record(22, message(2, b"\x03\x03" + RANDOM + b"\x21" + bytes(40))),
    "the same extension twice (RFC 8446 4.2)": record(22, server_hello(0x0303, 0x1301, b"\x00\x17\x00\x00\x00\x17\x00\x00")),
    "a chosen protocol that is not ASCII": record(22, server_hello(0x0303, 0xC02F, b"\x00\x10\x00\x05\x00\x03\x02h\xff")),
    "an odd list of suites": record(22, message(1, b"\x03\x03" + RANDOM + b"\x00\x00\x03\x00\x2f\x00\x01\x00")),
}


@pytest.mark.parametrize(("data", "events"), STREAMS.values(), ids=STREAMS)
def test_stream(data: bytes, events: list[tls.Event]) -> None:
    assert assert_any_split(RecordDecoder, data) == events


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken(data: bytes) -> None:
    _, ok = run_stream(RecordDecoder(), [data])
    assert not ok


def test_what_came_before_the_fault_is_given_first() -> None:
    events, ok = run_stream(RecordDecoder(), [FLIGHT + b"HTTP"])
    assert (events, ok) == (FLIGHT_EVENTS, False)


def test_sealed() -> None:
    decoder = RecordDecoder()
    decoder.feed(FLIGHT)
    assert not decoder.sealed
    decoder.feed(CCS)
    assert decoder.sealed


def test_alert_names() -> None:
    assert (Alert(2, 70).name, Alert(2, 70).fatal) == ("protocol_version", True)
    assert (Alert(1, 199).name, Alert(1, 199).fatal) == ("199", False)


def decoded(hello: bytes) -> ClientHello:
    (event,) = assert_any_split(RecordDecoder, hello)
    assert isinstance(event, ClientHello)
    return event


def test_client_hello_of_every_version_alone() -> None:
    for version in TlsVersion:
        suites = MODERN if version is TlsVersion.TLS1_3 else OLD
        data = encode_client_hello([version], suites, random=RANDOM, key_share=RANDOM)
        hello = decoded(data)
        assert hello.legacy_version == min(version, TlsVersion.TLS1_2)
        assert hello.versions == (version,)
        assert hello.suites == suites
        assert (43 in hello.extensions) == (51 in hello.extensions) == (version is TlsVersion.TLS1_3)
        assert (13 in hello.extensions) == (version >= TlsVersion.TLS1_2)
        assert bool(hello.extensions) == (version is not TlsVersion.SSL3_0)
        assert data[1:3] == (b"\x03\x00" if version is TlsVersion.SSL3_0 else b"\x03\x01")


def test_client_hello_byte_by_byte() -> None:  # RFC 5246 7.4.1.2, RFC 6066 3, RFC 7301 3.1, RFC 8422 5.1, RFC 5746 3.2
    data = encode_client_hello(
        [TlsVersion.TLS1_1], [0x002F, 0x0035], random=RANDOM, session_id=b"id", server_name="cam", alpn=["h2", "mqtt"]
    )
    extensions = bytes.fromhex(
        "00000008" "0006" "00" "0003" "63616d"
        "000a0010" "000e" "001d00170018" "0019001e01000101"
        "000b0002" "0100"
        "0010000a" "0008" "026832" "046d717474"
        "ff010001" "00"
    )  # fmt: skip
    body = b"\x03\x02" + RANDOM + b"\x02id" + b"\x00\x04\x00\x2f\x00\x35" + b"\x01\x00" + len(extensions).to_bytes(2, "big") + extensions
    assert data == record(22, message(1, body), 0x0301)
    assert decoded(data) == ClientHello(0x0302, (0x0302,), (0x002F, 0x0035), "cam", ("h2", "mqtt"), (0,), (0, 10, 11, 16, 65281))


def test_grease_is_left_out() -> None:  # RFC 8701
    extensions = bytes.fromhex("0a0a0000" "00100009" "0007" "020a0a" "03666f6f" "002b0007" "06" "1a1a" "0304" "0303")  # fmt: skip
    body = b"\x03\x03" + RANDOM + b"\x00" + bytes.fromhex("0006" "2a2a" "1301" "00ff") + b"\x01\x00"  # fmt: skip
    hello = decoded(record(22, message(1, body + len(extensions).to_bytes(2, "big") + extensions)))
    assert (hello.suites, hello.versions, hello.alpn, hello.extensions) == ((0x1301, 0x00FF), (0x0304, 0x0303), ("foo",), (16, 43))


def test_a_server_name_of_an_unknown_kind_is_none() -> None:
    body = b"\x03\x03" + RANDOM + b"\x00\x00\x02\x00\x2f\x01\x00" + bytes.fromhex("000a" "00000006" "0004" "07" "0001" "78")  # fmt: skip
    assert decoded(record(22, message(1, body))).server_name is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: encode_client_hello([], [1], random=RANDOM),
        lambda: encode_client_hello([TlsVersion.TLS1_2], [], random=RANDOM),
        lambda: encode_client_hello([TlsVersion.TLS1_2], [1], random=b"short"),
        lambda: encode_client_hello([TlsVersion.TLS1_2], [1], random=RANDOM, session_id=bytes(33)),
        lambda: encode_client_hello([TlsVersion.TLS1_3], [1], random=RANDOM, key_share=b"short"),
    ],
)
def test_sizes_of_a_hello(wrong: Callable[[], bytes]) -> None:
    with pytest.raises(ValueError, match="ClientHello needs"):
        wrong()


def test_version_words() -> None:
    assert [version_word(version) for version in TlsVersion] == ["ssl3", "tls1.0", "tls1.1", "tls1.2", "tls1.3"]
    assert version_word(0x7F1C) == "0x7f1c"


def test_cut_bodies() -> None:
    assert_any_cut(tls_hello.decode_server_hello, HELLO_1_3[4:])
    assert_any_cut(
        tls_hello.decode_client_hello, encode_client_hello([TlsVersion.TLS1_3], MODERN, random=RANDOM, server_name="a", alpn=["b"])[9:]
    )
    assert_any_cut(tls.decode_certificate, CHAIN[4:])


@pytest.fixture(scope="module")
def key_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "device.example")])
    day = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + datetime.timedelta(days=365))
    path = tmp_path_factory.mktemp("tls") / "pair.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def openssl_answers(hello: bytes, key_pair: Path, **settings: object) -> list[tls.Event]:
    """Give a hello to OpenSSL's server through memory and decode its answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key_pair)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["mqtt"])
    for name, value in settings.items():
        setattr(context, name, value)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(hello)
    with pytest.raises(ssl.SSLError):
        server.do_handshake()
    return list(RecordDecoder().feed(outgoing.read()))


def share() -> bytes:
    return x25519.X25519PrivateKey.from_private_bytes(RANDOM).public_key().public_bytes_raw()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [TlsVersion.TLS1_0, TlsVersion.TLS1_1, TlsVersion.TLS1_2])
def test_openssl_answers_a_hello(version: TlsVersion, key_pair: Path) -> None:
    hello = encode_client_hello([version], OLD, random=RANDOM, server_name="device.example", alpn=["mqtt"])
    answer, certificate, exchange, done = openssl_answers(hello, key_pair)
    assert isinstance(answer, ServerHello)
    assert (answer.version, answer.alpn) == (version, "mqtt")
    assert answer.suite in OLD
    assert isinstance(certificate, Certificate)
    assert x509.load_der_x509_certificate(certificate.chain[0]).serial_number == 1
    assert isinstance(exchange, ServerKeyExchange)
    assert exchange.group is not None or exchange.dh_bits is not None
    assert done == ServerHelloDone()


def test_openssl_answers_tls_1_3(key_pair: Path) -> None:
    hello = encode_client_hello([TlsVersion.TLS1_3], MODERN, random=RANDOM, session_id=RANDOM, key_share=share())
    (answer,) = openssl_answers(hello, key_pair)
    assert isinstance(answer, ServerHello)
    assert (answer.version, answer.group, answer.is_hello_retry) == (TlsVersion.TLS1_3, 29, False)


def test_openssl_asks_for_a_retry_without_a_key_share(key_pair: Path) -> None:
    (answer,) = openssl_answers(encode_client_hello([TlsVersion.TLS1_3, TlsVersion.TLS1_2], [*MODERN, 0xC02F], random=RANDOM), key_pair)
    assert isinstance(answer, ServerHello)
    assert (answer.version, answer.is_hello_retry) == (TlsVersion.TLS1_3, True)


def test_openssl_asks_for_a_client_certificate(key_pair: Path) -> None:
    hello = encode_client_hello([TlsVersion.TLS1_2], [0xC02F], random=RANDOM)
    assert CertificateRequest() in openssl_answers(hello, key_pair, verify_mode=ssl.CERT_OPTIONAL)


def test_openssl_refuses_what_it_does_not_speak(key_pair: Path) -> None:
    hello = encode_client_hello([TlsVersion.TLS1_2], [0x0005], random=RANDOM)
    assert openssl_answers(hello, key_pair) == [Alert(2, 40)]
    hello = encode_client_hello([TlsVersion.TLS1_1], OLD, random=RANDOM)
    assert openssl_answers(hello, key_pair, minimum_version=ssl.TLSVersion.TLSv1_2) == [Alert(2, 70)]


def test_openssl_client_hello() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2", "http/1.1"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="hub.example").do_handshake()
    hello = decoded(outgoing.read())
    assert hello.versions[0] == TlsVersion.TLS1_3
    assert (hello.server_name, hello.alpn) == ("hub.example", ("h2", "http/1.1"))
    assert 0x1301 in hello.suites


def bodies(data: bytes) -> object:
    kind, body = data[0] % 4 if data else 0, data[1:]
    match kind:
        case 0:
            return tls_hello.decode_client_hello(body)
        case 1:
            return version_word(tls_hello.decode_server_hello(body).version)
        case 2:
            return tls.decode_certificate(body)
        case _:
            return [tls.decode_server_key_exchange(body, suite) for suite in (None, 0xC02F, 0x0033, 0xC035, 0x002F)]


def again(data: bytes) -> object:
    """Decode what we encode from the input, and decode the input: names and alerts as well."""
    try:
        versions = [TlsVersion(0x0300 + byte % 5) for byte in data[:3]]
        names = None if len(data) < 8 else "".join(chr(33 + byte % 90) for byte in data[3:8])
        key = RANDOM if len(data) % 2 else None
        hello = encode_client_hello(versions, list(data[3:9]), random=RANDOM, server_name=names, key_share=key, alpn=names and [names])
    except ValueError as error:
        raise ProtocolError(str(error)) from error
    (event,) = RecordDecoder().feed(hello)
    assert isinstance(event, ClientHello)
    assert event.suites == tuple(data[3:9])
    return [
        alert.name + str(alert.fatal)
        for alert in RecordDecoder().feed(b"\x15\x03\x03\x00\x02" + data[:2].ljust(2))
        if isinstance(alert, Alert)
    ]


CLIENT = encode_client_hello(
    list(TlsVersion), [*MODERN, 0x2F], random=RANDOM, session_id=RANDOM, key_share=RANDOM, server_name="a.b", alpn=["h2"]
)
SEEDS = [case[0] for case in STREAMS.values()] + [CLIENT]
FUZZ = [
    FuzzTarget("tls", stream_entry(RecordDecoder), SEEDS + list(BROKEN.values()), also=("streams", "tls_suites")),
    FuzzTarget(
        "tls_hello",
        bodies,
        [b"\x00" + CLIENT[9:], b"\x01" + HELLO_1_3[4:], b"\x01" + RETRY[4:], b"\x02" + CHAIN[4:], b"\x03" + ECDHE[4:]],
        also=("tls",),
    ),
    FuzzTarget("tls_hello/again", again, [b"\x04\x03\x02abcdefgh", b"\x00abcd", b"\x03\x02\x02abcde"], also=("tls",)),
]
