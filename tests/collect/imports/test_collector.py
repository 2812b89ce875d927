"""Imports: every result at its place in the rig, or said; whatever a file holds, a value or a word of what it lacks."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, get_args

import pytest

from plumbline.collect.imports import TABLES, collect
from plumbline.collect.imports.formats import readers
from plumbline.collect.imports.results import Reported, Seen
from plumbline.collect.imports.source import Source
from plumbline.model.errors import ProtocolError
from plumbline.model.words import EntityKind
from plumbline.rig.models import Asset, Import, Network
from plumbline.rig.schema import ImportTable
from tests.collect.collecting import Collected, rig_of, run
from tests.collect.imports.samples import FILES, NESSUS, NMAP, NUCLEI, SARIF, TESTRUN, lines


def network(*ranges: str, site: str = "", name: str = "n") -> Network:
    return Network(name, site, tuple(ip_network(one) for one in ranges), (22, 443), ())


def asset(address: str | None = None, *, mac: str | None = None, site: str | None = None) -> Asset:
    addresses = (ip_address(address),) if address else ()
    return Asset("cam", "cam", site, addresses, mac, None, None, None, None, safety=False, never_touch=False)


def collected(
    folder: Path,
    kind: str,
    text: str | bytes,
    *,
    networks: tuple[Network, ...] = (),
    assets: tuple[Asset, ...] = (),
    site: str | None = None,
    about: str | None = None,
) -> Collected:
    path = folder / f"{kind}.out"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    imports = (Import(kind, path, site, about),)
    return run(collect, replace(rig_of(folder), networks=networks, assets=assets, imports=imports))


def test_the_rig_file_names_the_kinds_that_are_read() -> None:
    assert set(get_args(ImportTable.model_fields["kind"].annotation)) == set(readers())


def test_services_stand_on_the_host_at_their_address(tmp_path: Path) -> None:
    done = collected(tmp_path, "nmap", NMAP, networks=(network("10.0.0.0/24", site="harbour"),))
    rows = {row["subject"]: row for row in done.rows("imported_service")}
    assert set(rows) == {"tcp/22", "tcp/443", "tcp/1883"}
    ssh = rows["tcp/22"]
    assert (ssh["entity"], ssh["tool"], ssh["product"], ssh["listed"]) == ("host:harbour/10.0.0.1", "nmap", "Dropbear sshd", True)
    assert ssh["raw"].startswith("file/"), "the file stays with its owner and is cited"
    assert rows["tcp/1883"]["listed"] is False, "the rig file does not list that port"
    assert done.outcomes("import:/nmap.out") == {"imported_service": "partial", "imported_finding": "partial"}
    assert done.details()["imported_finding"] == "nmap.out: a port of 10.0.0.1 that is none of TCP or UDP"


def test_a_file_that_is_read_whole_is_covered_for_both_tables(tmp_path: Path) -> None:
    done = collected(tmp_path, "nuclei", lines(NUCLEI[:2]), networks=(network("10.0.0.0/24"),))
    assert done.outcomes() == dict.fromkeys(TABLES, "ok")
    assert [row["rows"] for row in done.attempts() if row["table"] == "imported_service"] == [0]
    first, second = done.rows("imported_finding")
    assert (first["subject"], first["entity"], first["level"], first["cves"]) == (
        *("nuclei/CVE-2024-0003/tcp/8443", "host:/10.0.0.1", "high", ["CVE-2024-0003"]),
    )
    assert second["subject"] == "nuclei/tech-detect:nginx/tcp/80"
    for secret in ("Basic", "$6$", "me:pw", "abcdef"):
        assert secret not in done.everything()


PLACES: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "in a network": ({"networks": (network("10.0.0.0/24"),)}, "host:/10.0.0.1", ""),
    "of a declared asset outside every network": ({"assets": (asset("10.0.0.1", site="x"),)}, "host:x/10.0.0.1", ""),
    "in no network": ({"networks": (network("10.9.0.0/24"),)}, None, "1 results not taken, addresses in no network of the rig (10.0.0.1)"),
    "on two sites": (
        {"networks": (network("10.0.0.0/24", site="a"), network("10.0.0.0/24", site="b"))},
        None,
        "1 results not taken, addresses of several sites: name site in [[import]] (10.0.0.1)",
    ),
    "on the site that is named": (
        {"networks": (network("10.0.0.0/24", site="a"), network("10.0.0.0/24", site="b")), "site": "b"},
        "host:b/10.0.0.1",
        "",
    ),
    "not on the site that is named": (
        {"networks": (network("10.0.0.0/24", site="a"),), "site": "b"},
        None,
        "addresses in no network of the rig",
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_places(name: str, tmp_path: Path) -> None:
    options, entity, words = PLACES[name]
    done = collected(tmp_path, "nuclei", lines(NUCLEI[:1]), **options)
    assert [row["entity"] for row in done.rows("imported_finding")] == ([entity] if entity else [])
    assert words in done.details().get("imported_finding", "")
    assert set(done.outcomes().values()) == ({"ok"} if entity else {"partial"})


def test_results_without_an_address_need_an_asset(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    none = collected(tmp_path / "a", "sarif", json.dumps(SARIF))
    assert none.rows("imported_finding") == []
    assert "6 results not taken, it names no address: name asset in [[import]]" in none.details()["imported_finding"]
    named = collected(tmp_path, "sarif", json.dumps(SARIF), assets=(asset(site="x"),), about="cam")
    assert {row["entity"] for row in named.rows("imported_finding")} == {"declared:x/cam"}
    assert "1 results not taken, addresses in no network of the rig (10.0.0.1)" in named.details()["imported_finding"]


def test_a_device_with_another_mac_address_than_the_asset_that_is_named_is_another_device(tmp_path: Path) -> None:
    done = collected(tmp_path, "testrun", json.dumps(TESTRUN), assets=(asset(mac="02:00:00:00:00:99"),), about="cam")
    assert done.rows("imported_finding") == []
    assert "results not taken, of another MAC address than cam (02:00:00:00:00:01)" in done.details()["imported_finding"]


def test_a_device_by_its_mac_address(tmp_path: Path) -> None:
    done = collected(tmp_path, "testrun", json.dumps(TESTRUN), assets=(asset(mac="02:00:00:00:00:01"),))
    assert {row["entity"] for row in done.rows("imported_finding")} == {"declared:/cam"}
    assert {row["result"] for row in done.rows("imported_finding")} == {"pass", "fail", "not_applicable", "inconclusive"}
    earliest = datetime(2026, 11, 17, 19, 0, tzinfo=UTC)  # 9:00 on the next day, where the day begins first
    assert {row["seen_at"] for row in done.rows("imported_finding")} == {earliest}
    (tmp_path / "b").mkdir()
    other = collected(tmp_path / "b", "testrun", json.dumps(TESTRUN), assets=(asset(mac="02:00:00:00:00:02"),))
    assert "5 results not taken, no asset of the rig has the MAC address (02:00:00:00:00:01)" in other.details()["imported_finding"]


def test_many_strangers_are_counted_and_a_few_named(tmp_path: Path) -> None:
    entries = [{**NUCLEI[0], "ip": f"10.1.0.{number}"} for number in range(1, 30)]
    done = collected(tmp_path, "nuclei", lines(entries), networks=(network("10.0.0.0/24"),))
    said = done.details()["imported_finding"]
    assert "29 results not taken, addresses in no network of the rig (10.1.0.1, 10.1.0.2" in said
    assert "and others" in said


def test_a_file_of_another_tool_is_said(tmp_path: Path) -> None:
    done = collected(tmp_path, "nessus", NMAP, networks=(network("10.0.0.0/24"),))
    assert set(done.outcomes().values()) == {"protocol_error"}
    assert done.rows("imported_finding") == []


def test_what_was_read_before_a_break_stays_and_is_partial(tmp_path: Path) -> None:
    done = collected(tmp_path, "nessus", NESSUS[: NESSUS.index('<ReportHost name="10.0.0.9"')], networks=(network("10.0.0.0/24"),))
    assert len(done.rows("imported_finding")) == 5
    assert done.outcomes() == dict.fromkeys(TABLES, "partial")
    assert "not XML: no element found" in done.details()["imported_finding"]


def test_a_stop_leaves_the_rest_for_later(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(NMAP)
    done = run(collect, replace(rig_of(tmp_path), imports=(Import("nmap", path, None, None),)), stop=lambda: True)
    assert done.attempts() == []


def test_the_entity_is_the_file() -> None:
    assert EntityKind("import") is EntityKind.IMPORT


@pytest.mark.parametrize("kind", sorted(FILES))
def test_changed_files_give_results_or_a_protocol_error(kind: str, tmp_path: Path) -> None:
    maker, seed, path = random.Random(4), FILES[kind], tmp_path / "x"
    for turn in range(400):
        data = bytearray(seed)
        for _ in range(maker.randint(1, 8)):
            at = maker.randrange(len(data))
            if turn % 3 == 0:
                data[at : at + maker.randint(1, 40)] = b""
            elif turn % 3 == 1:
                data[at] = maker.choice(b'[]{}<>/"=&;:,0192 ntf')
            else:
                data[at : at + 1] = seed[at : at + maker.randint(1, 60)]
        path.write_bytes(data)
        try:
            found = list(readers()[kind](Source(path)))
        except ProtocolError:
            continue
        assert all(isinstance(one, Seen | Reported | str) for one in found)


ODD = (None, True, 1e300, "\ud800", [], {})


def odd(value: Any) -> Iterator[Any]:
    """Give the value once for each place in it, and each thing that may stand there instead."""
    yield from ODD
    for at in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        for other in odd(value[at]):
            changed = copy(value)
            changed[at] = other
            yield changed


@pytest.mark.parametrize(("kind", "document"), {"sarif": SARIF, "nuclei": NUCLEI[:1], "testrun": TESTRUN}.items())
def test_whatever_stands_anywhere_ends_no_other_import(kind: str, document: Any, tmp_path: Path) -> None:
    """What the reader raises beside ProtocolError would take all imports with it."""
    path = tmp_path / "x"
    for changed in odd(document):
        path.write_text(json.dumps(changed))
        with suppress(ProtocolError):
            list(readers()[kind](Source(path)))


HOSTILE = {
    "an entity bomb": b'<!DOCTYPE nmaprun [<!ENTITY a "aaaa">]><nmaprun scanner="nmap"><host>&a;</host></nmaprun>',
    "a file of the machine": b'<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun scanner="nmap">&x;</nmaprun>',
    "a definition elsewhere": b'<!DOCTYPE nmaprun SYSTEM "http://10.0.0.1/nmap.dtd"><nmaprun scanner="nmap"/>',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents(name: str, tmp_path: Path) -> None:
    done = collected(tmp_path, "nmap", HOSTILE[name], networks=(network("10.0.0.0/24"),))
    assert set(done.outcomes().values()) == {"protocol_error"}
    assert "root:" not in done.everything()
