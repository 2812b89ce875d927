"""Whatever is wrong with a rig file is named with its place and a remedy, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.model.errors import NotYetError
from plumbline.rig.loading import load
from plumbline.rig.problems import SHOWN_MAX, RigErrors
from tests.rig.rigs import BASE, NETWORK, SCOPE, asset, rig_text, write

# name: (text, key, part of the message, part of the remedy)
WRONG: dict[str, tuple[str, str, str, str]] = {
    "unknown key, with a near one": (rig_text(SCOPE + 'valid_form = "x"\n'), "authorisation.valid_form", "unknown key", "'valid_from'"),
    "unknown key inside a window": (
        rig_text(SCOPE + 'windows = [{ days = ["sat"], from = "01:00", to = "02:00", timezone = "UTC", form = 1 }]\n'),
        "authorisation.windows[0].form",
        "unknown key",
        "'from'",
    ),
    "unknown table": (BASE + "[[assets]]\n", "assets", "unknown table", "'asset'"),
    "missing key": (BASE.replace('owner = "Northwind Logistics"\n', ""), "rig.owner", "is missing", "add"),
    "missing table": (BASE.replace("[rig]", "[parameters]"), "rig", "missing", "init"),
    "wrong type: number for text": (BASE.replace('"Northwind Logistics"', "7"), "rig.owner", "wants text", "quotes"),
    "wrong type: text for number": (
        rig_text(SCOPE + 'exchanges_per_second = "9"\n'),
        "authorisation.exchanges_per_second",
        "whole number",
        "without quotes",
    ),
    "wrong type: text for truth": (rig_text(SCOPE + 'public = "yes"\n'), "authorisation.public", "true or false", "without quotes"),
    "wrong type: text for a list": (rig_text('networks = "10.20.0.0/16"\n'), "authorisation.networks", "a list", "["),
    "wrong type: text for a table": (rig_text(SCOPE + 'anchors = ["10.20.0.1"]\n'), "authorisation.anchors[0]", "a table", "{"),
    "one table where a list is wanted": (rig_text(rest='[network]\nname = "a"\n'), "network", "list of tables", "[[network]]"),
    "a list where one table is wanted": (BASE.replace("[rig]", "[[rig]]"), "rig", "one table", "[rig]"),
    "control character in text": (BASE.replace("Harbour cold", "Harbour\\u001b cold"), "rig.name", "printable", "plain"),
    "id that climbs folders": (BASE.replace("northwind-harbour", "../up"), "rig.id", "is not an id", "letters"),
    "naive date": (BASE.replace("2026-11-01T00:00:00Z", "2026-11-01T00:00:00"), "authorisation.valid_from", "no offset", "Z"),
    "date without a time": (BASE.replace("2026-11-01T00:00:00Z", "2026-11-01"), "authorisation.valid_from", "not a date with a time", "Z"),
    "date in quotes": (
        BASE.replace("2026-11-01T00:00:00Z", '"2026-11-01T00:00:00Z"'),
        "authorisation.valid_from",
        "not a date",
        "without quotes",
    ),
    "year beyond belief": (
        BASE.replace("2026-12-01T00:00:00Z", "0001-01-01T00:00:00+23:00"),
        "authorisation.valid_until",
        "not believable",
        "offset",
    ),
    "ends before it starts": (BASE.replace("2026-12-01", "2026-10-01"), "authorisation.valid_until", "not after valid_from", "later"),
    "ends as it starts": (BASE.replace("2026-12-01", "2026-11-01"), "authorisation.valid_until", "not after valid_from", "later"),
    "bad network": (BASE.replace('["10.20.0.0/16"]', '["10.20.0.0/33"]'), "authorisation.networks[0]", "not a network", "/16"),
    "host bits set": (BASE.replace('["10.20.1.0/24"]', '["10.20.1.7/24"]'), "network[0].ranges[0]", "host bits", "10.20.1.0/24"),
    "overlap within a site": (
        BASE + NETWORK.replace("cold rooms", "yard").replace("10.20.1.0/24", "10.20.1.128/25"),
        "network[1].ranges[0]",
        "overlaps 10.20.1.0/24",
        "one range",
    ),
    "overlap behind a wide range": (
        rig_text(rest=NETWORK.replace('["10.20.1.0/24"]', '["10.20.0.0/20", "10.20.1.0/24", "10.20.9.0/24"]')),
        "network[0].ranges[2]",
        "overlaps 10.20.0.0/20",
        "one range",
    ),
    "one name for two networks": (BASE + NETWORK.replace("10.20.1", "10.20.2"), "network[1].name", "used twice", "own name"),
    "range outside networks": (BASE.replace("10.20.1.0/24", "10.21.1.0/24"), "network[0].ranges[0]", "not inside", "widen"),
    "range wider than a sweep": (
        rig_text('networks = ["10.0.0.0/8"]\nintrusion = "query"\n', NETWORK.replace("10.20.1.0/24", "10.0.0.0/15")),
        "network[0].ranges[0]",
        "wider than /16",
        "subnets",
    ),
    "multicast range": (BASE.replace('["10.20.1.0/24"]', '["224.0.0.0/24"]'), "network[0].ranges[0]", "no device has", "multicast"),
    "active without networks": (rig_text('networks = []\nintrusion = "query"\n', ""), "authorisation.networks", "is empty", "passive"),
    "public without leave": (
        rig_text('networks = ["9.9.9.0/25"]\nintrusion = "query"\n', ""),
        "authorisation.networks",
        "public",
        "public = true",
    ),
    "public, too many": (
        rig_text('networks = ["9.9.8.0/23"]\npublic = true\nintrusion = "query"\n', ""),
        "authorisation.networks",
        "more than 256",
        "owns",
    ),
    "public, unsigned": (
        rig_text('networks = ["9.9.9.0/25"]\npublic = true\nintrusion = "query"\n', ""),
        "authorisation.networks",
        "public addresses need a signature",
        "sign",
    ),
    "whole internet": (rig_text('networks = ["0.0.0.0/0"]\nintrusion = "query"\n', ""), "authorisation.networks", "more than 256", "owns"),
    "default logins, unsigned": (
        BASE.replace('"session"', '"credential"'),
        "authorisation.intrusion",
        "default logins need a signature",
        "sign",
    ),
    "unknown intrusion": (
        BASE.replace('"session"', '"exploit"'),
        "authorisation.intrusion",
        "'passive', 'query', 'session' or 'credential'",
        "choose",
    ),
    "port zero": (BASE.replace("[80,", "[0,"), "network[0].ports", "not within 1 to 65535", "list"),
    "port too high": (BASE.replace("[80,", "[65536,"), "network[0].ports", "not within", "list"),
    "port of an unknown transport": (BASE.replace("udp/5683", "sctp/5683"), "network[0].ports", "'sctp/5683' is not a port", "udp/5683"),
    "port range backwards": (BASE.replace("[80,", '["90-80",'), "network[0].ports", "lowest first", "list"),
    "every port": (BASE.replace("[80,", '["1-65535",'), "network[0].ports", "more than 2000", "named set"),
    "ports as truth": (BASE.replace("[80,", "[true,"), "network[0].ports", "neither", "iot"),
    "unknown set of ports": (BASE.replace('[80, 1883, "udp/5683"]', '"iott"'), "network[0].ports", "'iot' is near", "named set"),
    "unknown standard, with a near one": (
        BASE + '[standards]\nassess = ["psti", "etsi-en-303-654"]\n',
        "standards.assess[1]",
        "no standard or profile 'etsi-en-303-654'",
        "etsi-en-303-645",
    ),
    "unknown standard": (BASE + '[standards]\nassess = ["zzzz"]\n', "standards.assess[0]", "no standard or profile", "standards list"),
    "bad MAC": (
        rig_text(SCOPE + 'anchors = [{ address = "10.20.0.1", mac = "24:a4:3c" }]\n'),
        "authorisation.anchors[0].mac",
        "not a MAC",
        "six bytes",
    ),
    "MAC of a group": (
        rig_text(SCOPE + 'anchors = [{ address = "10.20.0.1", mac = "01:00:5e:00:00:01" }]\n'),
        "authorisation.anchors[0].mac",
        "no single device",
        "group bit",
    ),
    "bad time zone": (
        rig_text(SCOPE + 'windows = [{ days = ["sat"], from = "01:00", to = "02:00", timezone = "Europe/Lodon" }]\n'),
        "authorisation.windows[0].timezone",
        "not a time zone",
        "IANA",
    ),
    "time zone that climbs folders": (
        rig_text(SCOPE + 'windows = [{ days = ["sat"], from = "01:00", to = "02:00", timezone = "../etc" }]\n'),
        "authorisation.windows[0].timezone",
        "not a time zone",
        "IANA",
    ),
    "time zone that is a folder": (
        rig_text(SCOPE + 'windows = [{ days = ["sat"], from = "01:00", to = "02:00", timezone = "Europe" }]\n'),
        "authorisation.windows[0].timezone",
        "not a time zone",
        "IANA",
    ),
    "bad day": (
        rig_text(SCOPE + 'windows = [{ days = ["saturday"], from = "01:00", to = "02:00", timezone = "UTC" }]\n'),
        "authorisation.windows[0].days[0]",
        "not a day",
        "sat",
    ),
    "no days": (
        rig_text(SCOPE + 'windows = [{ days = [], from = "01:00", to = "02:00", timezone = "UTC" }]\n'),
        "authorisation.windows[0].days",
        "is empty",
        "one",
    ),
    "bad time of day": (
        rig_text(SCOPE + 'windows = [{ days = ["sat"], from = "1am", to = "02:00", timezone = "UTC" }]\n'),
        "authorisation.windows[0].from",
        "not a time of day",
        "01:30",
    ),
    "window of no length": (
        rig_text(SCOPE + 'windows = [{ days = ["sat"], from = "01:00", to = "01:00", timezone = "UTC" }]\n'),
        "authorisation.windows[0].to",
        "same as from",
        "24:00",
    ),
    "window that opens at the end of a day": (
        rig_text(SCOPE + 'windows = [{ days = ["sat"], from = "24:00", to = "01:00", timezone = "UTC" }]\n'),
        "authorisation.windows[0].from",
        "24:00",
        "next day",
    ),
    "missing file": (BASE + '[[firmware]]\npath = "no.bin"\n', "firmware[0].path", "does not exist", "relative"),
    "folder for a file": (BASE + '[[firmware]]\npath = "."\n', "firmware[0].path", "folder", "relative"),
    "pattern that matches nothing": (BASE + '[[capture]]\npath = "captures/*.pcap"\n', "capture[0].path", "matches no file", "pattern"),
    "hub without exports": (BASE + '[[hub]]\nkind = "azure-iot-hub"\n', "hub[0]", "neither", "export"),
    "unknown kind of hub": (BASE + '[[hub]]\nkind = "other-hub"\n', "hub[0].kind", "azure-iot-hub", "choose"),
    "one id for two assets": (BASE + asset('id = "a"') + asset('id = "a"'), "asset[1].id", "used twice", "own id"),
    "one address for two assets": (
        BASE + asset('id = "a"', 'address = "10.20.1.4"') + asset('id = "b"', 'address = "10.20.1.4"'),
        "asset[1].address",
        "declared twice",
        "site",
    ),
    "excluded address declared": (
        rig_text(SCOPE + 'exclude = ["10.20.1.4"]\n') + asset('id = "a"', 'address = "10.20.1.4"'),
        "asset[0].address",
        "10.20.1.4 is excluded",
        "never_touch",
    ),
    "unknown form of exclusion": (
        rig_text(SCOPE + 'exclude = ["10.20.1.4-9"]\n'),
        "authorisation.exclude[0]",
        "no form of exclusion",
        "never_touch",
    ),
    "mapped exclusion": (rig_text(SCOPE + 'exclude = ["::ffff:10.20.1.4"]\n'), "authorisation.exclude[0]", "IPv6 dress", "10.20.1.4"),
    "scoped exclusion": (rig_text(SCOPE + 'exclude = ["fe80::9%eth1"]\n'), "authorisation.exclude[0]", "interface", "%"),
    "never_touch names no asset": (rig_text(SCOPE + 'never_touch = ["boilr"]\n'), "authorisation.never_touch[0]", "'boilr'", "[[asset]]"),
    "address of an asset is a network": (
        BASE + asset('id = "a"', 'address = "10.20.1.0/24"'),
        "asset[0].address",
        "not an address",
        "prefix",
    ),
    "address of an asset is multicast": (
        BASE + asset('id = "a"', 'address = "239.1.1.1"'),
        "asset[0].address",
        "cannot belong",
        "multicast",
    ),
    "unknown class": (BASE + asset('id = "a"', 'class = "iot"'), "asset[0].class", "'it' or 'ot'", "choose"),
    "unknown discovery group": (
        rig_text(SCOPE + 'discovery = ["bonjour"]\n'),
        "authorisation.discovery[0]",
        "not a discovery group",
        "mdns",
    ),
    "discovery where every network holds an exclusion": (
        rig_text(SCOPE + 'discovery = ["mdns"]\nexclude = ["10.20.1.9"]\n'),
        "authorisation.discovery",
        "excluded or untouchable",
        "own network",
    ),
    "anchor outside networks": (
        rig_text(SCOPE + 'anchors = [{ address = "10.21.0.1", mac = "24:a4:3c:10:00:01" }]\n'),
        "authorisation.anchors[0].address",
        "not inside",
        "nothing outside",
    ),
    "resolver outside networks": (
        rig_text(SCOPE + 'resolvers = ["9.9.9.9"]\n'),
        "authorisation.resolvers[0]",
        "not inside",
        "nothing outside",
    ),
    "resolver excluded": (
        rig_text(SCOPE + 'resolvers = ["10.20.0.53"]\nexclude = ["10.20.0.53"]\n'),
        "authorisation.resolvers[0]",
        "excluded",
        "another",
    ),
    "host with a scheme": (rig_text(SCOPE + 'hosts = ["https://a.example"]\n'), "authorisation.hosts[0]", "not a host name", "scheme"),
    "host by address": (rig_text(SCOPE + 'hosts = ["10.20.1.1"]\n'), "authorisation.hosts[0]", "is an address", "networks"),
    "host by wildcard": (rig_text(SCOPE + 'hosts = ["*.example"]\n'), "authorisation.hosts[0]", "not a host name", "wildcard"),
    "bad interface": (rig_text(SCOPE + 'source = "eth1; id"\n'), "authorisation.source", "not a network interface", "eth1"),
    "too many exchanges": (
        rig_text(SCOPE + "exchanges_per_second = 100000\n"),
        "authorisation.exchanges_per_second",
        "out of bounds",
        "5000",
    ),
    "nested parameter": (BASE + "[parameters]\na = { b = 1 }\n", "parameters.a", "plain value", "number"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_mistake_is_named_with_its_place_and_remedy(tmp_path: Path, name: str) -> None:
    text, key, message, remedy = WRONG[name]
    with pytest.raises(RigErrors) as caught:
        load(write(tmp_path, text))
    found = [problem for problem in caught.value.problems if problem.key == key and message in problem.message]
    assert found, str(caught.value)
    problem = found[0]
    assert remedy in problem.remedy
    last = key.rsplit(".", 1)[-1].split("[")[0]
    if message != "is missing" and message != "missing":
        assert problem.line is not None
        assert last in text.splitlines()[problem.line - 1]
        assert str(problem).startswith(f"rig.toml:{problem.line}: {key}: ")


def test_all_problems_are_raised_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = BASE.replace('owner = "Northwind Logistics"', "owner = 7").replace("2026-12-01", "2026-10-01").replace("80,", "0,")
    with pytest.raises(RigErrors) as caught:
        load(write(tmp_path, text + asset('id = "a"', "address = 1") + asset('id = "b"', 'adress = "10.20.1.1"')))
    lines = [problem.line for problem in caught.value.problems]
    assert [problem.key for problem in caught.value.problems] == [
        "rig.owner",
        "authorisation.valid_until",
        "network[0].ports",
        "asset[0].address",
        "asset[1].adress",
    ]
    assert lines == sorted(lines, key=lambda line: line or 0)


def test_a_file_full_of_mistakes_is_told_in_bounds(tmp_path: Path) -> None:
    with pytest.raises(RigErrors) as caught:
        load(write(tmp_path, BASE + asset('id = "a"') * 200))
    assert len(caught.value.problems) == 199
    assert str(caught.value).count("\n") == SHOWN_MAX
    assert str(caught.value).endswith(f"and {199 - SHOWN_MAX} more")


LATER = {
    "live hubs": ('[[hub]]\nkind = "azure-iot-hub"\nresource = "/subscriptions/1"\nlive = true\n', "hub[0].live"),
}


@pytest.mark.parametrize("name", LATER)
def test_what_a_later_release_reads_is_refused_as_not_yet(tmp_path: Path, name: str) -> None:
    rest, key = LATER[name]
    with pytest.raises(NotYetError) as caught:
        load(write(tmp_path, BASE + rest))
    assert isinstance(caught.value, RigErrors)
    assert [problem.key for problem in caught.value.problems] == [key]
    assert "not yet" in str(caught.value)


IMPORTS = {
    "a tool that is not read": ('kind = "zap"\npath = "a.xml"\n', "import[0].kind", "is not one of"),
    "a file that is not there": ('kind = "nmap"\npath = "a.xml"\n', "import[0].path", "does not exist"),
    "an asset that nobody declares": ('kind = "sarif"\npath = "scan.xml"\nasset = "x"\n', "import[0].asset", "no asset has the id"),
    "a site of no network": ('kind = "nmap"\npath = "scan.xml"\nsite = "x"\n', "import[0].site", "no network is on the site"),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_imports_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    rest, key, words = IMPORTS[name]
    (tmp_path / "scan.xml").write_text("<nmaprun/>")
    with pytest.raises(RigErrors) as caught:
        load(write(tmp_path, f"{BASE}[[import]]\n{rest}"))
    assert [problem.key for problem in caught.value.problems] == [key]
    assert words in str(caught.value)
