"""Writes the lab's rig as a customer would hand it over: rig.toml, the owner's signature, and the files that belong to it.

It says what the customer believes, which is not always what is there: a device that nobody declared, one that is declared and silent, a
port that nobody knows of. The owner's key is derived from a name, like every key of the lab.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from plumbline.lab.files import by_hand, edge, firmware, hub, imports, sbom, systems, traffic
from plumbline.lab.fleet import ABSENT_PORTS, TCP_PORTS, UDP_PORTS, Device, Fleet
from plumbline.lab.keys import private_key, private_pem
from plumbline.model.words import DeviceClass, Intrusion
from plumbline.rig.signature import sign

RIG_ID = "plumbline-lab"
OWNER = "Northwind Logistics (simulated)"
SIDES = {True: "harbour", False: "terminal"}  # what each side's files are called: weak, hardened
NETWORKS = {
    1: ("weak twins", TCP_PORTS, UDP_PORTS),
    2: ("hardened twins", TCP_PORTS, UDP_PORTS),
    3: ("hidden things", TCP_PORTS, UDP_PORTS),
    4: ("silent things", ABSENT_PORTS, ()),
}
POPULATIONS = {"northwind/sensor-3": 40, "northwind/sensor-4": 1}  # of each model one stands in the lab
STANDARDS = ["etsi-mandatory", "psti", "owasp-top10", "iec-62443-sl2"]
_CUSTOM = {"camera firmware": "firmware", "collector": "module", "relay": "module"}
_CRITICALITY = {"plc": "high", "controller": "high", "gateway": "high", "relay": "critical"}
_HEAD = """# The lab's rig: simulated devices on loopback, and the files that belong to them.

[rig]
id = {id}
name = "Plumbline lab"
owner = {owner}

[authorisation]
reference = "LAB"
granted_by = "whoever started the lab"
emergency_contact = "stop the lab"
valid_from = {valid_from}
valid_until = {valid_until}
networks = ["{base}.0.0/16"]
intrusion = {intrusion}
exchanges_per_second = 500
"""


def write(fleet: Fleet, folder: Path, subset: Collection[str] | None = None, *, intrusion: Intrusion = Intrusion.CREDENTIAL) -> Path:
    """Write the rig and its files into a folder, which is made; returns the path of rig.toml, signed.

    `subset` names the devices whose addresses the networks hold, None for all; what is declared and supplied stays the same.
    The audit is authorised as far as `intrusion`; the truth holds for CREDENTIAL.
    """
    for name, data in files(fleet).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    rig = folder / "rig.toml"
    rig.write_text(text(fleet, subset, intrusion=intrusion), encoding="utf-8")
    sign(rig, private_pem(private_key("ed25519", "lab owner")), OWNER, fleet.at)
    return rig


def files(fleet: Fleet) -> dict[str, bytes]:
    """Make the files of both sides, by their paths in the rig's folder."""
    made: dict[str, bytes] = {f"manual/{by_hand.NOTE}": by_hand.NOTE_TEXT}
    for switched, side in SIDES.items():
        camera = fleet.twin("camera", switched=switched)
        made[f"captures/{side}.pcap"] = traffic.capture(fleet, switched=switched)
        made[f"images/{firmware.name_of(camera)}"] = firmware.image(fleet, switched=switched)
        made[f"sbom/{side}.cdx.json"] = sbom.bill(fleet, camera)
        made[f"edge/{side}.json"] = edge.manifest(fleet, switched=switched)
        made[f"hostkit/{side}.txt"] = systems.hostkit(fleet, switched=switched)
        made[f"imports/{side}.nessus"] = imports.results(fleet, switched=switched)
        made[f"manual/{side}.toml"] = by_hand.manual(fleet, switched=switched)
        made[f"declarations/{side}.toml"] = by_hand.declarations(fleet, switched=switched)
        made[f"hub/{side}.arm.json"] = hub.resource(fleet, switched=switched)
        made[f"hub/{side}.devices.jsonl"] = hub.registry(fleet, switched=switched)
        made[f"hub/{side}.twins.jsonl"] = hub.twins(fleet, switched=switched)
    return made


