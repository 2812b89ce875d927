"""rig.toml is read whole; what is none is refused, and before it costs anything."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from plumbline.model.errors import InputError
from plumbline.model.words import Criticality, DeviceClass, Intrusion
from plumbline.rig.loading import SIZE_MAX, load
from plumbline.rig.problems import RigErrors
from tests.rig.rigs import BASE, HEAD, NETWORK, SCOPE, asset, make, rig_text

WHOLE = (
    HEAD
    + """\
windows = [{ days = ["sat", "sun"], from = "01:00", to = "05:00", timezone = "Europe/London" }]
networks = ["10.20.0.0/16"]
exclude = ["10.20.5.9"]
never_touch = ["24-A4-3C-10-00-77", "boiler", "10.20.6.0/30"]
intrusion = "session"
exchanges_per_second = 500
source = "eth1"
anchors = [{ address = "10.20.0.1", mac = "24:a4:3c:10:00:01" }]
resolvers = ["10.20.0.53"]
hosts = ["Northwind.azure-devices.net."]
discovery = ["mdns", "ssdp"]

[[network]]
name = "cold rooms"
site = "harbour"
ranges = ["10.20.1.0/24"]
ports = "iot"

[[capture]]
path = "captures/*.pcap*"
[[capture]]
path = "captures/a.pcap"
[[firmware]]
path = "images/cam-1.4.2.bin"
model = "northwind/cam-3"
[[edge]]
manifest = "edge/deployment.json"
[[hub]]
kind = "azure-iot-hub"
resource = "azure/hub.arm.json"
devices = "azure/devices.jsonl"

[[asset]]
id = "dock-cam-1"
name = "dock camera 1"
address = ["10.20.1.14", "fd00:20::14"]
model = "northwind/cam-3"
hub_device_id = "cam-0001"
class = "it"
criticality = "high"
safety = false
[[asset]]
id = "boiler"
address = "10.20.9.9"

