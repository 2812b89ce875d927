"""The door itself: shut until it is opened, logins under the budget, and no way to the system's resolver."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import plumbline.net
from plumbline.model.errors import EnvironmentFault, NotPermittedError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.budget import LoginBudget, LoginResult
from plumbline.net.contacts import ContactLog
from plumbline.net.door import Door
from tests.net.rigs import FakeClock, echo, lure, make_rig, rig_text
from tests.net.test_connection import brief

SOURCES = sorted(Path(plumbline.net.__file__).parent.glob("*.py"))
NAME_LOOKUPS = {
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_ex",
    "gethostbyaddr",
    "getnameinfo",
    "getfqdn",
    "create_connection",
    "open_connection",
}


async def test_shut_until_opened(tmp_path: Path) -> None:
    with ContactLog(tmp_path / "contacts.jsonl", FakeClock()) as log:
        door = Door(make_rig(tmp_path, rig_text()), log, clock=FakeClock())
        with pytest.raises(NotPermittedError, match="the door was not opened"):
            await door.connect("127.0.0.1", 9, why="probe", intrusion=Intrusion.QUERY)
    assert brief(tmp_path) == [("refused", "wrong_anchor", 0, 0)]


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_nothing_in_net_looks_up_names(source: Path) -> None:
    """The system's resolver would send packets that no permit covers."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not used & NAME_LOOKUPS


async def test_logins_under_the_budget(tmp_path: Path) -> None:
    rig = make_rig(tmp_path, rig_text(tcp=[23, 80], intrusion="credential"), signed=True)
    clock = FakeClock()
    with ContactLog(tmp_path / "contacts.jsonl", clock) as log:
        async with Door(rig, log, clock=clock, budget=LoginBudget(tmp_path / "state" / rig.id, rig.id)) as door:
            for port, protocol in ((23, "telnet"), (80, "http")):
                ticket = await door.ask_login("127.0.0.1", port, Transport.TCP, account="admin", protocol=protocol, why="default login")
                door.report_login(ticket, LoginResult.FAILED)
            with pytest.raises(NotPermittedError, match="has failed 2 times"):
                await door.ask_login("127.0.0.1", 80, Transport.TCP, account="admin", protocol="http", why="default login")
    assert [line[:2] for line in brief(tmp_path)] == [("login", "ok"), ("login", "ok"), ("refused", "budget")]
    assert "admin" not in (tmp_path / "contacts.jsonl").read_text().replace("account 'admin'", "")


@pytest.mark.parametrize(
    ("intrusion", "with_budget", "reason"),
    [("session", True, "not_signed"), ("credential", False, "budget")],
    ids=["not authorised", "no budget is kept"],
)
async def test_no_login_without_leave(tmp_path: Path, intrusion: str, with_budget: bool, reason: str) -> None:
    rig = make_rig(tmp_path, rig_text(tcp=[80], intrusion=intrusion), signed=intrusion == "credential")
    budget = LoginBudget(tmp_path / "state" / rig.id, rig.id) if with_budget else None
    with ContactLog(tmp_path / "contacts.jsonl", FakeClock()) as log:
        async with Door(rig, log, clock=FakeClock(), budget=budget) as door:
            with pytest.raises(NotPermittedError) as refusal:
                await door.ask_login("127.0.0.1", 80, Transport.TCP, account="admin", protocol="http", why="default login")
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("intrusion", "with_budget", "reason"),
    [("query", True, "intrusion"), ("session", False, "budget")],
    ids=["not authorised", "no budget is kept"],
)
async def test_no_given_login_without_leave(tmp_path: Path, intrusion: str, with_budget: bool, reason: str) -> None:
    rig = make_rig(tmp_path, rig_text(tcp=[22], intrusion=intrusion))
    budget = LoginBudget(tmp_path / "state" / rig.id, rig.id) if with_budget else None
    with ContactLog(tmp_path / "contacts.jsonl", FakeClock()) as log:
        async with Door(rig, log, clock=FakeClock(), budget=budget) as door:
            with pytest.raises(NotPermittedError) as refusal:
                await door.ask_given_login("127.0.0.1", 22, Transport.TCP, login="given k1:1", protocol="ssh", why="login")
    assert refusal.value.reason == reason
    assert brief(tmp_path)[-1][:2] == ("refused", reason)


async def test_a_given_login_needs_no_signature(tmp_path: Path) -> None:
    rig = make_rig(tmp_path, rig_text(tcp=[22], intrusion="session"))
    with ContactLog(tmp_path / "contacts.jsonl", FakeClock()) as log:
        async with Door(rig, log, clock=FakeClock(), budget=LoginBudget(tmp_path / "state" / rig.id, rig.id)) as door:
            ticket = await door.ask_given_login("127.0.0.1", 22, Transport.TCP, login="given k1:1", protocol="ssh", why="login")
            door.report_login(ticket, LoginResult.FAILED)
            with pytest.raises(NotPermittedError, match="refused by"):
                await door.ask_given_login("127.0.0.2", 22, Transport.TCP, login="given k1:1", protocol="ssh", why="login")
    assert [line[:2] for line in brief(tmp_path)] == [("login", "ok"), ("refused", "budget")]


async def test_addresses_of_one_asset_share_their_caps(tmp_path: Path) -> None:
    asset = '[[asset]]\nid = "plc"\nname = "plc"\naddress = "127.0.0.1"\nclass = "ot"'
    with ContactLog(tmp_path / "contacts.jsonl", FakeClock()) as log:
        async with Door(make_rig(tmp_path, rig_text(rest=asset)), log, clock=FakeClock()) as door:
            assert door.device_class("127.0.0.1") == "ot"
            assert door.device_class("127.0.0.2") == "it"


async def test_a_device_declared_between_two_runs_keeps_its_budget(tmp_path: Path) -> None:
    """What is declared after a first audit found it is the same device: two failures of an account stay two (law 6)."""
    clock = FakeClock()

    async def fail(text: str, address: str) -> None:
        rig = make_rig(tmp_path, rig_text(tcp=[23], intrusion="credential", rest=text), signed=True)
        with ContactLog(tmp_path / "contacts.jsonl", clock) as log:
            async with Door(rig, log, clock=clock, budget=LoginBudget(tmp_path / "state" / rig.id, rig.id)) as door:
                ticket = await door.ask_login(address, 23, Transport.TCP, account="admin", protocol="telnet", why="default login")
                door.report_login(ticket, LoginResult.FAILED)

    await fail("", "127.0.0.1")
    await fail('[[asset]]\nid = "cam-1"\naddress = ["127.0.0.1", "127.0.0.2"]', "127.0.0.2")
    with pytest.raises(NotPermittedError, match="has failed 2 times"):
        await fail('[[asset]]\nid = "dock-cam"\naddress = "127.0.0.1"', "127.0.0.1")


async def test_a_log_that_cannot_be_written_leaves_no_connection_open(tmp_path: Path) -> None:
    async with lure(echo) as port:
        rig = make_rig(tmp_path, rig_text(tcp=[port]))
        log = ContactLog(tmp_path / "contacts.jsonl", FakeClock())
        door = Door(rig, log, clock=FakeClock())
        await door.open()
        opened = [await door.connect("127.0.0.1", port, why="probe", intrusion=Intrusion.QUERY) for _ in range(2)]
        for each in opened:
            await each.request(b"hello")
            await each.receive()
        log.close()
        with pytest.raises(EnvironmentFault, match="nothing more is sent"):
            await door.close()
        assert [each._socket.fileno() for each in opened] == [-1, -1]