def text(fleet: Fleet, subset: Collection[str] | None = None, *, intrusion: Intrusion = Intrusion.CREDENTIAL) -> str:
    """Write the rig file itself; `subset` and `intrusion` as for `write`."""
    times = {"valid_from": fleet.at - timedelta(days=1), "valid_until": fleet.at + timedelta(days=2)}
    instants = {name: f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items()}
    parts = [_HEAD.format(id=_quoted(RIG_ID), owner=_quoted(OWNER), base=fleet.base, intrusion=_quoted(intrusion.word), **instants)]
    swept = [device for device in fleet.devices if subset is None or device.name in subset]
    parts += [_network(fleet.base, swept, number, *network) for number, network in NETWORKS.items()]
    for switched, side in SIDES.items():
        camera = fleet.twin("camera", switched=switched)
        parts.append(f'[[capture]]\npath = "captures/{side}.pcap"\n')
        parts.append(f'[[firmware]]\npath = "images/{firmware.name_of(camera)}"\nmodel = "{camera.model}"\n')
        parts.append(f'[[sbom]]\npath = "sbom/{side}.cdx.json"\nmodel = "{camera.model}"\n')
        gateway = fleet.twin("gateway", switched=switched)
        parts.append(f'[[edge]]\nmanifest = "edge/{side}.json"\ndevice = "{gateway.hub_device_id}"\n')
        parts.append(f'[[hostkit]]\npath = "hostkit/{side}.txt"\nasset = "{gateway.name}"\n')
        parts.append(f'[[import]]\nkind = "nessus"\npath = "imports/{side}.nessus"\n')
        parts.append(f'[[manual]]\npath = "manual/{side}.toml"\n')
        parts.append(f'[[declaration]]\npath = "declarations/{side}.toml"\n')
        for kind in ("devices", "twins"):
            parts.append(f'[[hub]]\nkind = "azure-iot-hub"\nresource = "hub/{side}.arm.json"\ndevices = "hub/{side}.{kind}.jsonl"\n')
    parts += [_custom(fleet, name, kind) for name, kind in _CUSTOM.items()]
    parts += [f'[[population]]\nmodel = "{model}"\nsize = {size}\ndrawn = "random"\n' for model, size in POPULATIONS.items()]
    parts += [_asset(device) for device in fleet.devices if device.declared]
    parts.append(f"[standards]\nassess = {json.dumps(STANDARDS)}\n")
    return "\n".join(part for part in parts if part)


def _network(base: str, devices: list[Device], number: int, name: str, tcp_ports: tuple[int, ...], udp_ports: tuple[int, ...]) -> str:
    """Sweep the devices' own addresses: on loopback every other one would answer too, with a reset."""
    ranges = [device.address for device in devices if device.address.startswith(f"{base}.{number}.")]
    if not ranges:
        return ""
    ports = [*tcp_ports, *(f"udp/{port}" for port in udp_ports)]
    return f"[[network]]\nname = {_quoted(name)}\nranges = {json.dumps(ranges)}\nports = {json.dumps(ports)}\n"


def _custom(fleet: Fleet, name: str, kind: str) -> str:
    """Name a part that the customer had made: the weak side's camera firmware, or a module of the gateways."""
    what = f"images/{firmware.name_of(fleet.twin('camera', switched=True))}" if kind == "firmware" else name
    return f"[[custom]]\nname = {_quoted(name)}\n{kind} = {_quoted(what)}\n"


def _asset(device: Device) -> str:
    lines = [
        "[[asset]]",
        f"id = {_quoted(device.name)}",
        f"address = {_quoted(device.address)}",
        f"mac = {_quoted(device.mac)}",
        f"model = {_quoted(device.model)}",
        f"criticality = {_quoted(_CRITICALITY.get(device.kind, 'medium'))}",
    ]
    if device.device_class is DeviceClass.OT:
        lines.append('class = "ot"')
    if device.hub_device_id:
        lines.append(f"hub_device_id = {_quoted(device.hub_device_id)}")
    if device.untouchable:
        lines.append("safety = true")
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    return json.dumps(word)