[standards]
assess = ["etsi-en-303-645", "uk-psti-2023"]
[parameters]
stale_after_days = 90
kinds = ["a", "b"]
"""
)


def test_every_key_of_the_design_is_read(tmp_path: Path) -> None:
    for name in (
        "captures/b.pcapng",
        "captures/a.pcap",
        "images/cam-1.4.2.bin",
        "edge/deployment.json",
        "azure/hub.arm.json",
        "azure/devices.jsonl",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    rig = make(tmp_path, WHOLE)
    allowed = rig.authorisation
    assert (rig.id, rig.name, rig.owner) == ("northwind-harbour", "Harbour cold store", "Northwind Logistics")
    assert allowed.valid_from == datetime(2026, 11, 1, tzinfo=UTC)
    assert allowed.windows[0].text() == "sat, sun 01:00-05:00 Europe/London"
    assert allowed.networks == (ip_network("10.20.0.0/16"),)
    assert allowed.exclude == (ip_network("10.20.5.9/32"),)
    assert allowed.never_touch == (ip_network("10.20.6.0/30"),)
    assert allowed.never_touch_macs == {"24:a4:3c:10:00:77"}
    assert allowed.intrusion is Intrusion.SESSION
    assert (allowed.source, allowed.exchanges_per_second) == ("eth1", 500)
    assert (str(allowed.anchors[0].address), allowed.anchors[0].mac) == ("10.20.0.1", "24:a4:3c:10:00:01")
    assert allowed.hosts == {"northwind.azure-devices.net"}
    assert allowed.discovery == ("mdns", "ssdp")
    assert {80, 1883, 502} < set(rig.networks[0].ports)
    assert {161, 5683} < set(rig.networks[0].udp_ports)
    assert [capture.path.name for capture in rig.captures] == ["a.pcap", "b.pcapng"]
    assert all(capture.path.is_absolute() for capture in rig.captures)
    assert (rig.firmware[0].path.name, rig.firmware[0].model) == ("cam-1.4.2.bin", "northwind/cam-3")
    assert rig.edges[0].manifest.name == "deployment.json"
    assert rig.hubs[0].devices is not None
    camera, boiler = rig.assets
    assert camera.addresses == (ip_address("10.20.1.14"), ip_address("fd00:20::14"))
    assert (camera.device_class, camera.criticality, camera.untouchable) == (DeviceClass.IT, Criticality.HIGH, False)
    assert boiler.never_touch
    assert (boiler.device_class, boiler.model) == (None, None)
    assert rig.asset_at(ip_address("fd00:20::14")) is camera
    assert ip_address("10.20.9.9") in rig.untouchable
    assert ip_address("10.20.6.1") in rig.untouchable
    assert rig.standards == ("etsi-en-303-645", "uk-psti-2023")
    assert rig.parameters == {"stale_after_days": 90, "kinds": ("a", "b")}
    assert rig.signature is None
    assert len(rig.sha256) == 64


RAW: dict[str, tuple[bytes, int | None, str]] = {
    "not UTF-8": (b'[rig]\nid = "\xff"\n', 2, "not UTF-8"),
    "UTF-16": (BASE.encode("utf-16"), 1, "not UTF-8"),
    "byte order mark": (b"\xef\xbb\xbf" + BASE.encode(), 1, "byte order mark"),
    "syntax": (b"[rig]\nid = \n", 2, "not TOML"),
    "key twice": (b'[rig]\nid = "a"\nid = "b"\n', 3, "not TOML"),
    "cut short": (b'[rig]\nid = "a', 2, "not TOML"),
    "number without end": (b"a = " + b"9" * 10_000, None, "not TOML"),
    "bad date": (b"a = 2026-13-01\n", 1, "not TOML"),
    "arrays in arrays": (b"[rig]\na = " + b"[" * 5_000, 2, "nested deeper"),
    "tables in tables": (b"a = " + b"{a=" * 5_000, 1, "nested deeper"),
    "keys of many parts": (b"a" + b".a" * 50_000 + b" = 1", 1, "nested deeper"),
    "headers of many parts": (b"\n[a" + b".a" * 50_000 + b"]", 2, "nested deeper"),
    "too large": (b"#" * (SIZE_MAX + 1), None, "larger than"),
    "empty": (b"", None, "missing"),
}


@pytest.mark.parametrize("name", RAW)
def test_hostile_bytes_are_refused_before_they_cost_anything(tmp_path: Path, name: str) -> None:
    raw, line, message = RAW[name]
    path = tmp_path / "rig.toml"
    path.write_bytes(raw)
    with pytest.raises(RigErrors) as caught:
        load(path)
    assert message in str(caught.value)
    assert caught.value.problems[0].line == line


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: No such file.*rig init"):
        load(tmp_path / "rig.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path)


def test_adjoining_networks_together_hold_a_range(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text('networks = ["10.20.1.0/25", "10.20.1.128/25"]\nintrusion = "query"\n'))
    assert len(rig.networks) == 1


def test_sites_may_share_ranges_and_addresses(tmp_path: Path) -> None:
    other = NETWORK.replace("cold rooms", "cold rooms 2").replace('"harbour"', '"quay"')
    first = asset('id = "a"', 'site = "harbour"', 'address = "10.20.1.4"')
    rig = make(tmp_path, BASE + other + first + asset('id = "b"', 'site = "quay"', 'address = "10.20.1.4"'))
    assert [network.site for network in rig.networks_of(ip_address("10.20.1.4"))] == ["harbour", "quay"]
    assert rig.asset_at(ip_address("10.20.1.4")) is rig.assets[0]


def test_a_wide_network_is_fine_where_its_ranges_are_not(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text('networks = ["10.0.0.0/8", "fc00::/7"]\nintrusion = "query"\n'))
    assert rig.authorisation.authorised.count() > 2**100


def test_an_excluded_asset_may_stay_on_record_when_it_is_never_touched(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text(SCOPE + 'exclude = ["10.20.1.4"]\n') + asset('id = "a"', 'address = "10.20.1.4"', "never_touch = true"))
    assert rig.assets[0].untouchable


def test_ten_thousand_assets_load(tmp_path: Path) -> None:
    text = BASE + "".join(f'[[asset]]\nid = "a{n}"\naddress = "10.20.{n // 250}.{n % 250 + 1}"\n' for n in range(10_000))
    assert len(make(tmp_path, text).assets) == 10_000


def test_what_the_customer_does_not_say_stays_unsaid(tmp_path: Path) -> None:
    rig = make(tmp_path, rig_text("", ""))
    assert rig.authorisation.intrusion is Intrusion.PASSIVE
    assert rig.authorisation.source is None
    assert rig.networks == ()


def test_imports_are_files_of_a_kind(tmp_path: Path) -> None:
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_text("<nmaprun/>")
    rig = make(tmp_path, f'{BASE}[[import]]\nkind = "nmap"\npath = "*.xml"\n[[import]]\nkind = "nmap"\npath = "a.xml"\n')
    assert [(one.kind, one.path.name, one.site, one.asset) for one in rig.imports] == [
        ("nmap", "a.xml", None, None),
        ("nmap", "b.xml", None, None),
    ]
