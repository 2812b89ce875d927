"""How host names are asked and read, for `Door.resolve`: `protocols.dns` in the shape that `net` wants. It asks nobody itself.

Rules: only the records of the asked name count, and of those that its CNAMEs lead to (RFC 1034, 3.6.2); whatever else an answer carries
is not looked at. An answer that is cut (TC) is not read in part, as its rest is only to be had over TCP.
"""

from __future__ import annotations

from plumbline.model.errors import ProtocolError, RefusedError
from plumbline.net.resolve import NameCodec
from plumbline.protocols.dns import IN, Address, Message, Question, RecordType, Target, decode, encode_query

NO_SUCH_NAME = 3  # RFC 1035, 4.1.1
REFUSALS = {1: "cannot read the question", 2: "has failed", 4: "does not know such questions", 5: "refuses to answer"}
ALIASES_MAX = 16  # in a row; content networks were seen to use five


def encode(query_id: int, name: str, record: str) -> bytes:
    """Encode the question for a name's A or AAAA records, recursion desired."""
    return encode_query(query_id, [Question(name, RecordType[record])], recursion_desired=True)


def read(data: bytes, query_id: int, name: str, record: str) -> list[str]:
    """Give the addresses in the answer to that question; none for a name that does not exist or has no such record.

    Raises ProtocolError for anything that is not the answer to it, RefusedError where the resolver turns the question down.
    """
    message = decode(data)
    wanted = RecordType[record]
    asked = [(_plain(question.name), question.type, question.class_) for question in message.questions]
    if not message.response or message.id != query_id or message.opcode != 0 or asked != [(_plain(name), wanted, IN)]:
        raise ProtocolError("not the answer to this question")
    if message.truncated:
        raise ProtocolError("the answer was cut to fit a datagram")
    if message.rcode == NO_SUCH_NAME:
        return []
    if message.rcode:
        raise RefusedError(f"the resolver {REFUSALS.get(message.rcode, f'answers with code {message.rcode}')}")
    owners = _aliases(message, _plain(name))
    return [str(r.data.address) for r in message.answers if r.type == wanted and isinstance(r.data, Address) and _plain(r.name) in owners]


def _aliases(message: Message, name: str) -> list[str]:
    """The name and what its CNAMEs lead to, one after the other."""
    onward = {_plain(r.name): _plain(r.data.name) for r in message.answers if r.type == RecordType.CNAME and isinstance(r.data, Target)}
    found = [name]
    while (following := onward.get(found[-1])) is not None and following not in found and len(found) <= ALIASES_MAX:
        found.append(following)
    return found


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


CODEC = NameCodec(encode, read)
