"""The description of a UPnP device: what it says it is and which services it offers (UPnP Device Architecture 2.0, "UDA", 2.3).

Not here: fetching it (the probe's, through the door), service descriptions, control.

    root / device   deviceType, friendlyName, manufacturer, manufacturerURL, modelName, modelNumber, modelURL,
                    serialNumber, UDN, presentationURL, serviceList / service, deviceList / device
    service         serviceType, serviceId, SCPDURL, controlURL, eventSubURL

Rules: a document with a DOCTYPE is refused before anything in it is expanded, so there are no entity bombs and no
external entities. It reads as UTF-8 whatever it declares (UDA 2.3 demands UTF-8), with U+FFFD for what is none, so the
parser cannot be led into another charset. Depth, elements and text are limited. Prefixes are dropped without asking
whether they were declared, because cheap devices forget to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from plumbline.model.errors import ProtocolError

MAX_SIZE = 256 * 1024  # bytes; the largest descriptions, of media servers, have some 20 KiB
MAX_DEPTH = 32  # UDA allows devices in devices; real trees have three levels of them, nine of elements
MAX_ELEMENTS = 4096
MAX_TEXT = 1024  # characters of one field; UDA asks for less than 64


@dataclass(frozen=True, slots=True)
class Service:
    """One service; URLs as they stand, often relative to the description's."""

    service_type: str | None
    service_id: str | None
    description_url: str | None
    control_url: str | None
    event_url: str | None


@dataclass(frozen=True, slots=True)
class Device:
    """One device of the tree; None where the element is absent, '' where it is empty."""

    device_type: str | None
    friendly_name: str | None
    manufacturer: str | None
    manufacturer_url: str | None
    model_name: str | None
    model_number: str | None
    model_url: str | None
    serial_number: str | None
    udn: str | None
    presentation_url: str | None
    services: tuple[Service, ...] = ()
    devices: tuple[Device, ...] = ()

    @property
    def has_serial_number(self) -> bool:
        """Whether the device tells its serial number to anyone who asks."""
        return bool(self.serial_number)


@dataclass(slots=True)
class _Open:
    """A device or service element that is not closed yet."""

    depth: int
    is_device: bool
    texts: dict[str, str] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)

    def service(self) -> Service:
        get = self.texts.get
        return Service(get("serviceType"), get("serviceId"), get("SCPDURL"), get("controlURL"), get("eventSubURL"))

    def device(self) -> Device:
        get = self.texts.get
        return Device(
            get("deviceType"),
            get("friendlyName"),
            get("manufacturer"),
            get("manufacturerURL"),
            get("modelName"),
            get("modelNumber"),
            get("modelURL"),
            get("serialNumber"),
            get("UDN"),
            get("presentationURL"),
            tuple(self.services),
            tuple(self.devices),
        )


def decode(data: bytes) -> Device:
    """Read a description and return its root device; raises ProtocolError."""
    if len(data) > MAX_SIZE:
        raise ProtocolError(f"a description of {len(data)} bytes; at most {MAX_SIZE} are read")
    builder = _Builder()
    parser = expat.ParserCreate(encoding="utf-8")  # what the document declares does not count
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.buffer_text = True
    try:
        parser.Parse(data.decode(errors="replace").encode(), True)
    except expat.ExpatError as error:
        why = expat.errors.messages[error.code]
        raise ProtocolError(f"not well-formed: {why}, line {error.lineno}", offset=parser.ErrorByteIndex) from error
    if builder.root is None:
        raise ProtocolError("a description without a device")
    return builder.root


class _Builder:
    """Takes the parser's events and keeps the fields of devices and services."""

    def __init__(self) -> None:
        self.root: Device | None = None
        self._path: list[str] = []
        self._open: list[_Open] = []
        self._elements = 0
        self._text = ""

    def doctype(self, name: str, _system: str | None, _public: str | None, _internal: int) -> None:
        raise ProtocolError(f"a document type declaration (of {name[:32]!r}) is refused")

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._path) == MAX_DEPTH:
            raise ProtocolError(f"more than {MAX_ELEMENTS} elements, or {MAX_DEPTH} inside each other")
        local = name.rpartition(":")[2]
        parent = self._path[-1] if self._path else ""
        self._path.append(local)
        self._text = ""
        depth = len(self._path)
        if local == "device" and ((depth == 2 and parent == "root") or (parent == "deviceList" and self._inside(depth - 2))):
            self._open.append(_Open(depth, is_device=True))
        elif local == "service" and parent == "serviceList" and self._inside(depth - 2):
            self._open.append(_Open(depth, is_device=False))

    def _inside(self, depth: int) -> bool:
        return bool(self._open) and self._open[-1].is_device and self._open[-1].depth == depth

    def text(self, text: str) -> None:
        if len(self._text) < MAX_TEXT:
            self._text = (self._text + text)[:MAX_TEXT]

    def end(self, _name: str) -> None:
        depth = len(self._path)
        local = self._path.pop()
        text, self._text = self._text.strip(), ""
        if not self._open:
            return
        current = self._open[-1]
        if depth == current.depth + 1:
            current.texts.setdefault(local, text)
        elif depth == current.depth:
            self._open.pop()
            self._close(current)

    def _close(self, current: _Open) -> None:
        if not current.is_device:
            self._open[-1].services.append(current.service())
        elif self._open:
            self._open[-1].devices.append(current.device())
        elif self.root is None:
            self.root = current.device()
