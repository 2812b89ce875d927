"""CoAP datagrams and blockwise bodies; vectors from RFC 7252 appendix A and RFC 7959 section 3, and against another decoder."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.coap import (
    CONTENT,
    EMPTY,
    GET,
    LINK_FORMAT,
    MAX_OPTIONS,
    Block,
    BlockwiseBody,
    CodeClass,
    Message,
    Option,
    OptionNumber,
    Type,
    decode,
    encode,
    encode_ack,
    encode_get,
    encode_ping,
)
from tests.protocols.fuzzing import FuzzTarget


def h(text: str) -> bytes:
    return bytes.fromhex(text)


PATH = OptionNumber.URI_PATH
TEMPERATURE = Option(PATH, b"temperature")
VECTORS: list[tuple[str, bytes, Message]] = [
    ("figure 16: GET /temperature", h("40 01 7d34 bb") + b"temperature", Message(Type.CON, GET, 0x7D34, b"", (TEMPERATURE,))),
    ("figure 16: its answer", h("60 45 7d34 ff") + b"22.3 C", Message(Type.ACK, CONTENT, 0x7D34, payload=b"22.3 C")),
    ("figure 17: with token 0x20", h("41 01 7d35 20 bb") + b"temperature", Message(Type.CON, GET, 0x7D35, b"\x20", (TEMPERATURE,))),
    ("an empty message", h("70 00 7d34"), Message(Type.RST, EMPTY, 0x7D34)),
    (
        "two options of one number, delta 0",
        h("40 01 0001 bb") + b".well-known" + h("04") + b"core",
        Message(Type.CON, GET, 1, b"", (Option(PATH, b".well-known"), Option(PATH, b"core"))),
    ),
    ("a token of eight bytes", h("58 84 0002 0102030405060708"), Message(Type.NON, 0x84, 2, h("0102030405060708"))),
    ("delta 13 in one more byte (Block2, 23)", h("40 45 0001 d1 0a 06"), Message(Type.CON, CONTENT, 1, b"", (Option(23, b"\x06"),))),
    ("delta 269 in two more bytes", h("40 45 0001 e0 0000"), Message(Type.CON, CONTENT, 1, b"", (Option(269, b""),))),
    ("delta 268, the last in one byte", h("40 45 0001 d0 ff"), Message(Type.CON, CONTENT, 1, b"", (Option(268, b""),))),
    ("a value of 13 bytes", h("40 01 0001 bd 00") + b"a" * 13, Message(Type.CON, GET, 1, b"", (Option(PATH, b"a" * 13),))),
    ("a value of 300 bytes", h("40 01 0001 be 001f") + b"a" * 300, Message(Type.CON, GET, 1, b"", (Option(PATH, b"a" * 300),))),
]


@pytest.mark.parametrize(("name", "data", "message"), VECTORS, ids=[case[0] for case in VECTORS])
def test_vectors(name: str, data: bytes, message: Message) -> None:
    assert decode(data) == message
    assert encode(message) == data


@pytest.mark.parametrize(("name", "data", "message"), VECTORS, ids=[case[0] for case in VECTORS])
def test_every_truncation_is_an_error_or_a_shorter_message(name: str, data: bytes, message: Message) -> None:
    for size in range(len(data)):
        try:
            short = decode(data[:size])
        except ProtocolError:
            continue
        assert encode(short) == data[:size]


BROKEN = [
    ("nothing", ""),
    ("three bytes", "40 01 00"),
    ("version 0", "00 01 0001"),
    ("version 2 (3)", "80 01 0001"),
    ("token length 9 (3)", "49 01 0001 000000000000000000"),
    ("token cut", "44 01 0001 0000"),
    ("an empty message with a token (4.1)", "41 00 0001 20"),
    ("an empty message with a payload (4.1)", "40 00 0001 ff 61"),
    ("a payload marker without payload (3)", "40 45 0001 ff"),
    ("option delta 15 (3.1)", "40 45 0001 f0"),
    ("option length 15 (3.1)", "40 45 0001 0f"),
    ("an option longer than the datagram", "40 01 0001 b5 61"),
    ("an extension cut", "40 01 0001 e0 00"),
    ("an option number above 65,535", "40 01 0001 e0 fff0"),
    ("a Block2 of four bytes (RFC 7959, 2.2)", "40 45 0001 d4 0a 00000006"),
    ("a Block2 of size 7 (RFC 7959, 2.2)", "40 45 0001 d1 0a 07"),
]


@pytest.mark.parametrize(("name", "data"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rules(name: str, data: str) -> None:
    with pytest.raises(ProtocolError):
        decode(h(data))


def test_the_number_of_options_is_limited() -> None:
    assert len(decode(h("40 01 0001") + bytes(MAX_OPTIONS)).options) == MAX_OPTIONS
    with pytest.raises(ProtocolError, match="too many"):
        decode(h("40 01 0001") + bytes(MAX_OPTIONS + 1))


def test_our_requests() -> None:
    get = encode_get(0x1234, b"\x01\x02", [".well-known", "core"], query=["rt=*"], accept=LINK_FORMAT, block=Block(0, False, 64))
    message = decode(get)
    assert (message.type, message.code_text, message.token, message.uri_path) == (Type.CON, "0.01", b"\x01\x02", "/.well-known/core")
    assert message.values(OptionNumber.URI_QUERY) == (b"rt=*",)
    assert message.number(OptionNumber.ACCEPT) == LINK_FORMAT
    assert message.block2 == Block(0, False, 64)
    assert encode_ping(7) == h("40 00 0007")
    assert encode_ack(7) == h("60 00 0007")


def test_nothing_that_writes_is_encoded() -> None:
    for method in (2, 3, 4, 6, 7):  # POST, PUT, DELETE, PATCH, iPATCH
        with pytest.raises(ValueError, match="not ours to send"):
            encode(Message(Type.CON, method, 1))


def test_codes() -> None:
    cases = [(0x45, "2.05", CodeClass.SUCCESS), (0x84, "4.04", CodeClass.CLIENT_ERROR), (0xA0, "5.00", CodeClass.SERVER_ERROR)]
    for code, text, code_class in cases:
        message = Message(Type.ACK, code, 1)
        assert (message.code_text, message.code_class) == (text, code_class)


def test_absent_options_are_none() -> None:
    message = Message(Type.ACK, CONTENT, 1)
    assert message.block2 is None
    assert message.number(OptionNumber.CONTENT_FORMAT) is None
    assert Message(Type.ACK, CONTENT, 1, options=(Option(OptionNumber.CONTENT_FORMAT, b""),)).number(OptionNumber.CONTENT_FORMAT) == 0


BLOCKS = [(Block(0, False, 16), ""), (Block(0, True, 16), "08"), (Block(1, False, 1024), "16"), (Block(15, True, 64), "fa")]
BLOCKS += [(Block(16, True, 64), "010a"), (Block((1 << 20) - 1, True, 1024), "fffffe")]


@pytest.mark.parametrize(("block", "wire"), BLOCKS, ids=str)
def test_block_options(block: Block, wire: str) -> None:
    assert block.encode() == h(wire)
    assert Message(Type.ACK, CONTENT, 1, options=(Option(OptionNumber.BLOCK2, h(wire)),)).block2 == block


@pytest.mark.parametrize("block", [Block(0, False, 8), Block(0, False, 2048), Block(0, False, 48), Block(1 << 20, False, 16)], ids=str)
def test_blocks_that_cannot_be(block: Block) -> None:
    with pytest.raises(ValueError, match="no such block"):
        block.encode()


def answer(payload: bytes, block: Block | None = None, etag: bytes = b"") -> Message:
    options = [Option(OptionNumber.ETAG, etag)] if etag else []
    if block:
        options.append(Option(OptionNumber.BLOCK2, block.encode()))
    return Message(Type.ACK, CONTENT, 1, options=tuple(options), payload=payload)


def fetch(resource: bytes, size: int, max_bytes: int = 64 * 1024) -> BlockwiseBody:
    """Play the server of RFC 7959 figure 2 that holds `resource`."""
    body = BlockwiseBody(max_bytes)
    wanted: Block | None = Block(0, False, size)
    for _ in range(1000):
        if wanted is None:
            return body
        start = wanted.number * wanted.size
        more = start + wanted.size < len(resource)
        wanted = body.add(answer(resource[start : start + wanted.size], Block(wanted.number, more, wanted.size)))
    raise AssertionError("no end")


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 128, 1000])
def test_a_body_in_blocks(length: int) -> None:
    resource = bytes(index % 251 for index in range(length))
    body = fetch(resource, 64)
    assert (body.data, body.complete) == (resource, True)


def test_a_body_in_one_message() -> None:
    body = BlockwiseBody()
    assert body.add(answer(b"</a>")) is None
    assert (body.data, body.complete) == (b"</a>", True)


def test_a_body_above_the_cap_is_cut() -> None:
    body = fetch(bytes(1000), 64, max_bytes=100)
    assert (len(body.data), body.complete) == (100, False)
    body = BlockwiseBody(10)
    assert body.add(answer(bytes(11))) is None
    assert (len(body.data), body.complete) == (10, False)


def test_a_server_may_choose_smaller_blocks() -> None:
    body = BlockwiseBody()
    assert body.add(answer(bytes(128), Block(0, True, 128))) == Block(1, False, 128)
    assert body.add(answer(bytes(32), Block(4, True, 32))) == Block(5, False, 32)
    assert body.add(answer(b"x", Block(5, False, 32))) is None
    assert len(body.data) == 161


def test_a_server_that_jumps_lies_or_changes_its_mind() -> None:
    first = answer(bytes(64), Block(0, True, 64), b"\x01")
    for name, second in [
        ("the same block again", first),
        ("a block left out", answer(bytes(64), Block(2, True, 64), b"\x01")),
        ("a short block with more behind it", answer(bytes(63), Block(1, True, 64), b"\x01")),
        ("another version of the resource", answer(bytes(64), Block(1, False, 64), b"\x02")),
    ]:
        body = BlockwiseBody()
        body.add(first)
        with pytest.raises(ProtocolError):
            body.add(second)
        assert len(body.data) == 64, name


def test_another_decoder_reads_our_get() -> None:
    aiocoap = pytest.importorskip("aiocoap")
    request = aiocoap.Message.decode(encode_get(9, b"\xaa", ["a", "b" * 300], query=["x=1"], accept=40, block=Block(3, False, 256)))
    assert (request.code, request.mid, request.token) == (aiocoap.GET, 9, b"\xaa")
    assert request.opt.uri_path == ("a", "b" * 300)
    assert request.opt.uri_query == ("x=1",)
    assert int(request.opt.accept) == 40
    assert (request.opt.block2.block_number, request.opt.block2.more, request.opt.block2.size) == (3, False, 256)


def test_we_read_the_answer_of_another_encoder() -> None:
    aiocoap = pytest.importorskip("aiocoap")
    from aiocoap.message import Direction

    other = aiocoap.Message(code=aiocoap.CONTENT, _mtype=aiocoap.ACK, _mid=77, _token=b"\x01", payload=b"</a>;rt=x", content_format=40)
    other.opt.block2 = (2, True, 2)  # the third is the size exponent: 64 bytes
    other.opt.etag = b"\x05"
    other.direction = Direction.OUTGOING
    message = decode(other.encode())
    assert (message.type, message.code_text, message.message_id, message.token) == (Type.ACK, "2.05", 77, b"\x01")
    assert (message.block2, message.number(OptionNumber.CONTENT_FORMAT), message.payload) == (Block(2, True, 64), 40, b"</a>;rt=x")


def round_trip(data: bytes) -> Message:
    """What was read, encoded again, reads the same."""
    message = decode(data)
    assert message.code_text and message.uri_path
    if message.block2 is not None:
        message.block2.encode()
    try:
        again = encode(message)
    except ValueError:
        assert message.code_class is CodeClass.REQUEST
    else:
        assert decode(again) == message
    return message


def blockwise(data: bytes) -> BlockwiseBody:
    """A server that answers with any messages: 16 bytes of what came, each with a block option of what follows."""
    body = BlockwiseBody(200)
    wanted: Block | None = Block(0, False, 16)
    for at in range(0, len(data), 17):
        if wanted is None:
            return body
        marks = data[at]
        number = wanted.number if marks & 0xE0 else marks & 0x0F
        block = None if marks == 0xFF else Block(number, bool(marks & 0x10), 16)
        wanted = body.add(answer(data[at + 1 : at + 17], block, b"\x01" if marks == 0xF1 else b""))
    assert len(body.data) <= 200
    return body


EXTRA = [encode_get(1, b"t", ["a"], accept=40, block=Block(70_000, False, 16)), h("40 02 0001"), h("40 45 0001 d1 0a 0e")]
BLOCK_SEEDS = [b"".join(bytes([0xF0]) + bytes(16) for _ in range(15)), bytes([0xF0]) + bytes(16) + b"\xe0tail", b"\xffall"]
FUZZ = [
    FuzzTarget("coap", round_trip, [data for _, data, _ in VECTORS] + EXTRA),
    FuzzTarget("coap/blockwise", blockwise, BLOCK_SEEDS),
]
