"""Import manifests of Azure Device Update: what an update is called, and which devices it is for.

    updateId            provider, name, version
    compatibility[]     manufacturer, model and other properties that a device must report
    isDeployable        false: a part that other updates refer to
    instructions        steps; installedCriteria
    files[]             filename, sizeInBytes, hashes.sha256 (base64)
    createdDateTime, manifestVersion ("4.0", "5.0")

The manifest that the service sends to a device (`updateManifest`, a JSON text with a signature beside it) names the same; there `files` is
an object and properties begin with `device`. Source: Import manifest JSON schema, versions 4 and 5 (Microsoft Learn).

Rules: a product for each manufacturer and model of the compatibility; an update of several files has no one digest. Further properties of a
compatibility (a location, a ring) narrow the update to some devices of the model: they stand in the notes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from plumbline.catalogue import values
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import Product, Release, Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.catalogue.names import identifier, product_key
from plumbline.protocols import strict_json

VERSIONS = ("4", "5")
COMPATIBLE_MAX = 10  # the service allows ten
_MAKER, _MODEL = ("manufacturer", "deviceManufacturer"), ("model", "deviceModel")


class Reader(Importer):
    """Reads import manifests, one in a file."""

    title: ClassVar[str] = "Azure Device Update import manifests"

    def takes(self, document: Document) -> bool:
        """A JSON object with an update id and a manifest version, or one around such an object."""
        head = document.data[:65_536]
        return document.looks_like_json and (
            b'"updateManifest"' in head or (b'"updateId"' in head and b'"manifestVersion"' in document.data)
        )

    def read(self, document: Document) -> Iterator[Read]:
        """One product and one release for each compatible model."""
        manifest = values.obj(document.json)
        if isinstance(inner := manifest.get("updateManifest"), str):
            manifest = values.obj(strict_json.parse(inner))
        update = values.obj(manifest.get("updateId"))
        provider, name, version = (values.text(update.get(word)) for word in ("provider", "name", "version"))
        form = str(manifest.get("manifestVersion", ""))
        if form.split(".")[0] not in VERSIONS:
            yield Unread(document.name, f"manifest version {form[:20]!r}; versions 4 and 5 are read")
        elif provider is None or name is None or version is None:
            yield Unread(document.name, "updateId lacks provider, name or version")
        elif manifest.get("isDeployable") is False:
            yield Unread(document.name, f"{provider}.{name} {version} is a part of other updates (isDeployable is false)")
        else:
            yield from _update(document.name, manifest, f"{provider}.{name}", version)


def _update(where: str, manifest: Mapping[str, Any], name: str, version: str) -> Iterator[Read]:
    compatible = values.items(manifest.get("compatibility"))
    if not compatible or len(compatible) > COMPATIBLE_MAX:
        yield Unread(where, f"{name} {version} is compatible with {len(compatible)} kinds of device; 1 to {COMPATIBLE_MAX} are read")
        return
    size, digest = _payload(manifest.get("files"))
    for entry in map(values.obj, compatible):
        maker, model = (next((found for word in words if (found := values.text(entry.get(word)))), None) for words in (_MAKER, _MODEL))
        if maker is None or model is None:
            yield Unread(where, f"{name} {version}: a compatibility names no manufacturer and model")
            continue
        key = product_key(maker, model)
        created = values.moment(manifest.get("createdDateTime"))
        rest = {word: value for word, value in entry.items() if word not in (*_MAKER, *_MODEL)}
        yield Product(product=key, vendor=maker, model=model, identifiers=(identifier(f"adu:{key}"),), dated_at=created)
        yield Release(
            product=key,
            version=version,
            record=f"{key}@{version} {name}" + (f" {json.dumps(rest, sort_keys=True)[:200]}" if rest else ""),
            released_at=created,
            sha256=digest,
            size_bytes=size,
            notes=f"Device Update {name} {version}" + (f", only where {json.dumps(rest, sort_keys=True)[:500]}" if rest else ""),
            dated_at=created,
        )


def _payload(files: object) -> tuple[int | None, str | None]:
    """Give size and digest of an update of one file."""
    entries = list(files.values()) if isinstance(files, dict) else values.items(files)
    if len(entries) != 1:
        return None, None
    only = values.obj(entries[0])
    return values.integer(only.get("sizeInBytes")), values.digest("sha256", values.obj(only.get("hashes")).get("sha256"))
