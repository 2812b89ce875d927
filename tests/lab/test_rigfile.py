"""The rig's files: they load, they repeat, they agree with the devices, and each switch moves its own."""

import json
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PySquashfsImage import SquashFsImage

from plumbline.lab import rigfile
from plumbline.lab.certificates import _issue, thumbprint
from plumbline.lab.fleet import Fleet, fleet
from plumbline.lab.keys import private_key, private_pem
from plumbline.lab.services import Web
from plumbline.lab.switches import SWITCHES, Switches
from plumbline.model.words import DeviceClass, Intrusion, Transport
from plumbline.rig.loading import load
from tests.lab.conftest import AT

BASE = "127.31"


def lab(*, weak: bool = True) -> Fleet:
    return fleet(Switches() if weak else Switches.safe(), AT, BASE)


@pytest.mark.parametrize("weak", [True, False])
def test_the_rig_loads_and_its_signature_holds(tmp_path: Path, weak: bool) -> None:
    rig = load(rigfile.write(lab(weak=weak), tmp_path / "lab"))
    assert rig.signature is not None and rig.signature.signer == rigfile.OWNER
    assert rig.authorisation.intrusion is Intrusion.CREDENTIAL
    assert rig.authorisation.valid_from < AT < rig.authorisation.valid_until
    assert (len(rig.captures), len(rig.firmware), len(rig.edges), len(rig.hostkits), len(rig.hubs)) == (2, 2, 2, 2, 4)
    assert (len(rig.sboms), len(rig.customs), len(rig.populations)) == (2, 3, 2)
    assert (len(rig.manuals), len(rig.declarations)) == (2, 2)
    assert {asset.id for asset in rig.assets if asset.device_class is DeviceClass.OT} == {"plc", "plc-hardened", "relay"}
    assert [asset.id for asset in rig.assets if asset.untouchable] == ["relay"]


def test_every_device_lies_in_one_network_and_nothing_else_does(tmp_path: Path) -> None:
    made = lab()
    rig = load(rigfile.write(made, tmp_path))
    swept = sorted(str(network.network_address) for part in rig.networks for network in part.ranges)
    assert swept == sorted(device.address for device in made.devices)
    assert all(socket.inet_aton(address)[0] == 127 for address in swept)
    for device in made.devices:
        (network,) = [part for part in rig.networks if device.address in map(str, (r.network_address for r in part.ranges))]
        assert all(network.lists(service.transport, service.port) for service in device.services)


def test_what_the_customer_believes_is_not_always_so(tmp_path: Path) -> None:
    declared = {asset.id for asset in load(rigfile.write(lab(), tmp_path / "a")).assets}
    assert "stranger" not in declared and "absent" in declared
    declared = {asset.id for asset in load(rigfile.write(lab(weak=False), tmp_path / "b")).assets}
    assert "stranger" in declared and "absent" not in declared


def test_the_same_lab_gives_the_same_bytes() -> None:
    first = rigfile.files(lab()), rigfile.text(lab())
    _issue.cache_clear()
    private_key.cache_clear()
    assert (rigfile.files(lab()), rigfile.text(lab())) == first


PLACES = {
    **{"image": ("images/", "sbom/"), "edge": "edge/", "system": "hostkit/", "capture": "captures/", "hub": "hub/"},
    **{"manual": "manual/", "declaration": "declarations/"},
}


def test_a_switch_of_a_file_moves_that_kind_of_file_on_the_weak_side_alone() -> None:
    safe = rigfile.files(lab(weak=False))
    for name, switch in SWITCHES.items():
        if switch.device in PLACES:
            moved = rigfile.files(fleet(Switches.only([name]), AT, BASE))
            changed = {path for path in safe if safe[path] != moved[path]}
            assert changed, name
            assert all(path.startswith(PLACES[switch.device]) and not path.rpartition("/")[2].startswith("terminal") for path in changed), (
                name
            )
            assert not any("cam-4" in path for path in changed), name


def records(made: dict[str, bytes], name: str) -> dict[str, Any]:
    return {record["deviceId"]: record for record in map(json.loads, made[name].splitlines())}


