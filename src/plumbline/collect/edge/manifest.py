"""An IoT Edge deployment manifest: its parts, found in every form in which customers keep one.

| form | where the modules are |
|---|---|
| deployment manifest | modulesContent |
| `az iot edge deployment show`, a configuration | content.modulesContent |
| layered deployment | "properties.desired.modules.NAME" as one key |

Not the container options of a module (`options`). Rules: names are kept as written;
a part of the wrong shape is left out and said in `odd`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from plumbline.collect.json_text import object_of
from plumbline.model.errors import ProtocolError

MODULES_MAX = 1_000  # Azure allows 50 in one deployment
_TEXT_MAX = 512

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_FULL_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?:[.+_-][\w.+-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Module:
    """One module as the manifest words it."""

    name: str
    system: bool
    body: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings."""
        return object_of(self.body.get("settings"))

    @property
    def environment(self) -> dict[str, Any]:
        """Its environment variables: `env.<name>.value`."""
        entries = object_of(self.body.get("env"))
        return {name: object_of(entry).get("value") if isinstance(entry, dict) else entry for name, entry in entries.items()}


@dataclass(frozen=True, slots=True)
class Manifest:
    """The desired properties of a deployment's two system modules, opened."""

    agent: dict[str, Any]
    hub: dict[str, Any]
    modules: list[Module] = field(default_factory=list)
    registries: dict[str, dict[str, Any]] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)


def read_manifest(document: object) -> Manifest:
    """Open a parsed manifest; raises ProtocolError when it holds no deployment."""
    root = object_of(document)
    content = root.get("modulesContent")
    if not isinstance(content, dict):
        content = object_of(root.get("content")).get("modulesContent")
    if not isinstance(content, dict):
        raise ProtocolError("not an IoT Edge deployment: it has no modulesContent")
    if not isinstance(content.get("$edgeAgent"), dict) and not isinstance(content.get("$edgeHub"), dict):
        raise ProtocolError("not an IoT Edge deployment: modulesContent has neither $edgeAgent nor $edgeHub")
    agent, hub = (_desired(object_of(content.get(name))) for name in ("$edgeAgent", "$edgeHub"))
    manifest = Manifest(agent, hub)
    for place, system in (("systemModules", True), ("modules", False)):
        _modules(manifest, place, system)
    credentials = object_of(object_of(object_of(agent.get("runtime")).get("settings")).get("registryCredentials"))
    for name, body in credentials.items():
        if isinstance(body, dict) and len(name) <= _TEXT_MAX and len(manifest.registries) < MODULES_MAX:
            manifest.registries[name] = body
        else:
            manifest.odd.append(f"registry {name[:60]!r} is not an object")
    return manifest


def _modules(manifest: Manifest, place: str, system: bool) -> None:
    for name, body in object_of(manifest.agent.get(place)).items():
        if not isinstance(body, dict) or not name or len(name) > _TEXT_MAX:
            manifest.odd.append(f"{place} {name[:60]!r} is not a module")
        elif len(manifest.modules) >= MODULES_MAX:
            manifest.odd.append(f"more than {MODULES_MAX} modules")
            return
        else:
            manifest.modules.append(Module(name, system, body))


def _desired(twin: dict[str, Any]) -> dict[str, Any]:
    """Join `properties.desired` with the dotted keys of layered deployments."""
    desired: dict[str, Any] = dict(object_of(twin.get("properties.desired")))
    for key, value in twin.items():
        place = key.removeprefix("properties.desired.")
        if place == key:
            continue
        group, _, name = place.partition(".")
        desired[group] = {**object_of(desired.get(group)), name: value} if name else value
    return desired


def pinned(image: str) -> bool | None:
    """Say whether an image is named by digest or by a tag of at least three numbers; None when the tag is a placeholder."""
    if _DIGEST.search(image):
        return True
    last = image.rpartition("/")[2]
    name, colon, tag = last.partition(":")
    if re.search(r"[$<{%]", tag if colon else name):
        return None
    return bool(colon and _FULL_VERSION.fullmatch(tag))
