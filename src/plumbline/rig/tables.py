"""Reads the tables of a parsed rig file into their shapes, noting everything that is wrong on the way.

Not the rules between tables (`crosschecks`). Rules: each table is read by itself, so a mistake in one asset hides none in another; a
table that cannot be read is left out of the draft and its problems stand in the list.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from plumbline.rig.models import Parameter, Scalar
from plumbline.rig.problems import KeyPath, ProblemList
from plumbline.rig.schema import (
    AssetTable,
    AuthorisationTable,
    CaptureTable,
    CustomTable,
    DeclarationTable,
    EdgeTable,
    FirmwareTable,
    HostkitTable,
    HubTable,
    ImportTable,
    LoginTable,
    ManualTable,
    NetworkTable,
    PopulationTable,
    RigTable,
    SbomTable,
    StandardsTable,
    UpdateServiceTable,
)
from plumbline.rig.values import WrongValueError

T = TypeVar("T", bound=BaseModel)
KNOWN = (
    *("rig", "authorisation", "network", "login", "capture", "firmware", "sbom", "hostkit", "edge", "hub", "update_service", "import"),
    *("manual", "declaration", "custom", "asset", "population", "standards", "parameters"),
)


@dataclass(frozen=True)
class Draft:
    """The tables that could be read; lists hold (index in the file, table)."""

    rig: RigTable | None
    authorisation: AuthorisationTable | None
    networks: list[tuple[int, NetworkTable]]
    captures: list[tuple[int, CaptureTable]]
    firmware: list[tuple[int, FirmwareTable]]
    edges: list[tuple[int, EdgeTable]]
    hubs: list[tuple[int, HubTable]]
    sboms: list[tuple[int, SbomTable]]
    hostkits: list[tuple[int, HostkitTable]]
    update_services: list[tuple[int, UpdateServiceTable]]
    imports: list[tuple[int, ImportTable]]
    manuals: list[tuple[int, ManualTable]]
    declarations: list[tuple[int, DeclarationTable]]
    customs: list[tuple[int, CustomTable]]
    logins: list[tuple[int, LoginTable]]
    populations: list[tuple[int, PopulationTable]]
    assets: list[tuple[int, AssetTable]]
    standards: StandardsTable | None
    parameters: Mapping[str, Parameter]


def read_tables(document: Mapping[str, Any], problems: ProblemList) -> Draft:
    """Read every table of a document."""
    for key in document:
        if key not in KNOWN:
            problems.add((key,), "unknown table", _nearest(key, KNOWN))
    draft = Draft(
        rig=_one(document, "rig", RigTable, problems),
        authorisation=_one(document, "authorisation", AuthorisationTable, problems),
        networks=_many(document, "network", NetworkTable, problems),
        captures=_many(document, "capture", CaptureTable, problems),
        firmware=_many(document, "firmware", FirmwareTable, problems),
        edges=_many(document, "edge", EdgeTable, problems),
        hubs=_many(document, "hub", HubTable, problems),
        sboms=_many(document, "sbom", SbomTable, problems),
        hostkits=_many(document, "hostkit", HostkitTable, problems),
        update_services=_many(document, "update_service", UpdateServiceTable, problems),
        imports=_many(document, "import", ImportTable, problems),
        manuals=_many(document, "manual", ManualTable, problems),
        declarations=_many(document, "declaration", DeclarationTable, problems),
        customs=_many(document, "custom", CustomTable, problems),
        logins=_many(document, "login", LoginTable, problems),
        populations=_many(document, "population", PopulationTable, problems),
        assets=_many(document, "asset", AssetTable, problems),
        standards=_one(document, "standards", StandardsTable, problems, needed=False),
        parameters=_parameters(document.get("parameters", {}), problems),
    )
    for index, hub in draft.hubs:
        if hub.live:
            message = "reading a live hub is not yet done by this release"
            problems.add(("hub", index, "live"), message, "export its devices and name the file in devices", not_yet=True)
    return draft


def _one(document: Mapping[str, Any], name: str, model: type[T], problems: ProblemList, *, needed: bool = True) -> T | None:
    if name not in document:
        if needed:
            problems.add((name,), "the table is missing", f"add [{name}]; `plumbline rig init` shows one")
        return None
    value = document[name]
    if not isinstance(value, dict):
        problems.add((name,), "wants one table", f"write [{name}], once")
        return None
    return read_table(model, value, (name,), problems)


def _many(document: Mapping[str, Any], name: str, model: type[T], problems: ProblemList) -> list[tuple[int, T]]:
    tables = list_of_tables(document, name, problems)
    read = ((index, read_table(model, item, (name, index), problems)) for index, item in enumerate(tables))
    return [(index, table) for index, table in read if table is not None]


def list_of_tables(document: Mapping[str, Any], name: str, problems: ProblemList) -> Sequence[Mapping[str, Any]]:
    """Give the [[name]] tables of a document, unread; none where it has none, or, which is noted, something else by that name."""
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.add((name,), "wants a list of tables", f"write [[{name}]], with two brackets")
        return []
    return value


def read_table(model: type[T], value: Mapping[str, Any], prefix: KeyPath, problems: ProblemList) -> T | None:
    """Read one table, or note everything that is wrong with it; `prefix` is where it stands."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            message, remedy = _explain(model, detail)
            problems.add((*prefix, *detail["loc"]), message, remedy)
        return None


def _explain(model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    """Say a shape error in our words; `detail` is one of pydantic's."""
    kind, context = detail["type"], detail.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, WrongValueError):
        return cause.message, cause.remedy
    seen = repr(detail["input"])[:60]
    if kind == "extra_forbidden":
        return "unknown key", _nearest(str(detail["loc"][-1]), _keys_at(model, detail["loc"][:-1]))
    if kind == "missing":
        return "is missing", "add it"
    if kind == "literal_error":
        return f"{seen} is not one of {context['expected']}", "choose one of them"
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return f"{seen} is out of bounds", f"give {bound}"
    if kind == "too_short":
        return "is empty", "name at least one"
    wanted = _WANTED.get(kind)
    return (f"wants {wanted[0]}, and has {seen}", wanted[1]) if wanted else (detail["msg"], "correct it")


_WANTED = {
    "bool_type": ("true or false", "write true or false, without quotes"),
    "int_type": ("a whole number", "write a number, without quotes"),
    "list_type": ("a list", "put it in [ and ]"),
    "model_type": ("a table", "put its keys in { and }"),
    "dict_type": ("a table", "put its keys in { and }"),
}


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Give the keys that the table at a location knows, by the names of the file."""
    for part in location:
        for name, info in model.model_fields.items():
            inner = next((found for found in get_args(info.annotation) if isinstance(found, type) and issubclass(found, BaseModel)), None)
            if part in (name, info.alias) and inner is not None:
                model = inner
    return [info.alias or name for name, info in model.model_fields.items()]


def _nearest(key: str, known: list[str] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"


def _parameters(value: Any, problems: ProblemList) -> Mapping[str, Parameter]:
    """Read `[parameters]`: which exist and what their types are the checks say; here only that they are plain values."""
    if not isinstance(value, dict):
        problems.add(("parameters",), "wants one table", "write [parameters], once")
        return {}
    found: dict[str, Parameter] = {}
    for key, item in value.items():
        if isinstance(item, list) and all(isinstance(one, Scalar) for one in item):
            found[key] = tuple(item)
        elif isinstance(item, Scalar):
            found[key] = item
        else:
            remedy = "write text, a number, true, false or a date with a time"
            problems.add(("parameters", key), "wants a plain value or a list of them", remedy)
    return found
