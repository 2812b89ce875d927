"""The index of a Zigbee OTA repository (Koenkk/zigbee-OTA and those in its form): released images of real devices.

| field | what becomes of it |
|---|---|
| manufacturerCode, imageType | identifier zigbee:<code>/<type>; what a device asks for with (Zigbee Cluster Library 8, 11.11) |
| modelId, manufacturerName | the image is for those alone: a product of its own, zigbee:<code>/<type>@<name>, zigbee-model:<modelId> |
| fileVersion | version, sequence: an integer that must grow (11.4.2.6) |
| fileSize, sha512, url, releaseNotes | of the release |
| minFileVersion, maxFileVersion | min_from, max_from |
| hardwareVersionMin, hardwareVersionMax | hardware |
| otaHeaderString, folder of the url | title, vendor |

Rules: a record without code, type or version is not taken. The index names the newest image of each kind, and few older ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from plumbline.catalogue import values
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import Product, Release, Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.catalogue.names import identifier, product_key

HARDWARE_LISTED = 64
_NEEDED = (b'"manufacturerCode"', b'"imageType"', b'"fileVersion"')


class Reader(Importer):
    """Reads `index.json`."""

    title: ClassVar[str] = "Zigbee OTA index"
    whole: ClassVar[bool] = True

    def __init__(self) -> None:
        self._named: set[str] = set()

    def takes(self, document: Document) -> bool:
        """A JSON list whose first record has the three numbers of an image."""
        head = document.data[:4096]
        return document.looks_like_json and head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"[" and all(word in head for word in _NEEDED)

    def read(self, document: Document) -> Iterator[Read]:
        """One product and one release for each image."""
        for number, entry in enumerate(values.items(document.json), 1):
            where = f"{document.name}, record {number}"
            if not isinstance(entry, dict):
                yield Unread(where, "not an object")
                continue
            yield from self._image(where, entry)

    def _image(self, where: str, entry: Mapping[str, Any]) -> Iterator[Read]:
        code, kind, version = (values.integer(entry.get(name)) for name in ("manufacturerCode", "imageType", "fileVersion"))
        if code is None or kind is None or version is None or code > 0xFFFF or kind > 0xFFFF or version > 0xFFFFFFFF:
            yield Unread(where, "manufacturerCode, imageType or fileVersion is missing or no number of its size")
            return
        vendor, device = _vendor(entry), values.text(entry.get("modelId"))
        names = [name for name in (device, *(values.texts(entry.get("manufacturerName")) or ())) if name]
        key = product_key(vendor, device if device and names == [device] else " ".join([f"zigbee-{code}-{kind}", *names]))
        product = Product(
            product=key,
            vendor=vendor,
            model=device or " ".join([f"{code}/{kind}", *names]),
            title=values.text(entry.get("otaHeaderString")),
            identifiers=_identifiers(f"zigbee:{code}/{kind}", device, names),
            protocols=("zigbee",),
        )
        if key not in self._named:
            self._named.add(key)
            yield product
        hardware = _hardware(entry)
        yield Release(
            product=key,
            version=str(version),
            record=f"{key}@{version}" + (f" hw {hardware[0]}-{hardware[-1]}" if hardware else ""),
            scheme="integer",
            sequence=version,
            sha512=values.digest("sha512", entry.get("sha512")),
            size_bytes=values.integer(entry.get("fileSize")),
            url=values.text(entry.get("url"), 2_000),
            min_from=_number(entry.get("minFileVersion")),
            max_from=_number(entry.get("maxFileVersion")),
            hardware=hardware,
            notes=values.prose(entry.get("releaseNotes")),
        )


def _identifiers(image: str, model: str | None, names: Sequence[str]) -> tuple[str, ...]:
    """Name the devices of an image: by its code and type, and where it is for one model alone also by the model that a device reports."""
    if not names:
        return (image,)
    return (*(identifier(f"{image}@{name}") for name in names), *([identifier(f"zigbee-model:{model}")] if names == [model] else []))


def _vendor(entry: Mapping[str, Any]) -> str:
    folders = (values.text(entry.get("url"), 2_000) or "").split("/")
    return folders[-2] if len(folders) > 3 and folders[-2] else "zigbee"


def _number(value: object) -> str | None:
    number = values.integer(value)
    return None if number is None else str(number)


def _hardware(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    """List the hardware versions of a range; one too wide to list stands as it is."""
    low, high = values.integer(entry.get("hardwareVersionMin")), values.integer(entry.get("hardwareVersionMax"))
    if low is None and high is None:
        return None
    low, high = low or 0, 0xFFFF if high is None else high
    return tuple(map(str, range(low, high + 1))) if 0 <= high - low < HARDWARE_LISTED else (f"{low}-{high}",)
