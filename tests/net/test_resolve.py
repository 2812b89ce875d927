"""Names: only listed ones, only at the rig's resolvers, and every answer judged before and at the connect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from plumbline.model.errors import NotPermittedError, ProtocolError, RefusedError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.caps import Limits
from plumbline.net.door import Door
from plumbline.net.redirects import next_hop
from plumbline.net.resolve import NameCodec
from plumbline.rig.permits import Contact, Refusal
from tests.net.rigs import FakeClock, make_rig, open_door, rig_text
from tests.net.test_connection import brief, logged
from tests.net.test_datagram import Responder

HUB = "hub.example"
RESOLVER = "127.0.53.53"


def decode(data: bytes, query_id: int, name: str, record: str) -> list[str]:
    """A toy codec: `id name record address...`, so that `net` is seen to know nothing of DNS."""
    got_id, got_name, got_record, *found = data.decode("ascii", "replace").split(" ")
    if (got_id, got_name, got_record) != (str(query_id), name, record):
        raise ProtocolError("not the answer to this question")
    return found


TOY = NameCodec(lambda query_id, name, record: f"{query_id} {name} {record}".encode(), decode)


@asynccontextmanager
async def bench(
    folder: Path, answers: Mapping[str, str], *, mangle: int = 0, resolvers: str = RESOLVER, extra: str = ""
) -> AsyncIterator[tuple[Door, Responder]]:
    """A resolver that gives the addresses of `answers` by record, after `mangle` datagrams of nonsense."""
    loop = asyncio.get_running_loop()

    def reply(data: bytes) -> list[bytes]:
        found = answers.get(data.decode().split(" ")[2], "")
        return [b"nonsense and more words"] * mangle + [data + (b" " + found.encode() if found else b"")]

    transport, responder = await loop.create_datagram_endpoint(lambda: Responder(reply), local_addr=(RESOLVER, 53))
    listed = ", ".join(f'"{each}"' for each in resolvers.split())
    text = rig_text(tcp=[80], networks=["127.0.0.0/16"], authorisation=f'resolvers = [{listed}]\nhosts = ["{HUB}"]\n{extra}')
    try:
        async with open_door(make_rig(folder, text), folder, clock=FakeClock(), limits=Limits(resolve_s=0.1)) as door:
            yield door, responder
    finally:
        transport.close()


async def test_permitted_answers_only(tmp_path: Path) -> None:
    async with bench(tmp_path, {"A": "127.0.0.7 10.9.9.9 127.0.0.7", "AAAA": "2001:db8::1"}) as (door, responder):
        assert await door.resolve(HUB, why="hub", codec=TOY, port=80) == ("127.0.0.7",)
        assert len(responder.seen) == 2
        assert door.known("HUB.example.") == ("127.0.0.7",)
    events = [(line["event"], line["outcome"], line["address"]) for line in logged(tmp_path)]
    assert ("refused", "outside_networks", "10.9.9.9") in events
    assert ("refused", "outside_networks", "2001:db8::1") in events
    assert ("resolve", "ok", "127.0.0.7") in events
    assert [line for line in events if line[0] == "datagram"] == [("datagram", "sent", RESOLVER)] * 2


async def test_a_name_opens_the_ports_of_clouds_and_only_them(tmp_path: Path) -> None:
    async with bench(tmp_path, {"A": "127.0.0.7"}) as (door, _):
        await door.resolve(HUB, why="hub", codec=TOY)
        for port in (443, 8883):
            with pytest.raises(RefusedError):  # permitted; nobody is there
                await door.connect("127.0.0.7", port, why="hub", intrusion=Intrusion.QUERY, name=HUB)
        with pytest.raises(NotPermittedError) as refusal:
            await door.connect("127.0.0.7", 22, why="hub", intrusion=Intrusion.QUERY, name=HUB)
        assert refusal.value.reason == "port_not_listed"


async def test_a_name_lends_itself_to_no_other_address(tmp_path: Path) -> None:
    async with bench(tmp_path, {"A": "127.0.0.7"}) as (door, _):
        for _ in range(2):  # neither before the name was resolved nor after
            with pytest.raises(NotPermittedError) as refusal:
                await door.connect("127.0.0.8", 443, why="hub", intrusion=Intrusion.QUERY, name=HUB)
            assert refusal.value.reason == "no_resolver"
            await door.resolve(HUB, why="hub", codec=TOY)


@pytest.mark.parametrize(("name", "reason"), [("other.example", "name_not_listed"), ("hub.example.evil", "name_not_listed")])
async def test_a_name_that_is_not_listed(tmp_path: Path, name: str, reason: str) -> None:
    async with bench(tmp_path, {"A": "127.0.0.7"}) as (door, responder):
        with pytest.raises(NotPermittedError) as refusal:
            await door.resolve(name, why="hub", codec=TOY)
        assert refusal.value.reason == reason
        assert responder.seen == []


async def test_no_resolvers(tmp_path: Path) -> None:
    async with bench(tmp_path, {}, resolvers="") as (door, responder):
        with pytest.raises(NotPermittedError) as refusal:
            await door.resolve(HUB, why="hub", codec=TOY)
        assert refusal.value.reason == "no_resolver"
        assert responder.seen == []
    assert ("refused", "no_resolver") in [line[:2] for line in brief(tmp_path)]


async def test_all_answers_refused(tmp_path: Path) -> None:
    async with bench(tmp_path, {"A": "10.9.9.9"}) as (door, _):
        with pytest.raises(NotPermittedError) as refusal:
            await door.resolve(HUB, why="hub", codec=TOY)
        assert refusal.value.reason == "outside_networks"


async def test_no_such_name(tmp_path: Path) -> None:
    async with bench(tmp_path, {}) as (door, _):
        assert await door.resolve(HUB, why="hub", codec=TOY) == ()


async def test_strays_are_passed_over(tmp_path: Path) -> None:
    async with bench(tmp_path, {"A": "127.0.0.7"}, mangle=3) as (door, _):
        assert await door.resolve(HUB, why="hub", codec=TOY, port=80) == ("127.0.0.7",)


@pytest.mark.parametrize(
    ("answers", "mangle"), [({"A": "127.0.0.7"}, 9), ({"A": "not-an-address"}, 0)], ids=["too many strays", "nonsense"]
)
async def test_no_proper_answer(tmp_path: Path, answers: Mapping[str, str], mangle: int) -> None:
    async with bench(tmp_path, answers, mangle=mangle) as (door, _):
        with pytest.raises(ProtocolError):
            await door.resolve(HUB, why="hub", codec=TOY)


async def test_the_next_resolver_is_asked(tmp_path: Path) -> None:
    async with bench(tmp_path, {"A": "127.0.0.7"}, resolvers=f"127.0.53.54 {RESOLVER}") as (door, _):
        assert await door.resolve(HUB, why="hub", codec=TOY, port=80) == ("127.0.0.7",)


async def test_nobody_answers(tmp_path: Path) -> None:
    async with bench(tmp_path, {}, resolvers="127.0.53.54") as (door, _):
        with pytest.raises((SilentError, RefusedError)):
            await door.resolve(HUB, why="hub", codec=TOY)


REDIRECTS = [
    ("a path", "/login.html", ("127.0.0.1", 80)),
    ("a query", "?x=1", ("127.0.0.1", 80)),
    ("the same device", "http://127.0.0.1/x", ("127.0.0.1", 80)),
    ("another device of the rig", "http://127.0.0.2:80/", ("127.0.0.2", 80)),
    ("without a scheme", "//127.0.0.2/", ("127.0.0.2", 80)),
    ("a resolved name", f"https://{HUB}/", ("127.0.0.7", 443)),
    ("a port that is not listed", "http://127.0.0.1:22/", Refusal.PORT_NOT_LISTED),
    ("its own https", "https://127.0.0.1/", Refusal.PORT_NOT_LISTED),
    ("outside", "http://10.0.0.1/", Refusal.OUTSIDE_NETWORKS),
    ("outside, as an integer", "http://167772161/", Refusal.NAME_NOT_LISTED),
    ("excluded", "http://127.0.0.9/", Refusal.EXCLUDED),
    ("the metadata service", "http://169.254.169.254/latest/", Refusal.OUTSIDE_NETWORKS),
    ("IPv6 that carries one outside", "http://[::ffff:10.0.0.1]/", Refusal.OUTSIDE_NETWORKS),
    ("a name that nobody resolved", "http://localhost/", Refusal.NAME_NOT_LISTED),
    ("with a user", "http://127.0.0.1@10.0.0.1/", Refusal.OUTSIDE_NETWORKS),
    ("rtsp outside", "rtsp://10.0.0.1:554/ch1", Refusal.OUTSIDE_NETWORKS),
    ("rtsp on the device", "rtsp://127.0.0.1/ch1", Refusal.PORT_NOT_LISTED),
    ("another scheme", "gopher://127.0.0.1:80/", Refusal.OUTSIDE_NETWORKS),
    ("a file", "file:///etc/passwd", Refusal.OUTSIDE_NETWORKS),
    ("not a URL", "http://[::1", Refusal.OUTSIDE_NETWORKS),
    ("a port out of range", "http://127.0.0.1:99999/", Refusal.OUTSIDE_NETWORKS),
    ("endless", "http://127.0.0.1/" + "x" * 9000, Refusal.OUTSIDE_NETWORKS),
]


@pytest.mark.parametrize(("location", "expected"), [case[1:] for case in REDIRECTS], ids=[case[0] for case in REDIRECTS])
async def test_redirects_are_judged(tmp_path: Path, location: str, expected: tuple[str, int] | Refusal) -> None:
    async with bench(tmp_path, {"A": "127.0.0.7"}, extra='exclude = ["127.0.0.9"]') as (door, _):
        await door.resolve(HUB, why="hub", codec=TOY)
        before = door.exchanges
        current = Contact(ip_address("127.0.0.1"), 80, Transport.TCP, Intrusion.QUERY, "http")
        found = next_hop(door, current, location)
        assert door.exchanges == before  # the door follows nothing
    if isinstance(expected, Refusal):
        assert found is expected
        assert ("refused", expected.value) in [line[:2] for line in brief(tmp_path)]
    else:
        assert isinstance(found, Contact)
        assert (str(found.address), found.port) == expected
        assert "redirected by 127.0.0.1" in found.why or location[0] in "/?"