def https(made: Fleet, name: str) -> Web:
    service = made.by_name[name].serves(Transport.TCP, 8443)
    assert isinstance(service, Web) and service.tls is not None
    return service


def test_the_images_key_is_the_cameras(tmp_path: Path) -> None:
    made = lab()
    path = tmp_path / "image"
    package = rigfile.files(made)["images/cam-3-1.4.2.swu"]
    path.write_bytes(package[package.index(b"hsqs") :])
    with SquashFsImage.from_file(str(path)) as image:
        found = {file.path: file.read_bytes() for file in image if file.is_file}
    tls = https(made, "camera").tls
    assert tls is not None
    assert found["/etc/ssl/private/server.key"] == private_pem(tls.certificate.private_key)
    assert b"VERSION_ID=1.4.2" in found["/etc/os-release"]


def test_hub_and_devices_know_each_other() -> None:
    made = lab()
    files = rigfile.files(made)
    for side, switched in (("harbour", True), ("terminal", False)):
        registry, twins = records(files, f"hub/{side}.devices.jsonl"), records(files, f"hub/{side}.twins.jsonl")
        assert set(registry) == set(twins)
        known = {device.hub_device_id: device for device in made.devices if device.hub_device_id}
        for device_id in set(registry) & set(known):
            device = known[device_id]
            assert device.switched is switched
            reported = twins[device_id]["properties"]["reported"]
            assert (reported["serialNumber"], reported["macAddress"]) == (device.serial, device.mac)
            assert twins[device_id]["authenticationType"] == registry[device_id]["authentication"]["type"]
    weak, hardened = records(files, "hub/harbour.devices.jsonl"), records(files, "hub/terminal.devices.jsonl")
    assert "cam-0099" in weak and "printer-0001" not in weak
    assert len(hardened) == 5 and "printer-0002" in hardened
    tls = https(made, "camera-hardened").tls
    assert tls is not None
    assert hardened["cam-0002"]["authentication"]["x509Thumbprint"]["primaryThumbprint"] == thumbprint(tls.certificate)


def test_the_twin_states_another_version_than_the_page() -> None:
    made = lab()
    reported = records(rigfile.files(made), "hub/harbour.twins.jsonl")["cam-0001"]["properties"]["reported"]
    assert https(made, "camera").firmware_version == "1.4.2" != reported["firmwareVersion"]


def test_credentials_are_shared_where_a_switch_says_so_and_nowhere_else() -> None:
    def credentials(switches: Switches) -> list[tuple[str, str]]:
        files = rigfile.files(fleet(switches, AT, BASE))
        found = []
        for side in ("harbour", "terminal"):
            for record in records(files, f"hub/{side}.devices.jsonl").values():
                given = record["authentication"]["symmetricKey"] or record["authentication"]["x509Thumbprint"] or {}
                if given:
                    first, second = given.values()
                    found.append((first, second))
        return found

    for sas in (True, False):
        switches = Switches.safe().turn("hub.sas_share_too_high", weak=sas)
        plain = credentials(switches)
        assert len({word for pair in plain for word in pair}) == 2 * len(plain)
        shared = credentials(switches.turn("hub.shared_credential", weak=True))
        assert len({first for first, _ in shared}) == len(shared) - 1
        equal = credentials(switches.turn("hub.primary_equals_secondary", weak=True))
        assert sum(first == second for first, second in equal) == 1


def test_dates_follow_the_instant() -> None:
    later = fleet(Switches(), AT + timedelta(days=100), BASE)
    assert rigfile.files(later)["hub/harbour.arm.json"] != rigfile.files(lab())["hub/harbour.arm.json"]


def test_deployment_options_are_split_as_the_runtime_wants_them() -> None:
    document = json.loads(rigfile.files(lab())["edge/harbour.json"])
    settings = document["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["collector"]["settings"]
    parts = [settings[key] for key in sorted(settings) if key.startswith("createOptions")]
    assert all(len(part) <= 512 for part in parts)
    assert json.loads("".join(parts))["HostConfig"]["Privileged"] is True
