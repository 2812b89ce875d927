"""UPnP descriptions: whole ones, careless ones, and those that mean harm."""

from __future__ import annotations

import pytest

from plumbline.model.errors import ProtocolError
from plumbline.protocols.upnp import MAX_DEPTH, MAX_ELEMENTS, MAX_SIZE, MAX_TEXT, Device, Service, decode
from tests.protocols.fuzzing import FuzzTarget

WHOLE = b"""<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0" configId="1">
  <specVersion><major>1</major><minor>1</minor></specVersion>
  <device>
    <deviceType>urn:schemas-upnp-org:device:MediaServer:1</deviceType>
    <friendlyName>Dock camera 1</friendlyName>
    <manufacturer>Northwind &amp; Sons</manufacturer>
    <manufacturerURL>http://northwind.example/</manufacturerURL>
    <modelDescription>camera</modelDescription>
    <modelName>cam-3</modelName>
    <modelNumber>3.1</modelNumber>
    <modelURL>http://northwind.example/cam-3</modelURL>
    <serialNumber>NW0001</serialNumber>
    <UDN>uuid:2fac1234-31f8-11b4-a222-08002b34c003</UDN>
    <iconList><icon><mimetype>image/png</mimetype><url>/icon.png</url></icon></iconList>
    <serviceList>
      <service>
        <serviceType>urn:schemas-upnp-org:service:ContentDirectory:1</serviceType>
        <serviceId>urn:upnp-org:serviceId:ContentDirectory</serviceId>
        <SCPDURL>/cd.xml</SCPDURL>
        <controlURL>/cd/control</controlURL>
        <eventSubURL></eventSubURL>
      </service>
    </serviceList>
    <deviceList>
      <device>
        <deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType>
        <friendlyName>inner</friendlyName>
        <UDN>uuid:inner</UDN>
        <serviceList><service><serviceType>urn:x:service:Y:1</serviceType></service></serviceList>
      </device>
    </deviceList>
    <presentationURL>/</presentationURL>
  </device>
</root>
"""


def device(**fields: object) -> Device:
    names = ["device_type", "friendly_name", "manufacturer", "manufacturer_url", "model_name", "model_number", "model_url"]
    plain: dict[str, object] = dict.fromkeys([*names, "serial_number", "udn", "presentation_url"])
    return Device(**{**plain, **fields})  # type: ignore[arg-type]


INNER = device(
    device_type="urn:schemas-upnp-org:device:WANDevice:1",
    friendly_name="inner",
    udn="uuid:inner",
    services=(Service("urn:x:service:Y:1", None, None, None, None),),
)
READ = device(
    device_type="urn:schemas-upnp-org:device:MediaServer:1",
    friendly_name="Dock camera 1",
    manufacturer="Northwind & Sons",
    manufacturer_url="http://northwind.example/",
    model_name="cam-3",
    model_number="3.1",
    model_url="http://northwind.example/cam-3",
    serial_number="NW0001",
    udn="uuid:2fac1234-31f8-11b4-a222-08002b34c003",
    presentation_url="/",
    services=(
        Service("urn:schemas-upnp-org:service:ContentDirectory:1", "urn:upnp-org:serviceId:ContentDirectory", "/cd.xml", "/cd/control", ""),
    ),
    devices=(INNER,),
)


def root(inside: str) -> bytes:
    return f"<root><device>{inside}</device></root>".encode()


VECTORS: list[tuple[str, bytes, Device]] = [
    ("a whole description", WHOLE, READ),
    ("with a byte order mark", b"\xef\xbb\xbf" + WHOLE, READ),
    ("nothing but a device", root(""), device()),
    ("an empty serial number", root("<serialNumber/>"), device(serial_number="")),
    ("a prefix that nobody declared", root("<dlna:X_DLNADOC>DMS</dlna:X_DLNADOC><modelName>x</modelName>"), device(model_name="x")),
    ("a prefix on everything", b"<u:root><u:device><u:modelName>x</u:modelName></u:device></u:root>", device(model_name="x")),
    ("the first of two counts", root("<modelName>a</modelName><modelName>b</modelName>"), device(model_name="a")),
    ("text in two parts", root("<modelName>a&lt;<![CDATA[b&]]></modelName>"), device(model_name="a<b&")),
    ("a service outside a list", root("<service><serviceType>x</serviceType></service>"), device()),
    ("a device outside a list", root("<device><modelName>x</modelName></device>"), device()),
    ("a service list inside a service", root("<serviceList><service><serviceList><service/></serviceList></service></serviceList>"),
     device(services=(Service(None, None, None, None, None),))),
    ("two devices: the first", b"<root><device><UDN>a</UDN></device><device><UDN>b</UDN></device></root>", device(udn="a")),
    ("bytes that are not UTF-8", b"<root><device><modelName>\xfc</modelName></device></root>", device(model_name="\ufffd")),
    ("another charset declared: read as UTF-8", b'<?xml version="1.0" encoding="ISO-8859-1"?>' + root("<modelName>\u00fc</modelName>"),
     device(model_name="\u00fc")),
    ("a long text is cut", root(f"<modelName>{'x' * (MAX_TEXT + 500)}</modelName>"), device(model_name="x" * MAX_TEXT)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "read"), VECTORS, ids=[case[0] for case in VECTORS])
def test_vectors(name: str, data: bytes, read: Device) -> None:
    assert decode(data) == read


def test_has_serial_number() -> None:
    assert READ.has_serial_number
    assert not INNER.has_serial_number
    assert not decode(root("<serialNumber> </serialNumber>")).has_serial_number


BOMB = b'<!DOCTYPE r [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;">]>' + root("<modelName>&b;</modelName>")
REFUSED = [
    ("an entity bomb", BOMB),
    ("a document type behind a declaration", b'<?xml version="1.0"?>' + BOMB),
    ("an external entity", b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + root("<modelName>&x;</modelName>")),
    ("an external document type", b'<!DOCTYPE r SYSTEM "http://10.20.1.1/x.dtd">' + root("")),
    ("a harmless document type", b"<!DOCTYPE root>" + root("")),
    ("a bomb in UTF-16", BOMB.decode().encode("utf-16")),
    ("a bomb in UTF-16 without its mark", BOMB.decode().encode("utf-16-le")),
    ("a bomb in UTF-7", b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE r+AD4-' + root("")),
    ("an entity that nobody declared", root("<modelName>&x;</modelName>")),
    ("nothing", b""),
    ("no device", b"<root/>"),
    ("another document", b"<html><body/></html>"),
    ("a device that is not in root", b"<a><b><device/></b></a>"),
    ("not closed", WHOLE[:-8]),
    ("two roots", root("") + root("")),
    ("a NUL", root("<modelName>\0</modelName>")),
    ("too deep", b"<root><device>" + b"<x>" * MAX_DEPTH + b"</x>" * MAX_DEPTH + b"</device></root>"),
    ("too many elements", root("<x/>" * MAX_ELEMENTS)),
    ("too long", root(" " * MAX_SIZE)),
]


@pytest.mark.parametrize(("name", "data"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(data)


def test_a_document_type_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError, match="document type"):
        decode(BOMB)


def test_every_truncation() -> None:
    for size in range(len(WHOLE) - 1):  # the last byte is white space
        with pytest.raises(ProtocolError):
            decode(WHOLE[:size])


FUZZ = [FuzzTarget("upnp", decode, [data for _, data, _ in VECTORS] + [BOMB, b"<a><b><device/></b></a>"])]
