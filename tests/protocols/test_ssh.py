"""SSH identification, packets, algorithm lists and the key exchange up to the host key, proven against asyncssh on loopback."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

import asyncssh
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from plumbline.model.errors import ProtocolError
from plumbline.protocols import ssh
from plumbline.protocols.cursor import Cursor
from plumbline.protocols.ssh import Decoder, Disconnect, Identification, KexInit, KexReply
from plumbline.protocols.ssh_keys import encode_string, parse_host_key
from tests.protocols.fuzzing import FuzzTarget, assert_any_cut, assert_any_split, run_stream, stream_entry

LINE = b"SSH-2.0-dropbear_2022.83\r\n"
IDENTIFIED = Identification("2.0", "dropbear_2022.83", None, (), LINE[:-2])
COOKIE = bytes(range(16))
INIT = ssh.encode_kexinit(
    COOKIE, kex=["curve25519-sha256", "diffie-hellman-group14-sha1"], host_keys=["ssh-rsa"], ciphers=["aes128-ctr"], macs=["hmac-sha1"]
)
OFFER = KexInit(
    ("curve25519-sha256", "diffie-hellman-group14-sha1"),
    ("ssh-rsa",),
    ("aes128-ctr",),
    ("aes128-ctr",),
    ("hmac-sha1",),
    ("hmac-sha1",),
    ("none",),
    ("none",),
    INIT,
)
ED25519 = encode_string(b"ssh-ed25519") + encode_string(bytes(32))
SIGNATURE = encode_string(b"ssh-ed25519") + encode_string(bytes(64))
REPLY = b"\x1f" + encode_string(ED25519) + encode_string(b"Q" * 32) + encode_string(SIGNATURE)
GROUP = b"\x1f" + encode_string(b"\x00\xff") + encode_string(b"\x02")
GOODBYE = b"\x01\x00\x00\x00\x02" + encode_string(b"Too many authentication failures") + encode_string(b"")

STREAMS: dict[str, tuple[bytes, list[ssh.Event]]] = {
    "identification with comments and lines before it (4.2)": (
        b"Welcome\r\nto the cam\nSSH-1.99-OpenSSH_3.9p1 Debian 1\n",
        [Identification("1.99", "OpenSSH_3.9p1", "Debian 1", ("Welcome", "to the cam"), b"SSH-1.99-OpenSSH_3.9p1 Debian 1")],
    ),
    "a whole exchange, then encrypted bytes": (
        LINE + ssh.encode_packet(INIT) + ssh.encode_packet(REPLY) + ssh.encode_packet(b"\x15") + b"\xff\xff\xff\xff encrypted",
        [IDENTIFIED, OFFER, KexReply(parse_host_key(ED25519), b"Q" * 32, SIGNATURE)],
    ),
    "group exchange, as captures show it (RFC 4419 3)": (
        LINE + ssh.encode_packet(GROUP) + ssh.encode_packet(b"\x21" + REPLY[1:]),
        [IDENTIFIED, KexReply(parse_host_key(ED25519), b"Q" * 32, SIGNATURE)],
    ),
    "disconnect (11.1), with and without words": (
        LINE + ssh.encode_packet(GOODBYE) + ssh.encode_packet(b"\x01\x00\x00\x00\x0b"),
        [IDENTIFIED, Disconnect(2, "Too many authentication failures"), Disconnect(11, "")],
    ),
    "ignored messages": (LINE + ssh.encode_packet(b"\x02\x00\x00\x00\x00") + ssh.encode_packet(b"\x07"), [IDENTIFIED]),
    "SSH 1 has other packets": (
        b"SSH-1.5-Cisco-1.25\n\x00\x00\x01",
        [Identification("1.5", "Cisco-1.25", None, (), b"SSH-1.5-Cisco-1.25")],
    ),
}


def raw_packet(size: int, padded: int, rest: bytes) -> bytes:
    return LINE + size.to_bytes(4, "big") + bytes((padded,)) + rest


BROKEN = {
    "another protocol, for ever": b"220 ready\r\n" * (ssh.MAX_PREAMBLE + 1),
    "a line over the cap": b"x" * (ssh.MAX_LINE + 1),
    "SSH without a version": b"SSH-x\r\n",
    "only lines before it": b"hello\r\n",
    "a packet of 1 GiB": raw_packet(1 << 30, 4, b""),
    "a packet of 4 bytes": raw_packet(4, 4, b"abc"),
    "padding of 3 (RFC 4253 6)": raw_packet(12, 3, bytes(11)),
    "padding over the packet": raw_packet(12, 12, bytes(11)),
    "no multiple of 8": raw_packet(13, 4, bytes(12)),
    "a cut packet": LINE + ssh.encode_packet(INIT)[:-1],
    "a name-list with an empty name": LINE + ssh.encode_packet(b"\x14" + COOKIE + encode_string(b"a,,b") * 10 + bytes(5)),
    "a name-list that is not ASCII": LINE + ssh.encode_packet(b"\x14" + COOKIE + encode_string(b"\xff") * 10 + bytes(5)),
    "a name-list without end": LINE + ssh.encode_packet(b"\x14" + COOKIE + encode_string(b"a" + b",a" * ssh.MAX_NAMES) * 10 + bytes(5)),
    "a KEXINIT that is cut": LINE + ssh.encode_packet(INIT[:-5]),
    "a KEXINIT with bytes left over": LINE + ssh.encode_packet(INIT + b"x"),
    "a reply without a signature": LINE + ssh.encode_packet(REPLY[:-4]),
    "a DISCONNECT without a reason": LINE + ssh.encode_packet(b"\x01"),
}


@pytest.mark.parametrize(("data", "events"), STREAMS.values(), ids=STREAMS)
def test_stream(data: bytes, events: list[ssh.Event]) -> None:
    assert assert_any_split(Decoder, data) == events


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken(data: bytes) -> None:
    _, ok = run_stream(Decoder(), [data])
    assert not ok


def test_sealed() -> None:
    decoder = Decoder()
    decoder.feed(LINE)
    assert not decoder.sealed
    decoder.feed(ssh.encode_packet(b"\x15"))
    assert decoder.sealed


def test_packets_are_padded_to_eight_with_four_at_least() -> None:  # RFC 4253 6
    for size in range(1, 64):
        packet = ssh.encode_packet(b"x" * size)
        assert len(packet) % 8 == 0
        assert len(packet) >= 16
        assert 4 <= packet[4] <= 11
        assert int.from_bytes(packet[:4], "big") == len(packet) - 4


@pytest.mark.parametrize(
    ("value", "encoded"),  # RFC 4251 5
    [(0, "00000000"), (0x9A378F9B2E332A7, "0000000809a378f9b2e332a7"), (0x80, "000000020080")],
)
def test_mpint(value: int, encoded: str) -> None:
    assert ssh.encode_mpint(value).hex() == encoded


def test_encoders() -> None:
    assert ssh.encode_identification() == b"SSH-2.0-plumbline\r\n"
    assert INIT[:17] == b"\x14" + COOKIE
    assert INIT[-13:] == bytes(13)  # two empty language lists, no guess, reserved
    assert ssh.encode_kex_ecdh_init(b"Q" * 32) == b"\x1e\x00\x00\x00\x20" + b"Q" * 32
    assert ssh.encode_kexdh_init(0x80) == b"\x1e\x00\x00\x00\x02\x00\x80"
    assert ssh.GROUP14_PRIME.bit_length() == 2048
    assert pow(2, ssh.GROUP14_PRIME - 1, ssh.GROUP14_PRIME) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ssh.encode_identification("a-b"),
        lambda: ssh.encode_identification("a\r\n"),
        lambda: ssh.encode_kexinit(b"short", kex=[], host_keys=[], ciphers=[], macs=[]),
    ],
)
def test_wrong_arguments(wrong: Callable[[], bytes]) -> None:
    with pytest.raises(ValueError, match=r"holds|has 16"):
        wrong()


def test_decoders_take_only_their_message() -> None:
    for decode in (ssh.decode_kexinit, ssh.decode_kex_reply):
        with pytest.raises(ProtocolError, match="not an SSH"):
            decode(b"\x00")
    assert_any_cut(ssh.decode_kexinit, INIT)
    assert_any_cut(ssh.decode_kex_reply, REPLY)


async def exchange(kex: str, host_key: str) -> tuple[bytes, KexReply]:
    """Get a host key from asyncssh; return the exchange hash that its signature must cover, and the reply."""
    keys = [asyncssh.generate_private_key(kind) for kind in ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256")]
    server = await asyncssh.listen("127.0.0.1", 0, server_host_keys=keys, kex_algs=[kex], signature_algs=[host_key])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.get_port())
    decoder = Decoder()
    waiting: list[ssh.Event] = []

    async def event() -> ssh.Event:
        while not waiting:
            data = await asyncio.wait_for(reader.read(4096), 10)
            assert data, "the server hung up"
            waiting.extend(decoder.feed(data))
        return waiting.pop(0)

    init = ssh.encode_kexinit(COOKIE, kex=[kex], host_keys=[host_key], ciphers=["aes128-ctr"], macs=["hmac-sha2-256"])
    writer.write(ssh.encode_identification() + ssh.encode_packet(init))
    identification, offer = await event(), await event()
    assert isinstance(identification, Identification)
    assert isinstance(offer, KexInit)
    assert kex in offer.kex
    if kex.startswith("curve25519"):
        private = x25519.X25519PrivateKey.from_private_bytes(bytes(range(32)))
        public = private.public_key().public_bytes_raw()
        writer.write(ssh.encode_packet(ssh.encode_kex_ecdh_init(public)))
    else:
        number = pow(2, 0x1234567890ABCDEF1234567890ABCDEF, ssh.GROUP14_PRIME)
        public = ssh.encode_mpint(number)[4:]
        writer.write(ssh.encode_packet(ssh.encode_kexdh_init(number)))
    reply = await event()
    assert isinstance(reply, KexReply)
    if kex.startswith("curve25519"):
        secret = int.from_bytes(private.exchange(x25519.X25519PublicKey.from_public_bytes(reply.server_public)), "big")
    else:
        secret = pow(int.from_bytes(reply.server_public, "big"), 0x1234567890ABCDEF1234567890ABCDEF, ssh.GROUP14_PRIME)
    covered = ssh.exchange_hash(
        "sha1" if kex.endswith("sha1") else "sha256",
        client_line=ssh.encode_identification()[:-2],
        server=identification,
        client_init=init,
        server_init=offer,
        client_public=public,
        reply=reply,
        secret=secret,
    )
    writer.close()
    server.close()
    await server.wait_closed()
    return covered, reply


@pytest.mark.parametrize(
    ("kex", "host_key"),
    [
        ("curve25519-sha256", "ssh-ed25519"),
        ("curve25519-sha256", "rsa-sha2-256"),
        ("curve25519-sha256", "ecdsa-sha2-nistp256"),
        ("diffie-hellman-group14-sha256", "ssh-ed25519"),
        ("diffie-hellman-group14-sha1", "ssh-ed25519"),
    ],
)
def test_asyncssh_signs_the_exchange_hash_with_the_key_that_we_read(kex: str, host_key: str) -> None:
    covered, reply = asyncio.run(exchange(kex, host_key))
    blob = reply.host_key.blob
    key = load_ssh_public_key(reply.host_key.kind.encode() + b" " + base64.b64encode(blob))
    signature = Cursor(reply.signature, "signature")
    assert signature.vector(4).decode() == host_key
    value = signature.vector(4)
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(value, covered)
    elif isinstance(key, rsa.RSAPublicKey):
        assert reply.host_key.bits == key.key_size
        key.verify(value, covered, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert reply.host_key.bits == 256


def payloads(data: bytes) -> object:
    if data[:1] == b"\x14":
        return ssh.decode_kexinit(data)
    if data[:1] == b"\x1f":
        reply = ssh.decode_kex_reply(data)
        return ssh.exchange_hash(
            "sha256",
            client_line=b"",
            server=IDENTIFIED,
            client_init=INIT,
            server_init=OFFER,
            client_public=b"",
            reply=reply,
            secret=len(data),
        )
    return run_stream(Decoder(), [LINE + ssh.encode_packet(data or b"\x00")])


FUZZ = [
    FuzzTarget(
        "ssh", stream_entry(Decoder), [case[0] for case in STREAMS.values()] + list(BROKEN.values()), also=("ssh_keys", "lines", "streams")
    ),
    FuzzTarget("ssh/kexinit", ssh.decode_kexinit, [INIT]),
    FuzzTarget("ssh/kex_reply", ssh.decode_kex_reply, [REPLY], also=("ssh_keys",)),
    FuzzTarget("ssh/payloads", payloads, [INIT, REPLY, GOODBYE, GROUP], also=("ssh_keys",)),
]
