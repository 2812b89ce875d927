"""Device definitions of zigbee-herdsman-converters, as they stand in its npm package (`dist/devices/*.js`).

| property | of it |
|---|---|
| vendor, model, description | product |
| zigbeeModel; fingerprint: modelID and manufacturerName, or a call with the two | identifiers zigbee-model:<model>[@<manufacturer>] |
| whiteLabel, as objects or as calls with vendor and model | aliases |
| exposes, extend: names of the calls in their lists, `e.temperature()` | sensors, device_class |
| ota | not read: which releases there are is said by the OTA index |

The definitions are code. They are read as data and never run, so what only running would tell is not here: definitions that a function
makes, identifiers that a function lists, and what a device senses where a function decides it. A definition whose vendor or model is not
written out is an `Unread`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from plumbline.catalogue import values
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import Product, Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.catalogue.js_literals import Call, value_at
from plumbline.catalogue.names import identifier, product_key

_DEFINITIONS = re.compile(r"^exports\.definitions\s*=\s*(?=\[)", re.MULTILINE)
_FILE = re.compile(r"(?:^|[!/])(?:dist/)?devices/[\w.-]+\.js$")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
# What calls name, in words of ours: quantities sensed, and what such a device is.
SENSES: Mapping[str, str] = {
    **{word: word for word in ("temperature", "humidity", "pressure", "illuminance", "occupancy", "presence", "contact", "smoke", "gas")},
    **{
        word: word for word in ("vibration", "power", "energy", "current", "voltage", "noise", "voc", "co2", "pm25", "pm10", "tilt", "flow")
    },
    "water leak": "water leak",
    "carbon monoxide": "carbon monoxide",
    "soil moisture": "soil moisture",
    "formaldehyd": "formaldehyde",
    "local temperature": "temperature",
    "climate": "temperature",
    "rain": "rain",
}
KINDS: Mapping[str, str] = {
    "light": "light",
    "lock": "lock",
    "cover": "cover",
    "window covering": "cover",
    "climate": "thermostat",
    "fan": "fan",
    "switch": "switch",
    "on off": "switch",
    "action": "remote",
}
METERED = ("power", "energy", "current", "voltage")


class Reader(Importer):
    """Reads the definitions of one file after the other."""

    title: ClassVar[str] = "zigbee-herdsman-converters"
    licence: ClassVar[str] = "MIT"
    whole: ClassVar[bool] = True

    def __init__(self) -> None:
        self._given: set[str] = set()

    def takes(self, document: Document) -> bool:
        """A compiled file of definitions, by its place and by what it exports."""
        return _FILE.search(document.name) is not None and b"exports.definitions" in document.data

    def read(self, document: Document) -> Iterator[Read]:
        """One product for each definition of a file."""
        match = _DEFINITIONS.search(document.text)
        found = value_at(document.text, match.end()) if match else None
        if not isinstance(found, list):
            yield Unread(document.name, "its definitions are not written out as a list")
            return
        for number, definition in enumerate(found, 1):
            where = f"{document.name}, definition {number}"
            if not isinstance(definition, dict):
                yield Unread(where, "made by code that is not run")
                continue
            yield from self._definition(where, definition)

    def _definition(self, where: str, definition: Mapping[str, Any]) -> Iterator[Read]:
        vendor, model = values.text(definition.get("vendor")), values.text(definition.get("model"))
        if vendor is None or model is None:
            yield Unread(where, "vendor or model is not written out")
            return
        key = product_key(vendor, model)
        if key in self._given:
            yield Unread(where, f"{key} is defined a second time")
            return
        self._given.add(key)
        calls = list(_calls(definition))
        sensed = {sense for name, call in calls for sense in _senses(name, call)}
        if not sensed & {"power", "current"}:
            sensed.discard("voltage")  # of its own battery
        sensors = values.distinct(sorted(sensed))
        kinds = {KINDS[name] for name, _ in calls if name in KINDS}
        yield Product(
            product=key,
            vendor=vendor,
            model=model,
            title=values.text(definition.get("description")),
            aliases=values.distinct(alias for alias in _aliases(definition) if alias != key),
            identifiers=values.distinct(_identifiers(definition)),
            device_class=next((kind for kind in KINDS.values() if kind in kinds), "sensor" if sensed - set(METERED) else None),
            sensors=sensors,
            protocols=("zigbee",),
        )


def _identifiers(definition: Mapping[str, Any]) -> Iterator[str]:
    for name in values.texts(definition.get("zigbeeModel")) or ():
        yield identifier(f"zigbee-model:{name}")
    found = definition.get("fingerprint")
    for entry in found if isinstance(found, list) else [found]:
        if isinstance(entry, Call) and len(entry.arguments) >= 2:
            model, makers = values.text(entry.arguments[0]), values.texts(entry.arguments[1])
        else:
            model, maker = (values.text(values.obj(entry).get(name)) for name in ("modelID", "manufacturerName"))
            makers = (maker,) if maker else None
        for maker in makers or ():
            if model is not None:
                yield identifier(f"zigbee-model:{model}@{maker}")


def _aliases(definition: Mapping[str, Any]) -> Iterator[str]:
    for entry in values.items(definition.get("whiteLabel")):
        vendor, model = (
            entry.arguments[:2]
            if isinstance(entry, Call) and len(entry.arguments) >= 2
            else (
                values.obj(entry).get("vendor"),
                values.obj(entry).get("model"),
            )
        )
        if (maker := values.text(vendor)) and (name := values.text(model) or values.text(definition.get("model"))):
            yield product_key(maker, name)


def _calls(definition: Mapping[str, Any]) -> Iterator[tuple[str, Call]]:
    """Give the calls in the lists of what a device offers, by their last name in words: `m.soilMoisture` is `soil moisture`."""
    for member in ("exposes", "extend"):
        for call in values.items(definition.get(member)):
            if isinstance(call, Call):
                yield _WORD.sub(" ", call.name.rpartition(".")[2]).lower(), call


def _senses(name: str, call: Call) -> Iterator[str]:
    if name in SENSES:
        yield SENSES[name]
    elif name == "electricity meter":
        yield from METERED
    elif name == "ias zone alarm" and call.arguments:
        zone = str(values.obj(call.arguments[0]).get("zoneType")).replace("_", " ")
        if zone in SENSES:
            yield SENSES[zone]
