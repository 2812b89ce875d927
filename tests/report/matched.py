"""Components of which a feed says everything that can be said: for what is written about vulnerabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.assess.run import assess
from tests.vulnerabilities.deriving import IMAGE, bundle, component
from tests.vulnerabilities.making import CVE, NOW, VECTOR, cve5, imported, kev, openvex, product

METRICS = [{"cvssV3_1": {"vectorString": VECTOR, "baseScore": 9.8}}]
NAMES = ("affected", "said", "mended", "denied", "free", "odd")
PURL = "pkg:generic/{}"
SYSTEM = "system:site/gw"


def vex(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"vulnerability": CVE, "status": status, "products": [{"@id": PURL.format(name)}], **more}


def assessed(folder: Path) -> Path:
    """Judge an image and a system with the same components, one for each state, into `folder`/out."""
    ranges = [product({"version": "0", "lessThan": "3.0", "status": "affected"}, vendor=name, name=name) for name in NAMES]
    statements = (vex("said", "affected"), vex("denied", "not_affected", justification="component_not_present"), vex("free", "fixed"))
    imported(folder, {"cve.json": cve5(*ranges, metrics=METRICS), "vex.json": openvex(*statements), "kev.json": kev(CVE)})
    rows = [
        component(name, "rolling" if name == "odd" else "2.0", purl=PURL.format(name), fixes=[CVE] if name == "mended" else None)
        for name in NAMES
    ]
    held = bundle(folder / "out", {IMAGE: rows, SYSTEM: rows})
    assess([held], folder / "out", as_of=NOW, reference=folder / "reference")
    return folder
