"""The bills of materials that the cameras' maker hands out: CycloneDX 1.6 in JSON, with the packages that the images hold."""

from __future__ import annotations

import json
from typing import Any

from plumbline.lab.catalogue import VENDOR
from plumbline.lab.files.firmware import PACKAGES
from plumbline.lab.fleet import Device, Fleet


def bill(fleet: Fleet, camera: Device) -> bytes:
    """Write the bill of one camera's firmware."""
    bare = fleet.weak(switched=camera.switched)("image.bill_of_materials_incomplete")
    name = camera.model.partition("/")[2]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": f"{fleet.at:%Y-%m-%dT%H:%M:%SZ}",
            "component": {"type": "firmware", "name": name, "version": camera.firmware_version, "supplier": {"name": VENDOR}},
        },
        "components": [
            {"type": "library", "name": package, "version": version, **({} if bare else {"purl": f"pkg:opkg/{package}@{version}"})}
            for package, version in PACKAGES
        ],
    }
    return json.dumps(document, indent=1).encode() + b"\n"
