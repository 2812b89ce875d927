"""CycloneDX bills of materials: the components that one lists, with what it is about and whether it says that it is complete.

    {"bomFormat": "CycloneDX", "specVersion", "serialNumber", "metadata": {"timestamp", "component": {...}},
     "components": [{"type", "group", "name", "version", "purl", "cpe", "supplier": {"name"}, "components": [...],
                     "pedigree": {"patches": [{"resolves": [{"type": "security", "id"}]}]}}],
     "compositions": [{"aggregate": "complete" | "incomplete" | ..., "assemblies": [ref]}]}

Source: CycloneDX 1.6 JSON schema (ECMA-424). Not its vulnerabilities, which are a feed (`vulnerabilities/feeds`). Rules: what is no
component of software (files, data, certificates, devices) is passed over; nesting and numbers are capped; a purl that does not parse was
not given; patches that resolve a vulnerability say that it was mended, as a changelog does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from packageurl import PackageURL

from plumbline.collect.json_text import list_of, object_of, text_of
from plumbline.model.errors import ProtocolError
from plumbline.versions import scheme_for
from plumbline.vulnerabilities.namespaces import namespace_of_purl

TABLES = ("sbom", "component")
COMPONENTS_MAX = 200_000
DEPTH_MAX = 32
FIXES_MAX = 1_000
IDENTIFYING = frozenset({"arch", "distro", "epoch", "upstream"})  # qualifiers of a package URL that tell one package from another
TEXT_MAX = 512
SOFTWARE = frozenset({"application", "framework", "library", "container", "platform", "operating-system", "device-driver", "firmware"})
_END = object()
_INCOMPLETE = frozenset({"incomplete", "incomplete_first_party_only", "incomplete_third_party_only"})


@dataclass(frozen=True, slots=True)
class Listed:
    """One component as a bill lists it."""

    name: str
    version: str | None
    purl: str | None
    scheme: str | None
    architecture: str | None
    namespace: str | None
    source: str | None
    source_version: str | None
    cpe: str | None
    supplier: str | None
    fixes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill of materials; `name` and `version` are of what it is about, `complete` is None where it does not say."""

    spec_version: str | None
    serial_number: str | None
    name: str | None
    version: str | None
    supplier: str | None
    created_at: datetime | None
    complete: bool | None
    components: tuple[Listed, ...]
    problems: tuple[str, ...]


def read_bill(document: object) -> Bill:
    """Read a bill of materials; raises ProtocolError when it is none."""
    bill = object_of(document)
    if bill.get("bomFormat") != "CycloneDX":
        raise ProtocolError("not CycloneDX: it has no bomFormat of that name")
    metadata = object_of(bill.get("metadata"))
    about = object_of(metadata.get("component"))
    listed: list[Listed] = []
    problems: list[str] = []
    nameless = 0
    for entry in _entries(bill.get("components"), problems):
        one = _listed(entry)
        if one is None:
            nameless += 1
        else:
            listed.append(one)
    if nameless:
        problems.append(f"{nameless} components without a name")
    complete = _complete(bill)
    if complete is False:
        problems.append("says of itself that it is not complete")
    return Bill(
        spec_version=_text(bill.get("specVersion")),
        serial_number=_text(bill.get("serialNumber")),
        name=_text(about.get("name")),
        version=_text(about.get("version")),
        supplier=_supplier(about) or _text(object_of(metadata.get("supplier")).get("name")),
        created_at=_moment(metadata.get("timestamp")),
        complete=complete,
        components=tuple(listed),
        problems=tuple(problems),
    )


def _entries(components: object, problems: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the components of software, those within others too, in the bill's order."""
    stack = [(iter(list_of(components)), 1)]
    count = 0
    while stack:
        entries, depth = stack[-1]
        entry = next(entries, _END)
        if entry is _END:
            stack.pop()
            continue
        count += 1
        if count > COMPONENTS_MAX:
            problems.append(f"more than {COMPONENTS_MAX} components: the rest was not read")
            return
        described = object_of(entry)
        if text_of(described.get("type", "library")) in SOFTWARE:
            yield described
        within = list_of(described.get("components"))
        if within and depth >= DEPTH_MAX:
            problems.append(f"components deeper than {DEPTH_MAX}, which were not read")
        elif within:
            stack.append((iter(within), depth + 1))


def _listed(entry: Mapping[str, Any]) -> Listed | None:
    name, version = _text(entry.get("name")), _text(entry.get("version"))
    if not name:
        return None
    purl = _purl(entry.get("purl"))
    qualifiers: dict[str, str] = dict(purl.qualifiers) if purl is not None and isinstance(purl.qualifiers, dict) else {}
    source, _, source_version = qualifiers.get("upstream", "").partition("@")  # as makers of bills name a source package
    scheme = scheme_for(purl.type) if purl is not None else None
    return Listed(
        name=name,
        version=version or (purl.version if purl is not None else None),
        purl=_kept(purl, qualifiers) if purl is not None else None,
        scheme=scheme.value if scheme else None,
        architecture=qualifiers.get("arch"),
        namespace=namespace_of_purl(purl) if purl is not None else None,
        source=source[:TEXT_MAX] if source and source != name and not source.endswith(".rpm") else None,
        source_version=source_version[:TEXT_MAX] if source_version and source_version != version else None,
        cpe=_text(entry.get("cpe")),
        supplier=_supplier(entry),
        fixes=_fixes(entry),
    )


def _purl(value: object) -> PackageURL | None:
    text = text_of(value)
    if not text:
        return None
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


def _kept(purl: PackageURL, qualifiers: Mapping[str, str]) -> str:
    """Write a package URL without its addresses, which may carry logins (law 8)."""
    kept = {name: value for name, value in qualifiers.items() if name in IDENTIFYING}
    return PackageURL(purl.type, purl.namespace, purl.name, purl.version, kept, purl.subpath).to_string()


def _supplier(entry: Mapping[str, Any]) -> str | None:
    named = (object_of(entry.get(key)).get("name") for key in ("supplier", "manufacturer"))
    return next((text for value in (*named, entry.get("publisher")) if (text := _text(value))), None)


def _fixes(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    patches = object_of(entry.get("pedigree")).get("patches")
    if not isinstance(patches, list):
        return None
    resolved = [object_of(issue) for patch in patches for issue in list_of(object_of(patch).get("resolves"))]
    names = {name for issue in resolved if issue.get("type") == "security" and (name := _text(issue.get("id")))}
    return tuple(sorted(names)[:FIXES_MAX])


def _complete(bill: Mapping[str, Any]) -> bool | None:
    """Say whether the bill calls itself complete: by a composition about all of it, or any that says it is not."""
    compositions = [object_of(one) for one in list_of(bill.get("compositions"))]
    if any(text_of(one.get("aggregate")) in _INCOMPLETE for one in compositions):
        return False
    whole = text_of(object_of(object_of(bill.get("metadata")).get("component")).get("bom-ref"))
    complete = [one for one in compositions if text_of(one.get("aggregate")) == "complete"]
    return True if any(_is_about(one, whole) for one in complete) else None


def _is_about(composition: Mapping[str, Any], whole: str | None) -> bool:
    """Tell whether a composition names nothing, so that it is about all, or names what the bill is about."""
    named = [text_of(one) for key in ("assemblies", "dependencies") for one in list_of(composition.get(key))]
    return not named or (whole is not None and whole in named)


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text_of(value) or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None and 1970 <= moment.year <= 9000 else None


def _text(value: object) -> str | None:
    text = (text_of(value) or "").strip()
    return text if 0 < len(text) <= TEXT_MAX else None
