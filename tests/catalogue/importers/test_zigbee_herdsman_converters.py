"""Definitions of zigbee-herdsman-converters, read as data."""

from __future__ import annotations

from plumbline.catalogue.facts import Product
from tests.catalogue.making import document, facts, read, unread

FILE = """"use strict";
const m = __importStar(require("../lib/modernExtend"));
const convLocal = { a: (v) => v / 2, b: /[\\]}]/g };
exports.definitions = [
    {
        zigbeeModel: ["lumi.sens", "lumi.sens2"],
        model: "WSD-1",
        vendor: "Aqara",
        description: "Temperature \\"and\\" humidity",
        extend: [m.temperature(), m.humidity({ reporting: { min: 1 } }), m.battery()],
        whiteLabel: [{ vendor: "Xiaomi", model: "X-1" }, tuya.whitelabel("Moes", "M-1", "a sensor", ["_TZ1"])],
    },
    {
        fingerprint: tuya.fingerprint("TS0601", ["_TZ2", "_TZ3"]),
        model: "PLUG",
        vendor: "Tuya",
        description: `Plug`,
        exposes: [e.switch(), e.power(), e.voltage().withAccess(1), e.numeric("x", ea.STATE)],
        configure: async (device) => { for (const x of [1, 2]) { await f(x, "}"); } },
    },
    { fingerprint: [{ modelID: "TS1", manufacturerName: "_TZ9" }], model: "ZONE", vendor: "Tuya",
      extend: [m.iasZoneAlarm({ zoneType: "water_leak" })] },
    { model: names.first, vendor: "Tuya" },
    { model: "PLUG", vendor: "Tuya" },
    ...others,
];
"""


def test_definitions_are_products() -> None:
    found = read("zigbee-herdsman-converters", document(FILE, "x.tgz!package/dist/devices/a.js"))
    sensor, plug, leak = facts(found)
    assert isinstance(sensor, Product)
    assert isinstance(plug, Product)
    assert isinstance(leak, Product)
    assert (sensor.product, sensor.title, sensor.device_class) == ("aqara/wsd-1", 'Temperature "and" humidity', "sensor")
    assert sensor.sensors == ("humidity", "temperature")
    assert sensor.identifiers == ("zigbee-model:lumi.sens", "zigbee-model:lumi.sens2")
    assert sensor.aliases == ("xiaomi/x-1", "moes/m-1")
    assert (plug.device_class, plug.sensors) == ("switch", ("power", "voltage"))
    assert plug.identifiers == ("zigbee-model:ts0601@_tz2", "zigbee-model:ts0601@_tz3")
    assert (leak.sensors, leak.identifiers) == (("water leak",), ("zigbee-model:ts1@_tz9",))
    assert unread(found) == ["vendor or model is not written out", "tuya/plug is defined a second time", "made by code that is not run"]


def test_definitions_that_are_no_list_are_unread() -> None:
    for text in ("exports.definitions = make();", "exports.definitions = x;\n", "exports.definitions = [{model: 'a'"):
        found = read("zigbee-herdsman-converters", document(text, "devices/a.js"))
        assert facts(found) == []
        assert unread(found)
