"""Metadata of the Linux Vendor Firmware Service (AppStream XML): firmware of computers, docks and other parts, and what each release mends.

| element | of it |
|---|---|
| component type="firmware": id, name, summary, developer/name or developer_name | product; identifier lvfs:<id> |
| provides/firmware type="flashed" | identifiers guid:<GUID> |
| requires/firmware without text, compare="ge" | min_from |
| releases/release: version, timestamp or date | version, released_at |
| location, url, description, size type="installed", issues/issue type="cve" | url, notes, size_bytes, fixes |
| checksum type="sha256" target="content" | sha256, where there is one: of the image, not of the cabinet around it |

Source: AppStream 1.0, "Firmware"; fwupd, metadata format. Rules: those of `strict_xml`; components are let go as they end, so that memory
does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from plumbline.catalogue import values
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import Product, Release, Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.catalogue.names import identifier, product_key
from plumbline.model.errors import ProtocolError
from plumbline.protocols.strict_xml import Element, elements

GUIDS_MAX = 200


class Reader(Importer):
    """Reads `firmware.xml`, or the metainfo of one component."""

    title: ClassVar[str] = "Linux Vendor Firmware Service"
    whole: ClassVar[bool] = True

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}  # product key -> component id

    def takes(self, document: Document) -> bool:
        """XML with a firmware component near its beginning."""
        head = document.data[:65_536]
        return head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" and b"<component" in head and b'type="firmware"' in head

    def read(self, document: Document) -> Iterator[Read]:
        """One product and its releases for each component."""
        number = 0
        try:
            for element in elements(document.chunks(), {"component"}):
                number += 1
                if element.get("type") == "firmware":
                    yield from self._component(f"{document.name}, component {number}", element)
        except ProtocolError as error:
            raise ProtocolError(f"from component {number + 1} on: {error}") from error

    def _component(self, where: str, element: Element) -> Iterator[Read]:
        name, vendor = _text(element, "id"), _text(element, "developer/name") or _text(element, "developer_name")
        model = _text(element, "name")
        if name is None or model is None:
            yield Unread(where, "without id or name")
            return
        key = product_key(vendor, model)
        if self._ids.setdefault(key, name) != name:
            key = product_key(vendor, f"{model} ({name})")
        guids = [values.text(one.text) for one in element.all("provides/firmware") if one.get("type") in (None, "flashed")][:GUIDS_MAX]
        yield Product(
            product=key,
            vendor=vendor,
            model=model,
            title=_text(element, "summary"),
            identifiers=values.distinct(identifier(one) for one in (f"lvfs:{name}", *(f"guid:{guid}" for guid in guids if guid))),
            device_class="firmware of a part",
            url=values.text(next((_whole(one) for one in element.all("url") if one.get("type") == "homepage"), None), 2_000),
        )
        needs = next((one for one in element.all("requires/firmware") if not one.text and one.get("compare") == "ge"), None)
        for release in element.all("releases/release"):
            version = values.text(release.get("version"))
            if version is None:
                yield Unread(where, f"{name}: a release without a version")
            else:
                yield _release(key, version, release, None if needs is None else values.text(needs.get("version")))


def _release(key: str, version: str, element: Element, min_from: str | None) -> Release:
    stamp = element.get("timestamp") or ""
    sums = [one.text for one in element.all("checksum") if one.get("type") == "sha256" and one.get("target") == "content"]
    size = next((one.text for one in element.all("size") if one.get("type") == "installed"), None)
    told = element.first("description")
    return Release(
        product=key,
        version=version,
        released_at=values.moment(int(stamp) if stamp.isdigit() and len(stamp) < 11 else element.get("date")),
        sha256=values.digest("sha256", sums[0]) if len(sums) == 1 else None,
        size_bytes=values.integer(size),
        url=_text(element, "location", 2_000),
        min_from=min_from,
        fixes=values.distinct(values.text(one.text) for one in element.all("issues/issue") if one.get("type") == "cve"),
        notes=values.prose(_whole(told) if told is not None else None),
    )


def _text(element: Element, path: str, limit: int = values.NAME_MAX) -> str | None:
    found = element.first(path)
    return None if found is None else values.text(_whole(found), limit)


def _whole(element: Element) -> str:
    return " ".join(element.whole_text().split())
