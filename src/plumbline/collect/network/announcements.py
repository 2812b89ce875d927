"""What a discovery answer says, for both ways of asking: to one device (the probes `ssdp` and `mdns`) and to a group (`discovery`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.protocols import dns, ssdp

# Keys of TXT records that makers use for data of the unit or its user, seen in DNS-SD registrations of printers, cameras and speakers.
_LEAKS = {
    "serial": re.compile(r"^(sn|serial|serialnumber|serial_number|deviceserial|usb_sn)$", re.IGNORECASE),
    "ssid": re.compile(r"^(ssid|wifi|wifi_ssid|essid)$", re.IGNORECASE),
    "user": re.compile(r"^(user|username|owner|account|email|mail)$", re.IGNORECASE),
    "location": re.compile(r"^(location|loc|note|lat|lon|latitude|longitude|address)$", re.IGNORECASE),
}
_MODEL_KEYS = ("model", "md", "ty", "product", "usb_mdl")
_MAKER_KEYS = ("manufacturer", "mf", "vendor", "usb_mfg")
_GATEWAY = re.compile(r"WAN(IP|PPP)Connection", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One service that a device announces; the columns of the table `announcement` but for `port`."""

    protocol: str
    service: str | None
    name: str | None
    model: str | None = None
    manufacturer: str | None = None
    leaks: list[str] | None = None
    gateway_control: bool = False


def of_ssdp(message: ssdp.Message) -> Announcement:
    """Read an answer to M-SEARCH or a NOTIFY."""
    told = " ".join(filter(None, (message.target, message.usn)))
    return Announcement("ssdp", message.target, message.server, gateway_control=bool(_GATEWAY.search(told)))


def of_mdns(message: dns.Message) -> list[Announcement]:
    """Read the services that an mDNS answer lists: one for each PTR, with the TXT of its instance."""
    texts = {record.name.lower(): record.data.attributes for record in message.records if isinstance(record.data, dns.Text)}
    found = []
    for record in message.records:
        if record.type != dns.RecordType.PTR or not isinstance(record.data, dns.Target):
            continue
        told = texts.get(record.data.name.lower())
        attributes = told or {}
        leaks = (
            None
            if told is None
            else sorted({kind for kind, pattern in _LEAKS.items() for key, value in attributes.items() if value and pattern.match(key)})
        )
        instance = record.data.name.removesuffix("." + record.name)
        found.append(Announcement("mdns", record.name, instance, _first(attributes, _MODEL_KEYS), _first(attributes, _MAKER_KEYS), leaks))
    return found


def distinct(announcements: Iterable[Announcement]) -> list[Announcement]:
    """Drop repeated ones (devices answer several times by design) and put them in a stable order."""
    unique = {(a.protocol, a.service or "", a.name or ""): a for a in announcements}
    return [unique[key] for key in sorted(unique)]


def _first(attributes: dict[str, str | None], keys: tuple[str, ...]) -> str | None:
    lower = {key.lower(): value for key, value in attributes.items()}
    return next((value for key in keys if (value := lower.get(key))), None)
