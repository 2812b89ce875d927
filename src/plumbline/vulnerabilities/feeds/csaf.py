"""CSAF 2.0: advisories and VEX documents of vendors and coordinators.

    document: category, csaf_version, publisher {category, name}, tracking {id, status, current_release_date, ...}, distribution.tlp
    product_tree: branches (vendor > product_name > product_version | product_version_range ...), full_product_names, relationships
    vulnerabilities: cve | ids, title, cwe, product_status, remediations, scores, flags, threats

Source: CSAF 2.0 (OASIS Standard, 18 November 2022). Rules:

| given | meant |
|---|---|
| publisher of category `vendor`, or a VEX of anyone | the vendor's word (origin csaf) |
| any other publisher | a coordinator's (origin coordinator) |
| `product_version` | that version; authors list several or write ranges into it, so it is read as text |
| `product_version_range` | a vers: URI, or the vendor's words |
| relationship `installed_on` | must run on the other product |
| relationships of components | the component as that product has it: of a distribution, in its namespace, or else within the product |
| `recommended` | no statement about what is affected: it goes into the remedy of the others |

Remediations, scores, flags and threats belong to the products that they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.cpe import NONE, Cpe, parse_cpe
from plumbline.vulnerabilities.facts import Affected, Origin, Record, Status, Vulnerability
from plumbline.vulnerabilities.feed import Feed, Read
from plumbline.vulnerabilities.namespaces import namespace_of_cpe, namespace_of_purl
from plumbline.vulnerabilities.ranges import EVERY, Range, of_text
from plumbline.vulnerabilities.reading import (
    ROWS_MAX,
    bare,
    cve_of,
    cwes_of,
    list_of,
    moment_of,
    name_of,
    names_of,
    needed,
    object_of,
    objects_of,
    plain_of,
    purl_of,
    text_of,
)
from plumbline.vulnerabilities.scores import newest, score_in

DEPTH_MAX = 32
PRODUCTS_MAX = 100_000
_STATUSES = {
    "known_affected": Status.AFFECTED,
    "first_affected": Status.AFFECTED,
    "last_affected": Status.AFFECTED,
    "fixed": Status.FIXED,
    "first_fixed": Status.FIXED,
    "known_not_affected": Status.NOT_AFFECTED,
    "under_investigation": Status.INVESTIGATED,
}
_REMEDIES = ("vendor_fix", "workaround", "mitigation", "none_available", "no_fix_planned")  # the best first
_SHARED = {"green": "green", "amber": "amber", "amber+strict": "amber+strict", "red": "red"}
_COMPONENT_OF = ("default_component_of", "external_component_of", "optional_component_of", "installed_with")


@dataclass(frozen=True, slots=True)
class _Product:
    """One product of the tree, with the branches above it."""

    name: str
    vendor: str | None = None
    version: str | None = None  # as the tree writes it, a range perhaps
    helper: Mapping[str, Any] = field(default_factory=dict)
    hardware: str | None = None
    namespace: str | None = None

    @property
    def cpe(self) -> Cpe | None:
        """Its CPE name, when it has one."""
        try:
            return parse_cpe(name_of(self.helper.get("cpe")) or "")
        except ProtocolError:
            return None

    def identifiers(self) -> tuple[str, ...] | None:
        """Its other names."""
        words = [f"model:{name}" for name in names_of(self.helper.get("model_numbers"))]
        words += [f"serial:{name}" for name in names_of(self.helper.get("serial_numbers"))]
        words += [f"sku:{name}" for name in names_of(self.helper.get("skus"))]
        for entry in objects_of(self.helper.get("hashes")):
            for digest in objects_of(entry.get("file_hashes")):
                algorithm, value = name_of(digest.get("algorithm")), name_of(digest.get("value"))
                words += [f"{algorithm.lower()}:{value.lower()}"] if algorithm and value else []
        return tuple(words) or None


def _is_csaf(value: Any) -> bool:
    return isinstance(value, dict) and "csaf_version" in object_of(value.get("document"))


def _read(value: Any) -> Read:
    document = object_of(value.get("document"))
    if document.get("csaf_version") != "2.0":
        raise ProtocolError(f"is of CSAF {name_of(document.get('csaf_version'))}; 2.0 can be read")
    tracking, publisher = object_of(document.get("tracking")), object_of(document.get("publisher"))
    key = needed(name_of(tracking.get("id")), "tracking id")
    origin = Origin.CSAF if publisher.get("category") == "vendor" or document.get("category") == "csaf_vex" else Origin.COORDINATOR
    products = _products(object_of(value.get("product_tree")))
    tlp = object_of(object_of(document.get("distribution")).get("tlp")).get("label")
    common = {"origin": origin, "tlp": _SHARED.get(str(tlp).lower())}
    vulnerabilities, affected = [], list[Affected]()
    for number, entry in enumerate(objects_of(value.get("vulnerabilities"))):
        name = cve_of(entry.get("cve")) or next(_ids(entry), None) or f"{key}/{number}"
        vulnerabilities.append(_vulnerability(name, entry, tracking, origin))
        affected += _statements(name, entry, products, common)
        if len(affected) > ROWS_MAX:
            raise ProtocolError(f"makes more than {ROWS_MAX} statements, more than any advisory")
    yield Record(
        key=key,
        dated_at=moment_of(tracking.get("current_release_date")),
        provider=name_of(publisher.get("name")) or "",
        vulnerabilities=tuple(vulnerabilities),
        affected=tuple(dict.fromkeys(affected)),
    )


def _ids(entry: dict[str, Any]) -> Iterator[str]:
    return (text for item in objects_of(entry.get("ids")) if (text := name_of(item.get("text"))) is not None)


def _products(tree: dict[str, Any]) -> dict[str, _Product]:
    """Name every product of a tree by its id; raises ProtocolError for a tree that is larger than any."""
    found: dict[str, _Product] = {}
    waiting: list[tuple[dict[str, Any], _Product, int]] = [(branch, _Product(""), 0) for branch in objects_of(tree.get("branches"))]
    while waiting:
        branch, above, depth = waiting.pop()
        if depth > DEPTH_MAX or len(waiting) + len(found) > PRODUCTS_MAX:
            raise ProtocolError("has a product tree that is deeper or larger than any")
        here = _below(above, str(branch.get("category")), name_of(branch.get("name")))
        _take(found, object_of(branch.get("product")), here)
        waiting += [(child, here, depth + 1) for child in objects_of(branch.get("branches"))]
    for product in objects_of(tree.get("full_product_names")):
        _take(found, product, _Product(""))
    for relationship in objects_of(tree.get("relationships")):
        _relate(found, relationship)
    return found


def _below(above: _Product, category: str, name: str | None) -> _Product:
    if name is None:
        return above
    if category == "vendor":
        return replace(above, vendor=name)
    if category in ("product_version", "product_version_range", "patch_level", "service_pack"):
        return replace(above, version=name if category.startswith("product") else " ".join(filter(None, (above.version, name))))
    if category == "product_name":
        return replace(above, name=name)
    return above if above.name else replace(above, name=name)


def _take(found: dict[str, _Product], product: dict[str, Any], here: _Product) -> None:
    identity = name_of(product.get("product_id"))
    if identity is not None and len(found) < PRODUCTS_MAX:
        name = here.name or name_of(product.get("name")) or identity
        found[identity] = replace(here, name=name, helper=object_of(product.get("product_identification_helper")))


def _relate(found: dict[str, _Product], relationship: dict[str, Any]) -> None:
    """Add the product that a relationship of two others makes; without the first there is none."""
    one = found.get(name_of(relationship.get("product_reference")) or "")
    other = found.get(name_of(relationship.get("relates_to_product_reference")) or "")
    product = object_of(relationship.get("full_product_name"))
    identity = name_of(product.get("product_id"))
    if one is None or identity is None or len(found) >= PRODUCTS_MAX:
        return
    helper = {**one.helper, **object_of(product.get("product_identification_helper"))}
    namespace = namespace_of_cpe(other.cpe) if other is not None and relationship.get("category") in _COMPONENT_OF else None
    where = (other.name if other is not None else name_of(product.get("name")) or identity) if namespace is None else None
    found[identity] = replace(one, helper=helper, hardware=where, namespace=namespace)


def _statements(name: str, entry: dict[str, Any], products: Mapping[str, _Product], common: Mapping[str, Any]) -> Iterator[Affected]:
    remedies, reasons = _remedies(entry), _reasons(entry)
    for word, status in _STATUSES.items():
        for identity in names_of(object_of(entry.get("product_status")).get(word)):
            product = products.get(identity, _Product(identity))
            for meant in _meant(product):
                yield Affected(
                    vulnerability=name,
                    status=status,
                    remedy=remedies.get(identity) or remedies.get(""),
                    justification=reasons.get(identity) if status is Status.NOT_AFFECTED else None,
                    fixed_in=meant.upper if status is Status.AFFECTED and meant.upper_closed is False else None,
                    **_named(product),
                    **meant.columns(),
                    **common,
                )


def _named(product: _Product) -> dict[str, Any]:
    purl, cpe = purl_of(product.helper.get("purl")), product.cpe
    return {
        "vendor": plain_of(product.vendor) or (cpe.vendor if cpe else None),
        "product": plain_of(product.name) or product.name,
        "purl": bare(purl) if purl else None,
        "cpe": cpe.key if cpe else None,
        "namespace": product.namespace or (namespace_of_purl(purl) if purl else None),
        "hardware": (product.hardware,) if product.hardware else None,
        "identifiers": product.identifiers(),
    }


def _meant(product: _Product) -> Iterable[Range]:
    """Tell which versions a product of the tree stands for."""
    purl, cpe = purl_of(product.helper.get("purl")), product.cpe
    if purl is not None and purl.version:
        return [Range(versions=(purl.version,))]
    if product.version is not None:
        return of_text(product.version)
    return [Range(versions=(cpe.version,))] if cpe is not None and cpe.version not in (None, NONE) else [EVERY]


def _remedies(entry: dict[str, Any]) -> dict[str, str]:
    """Give the best remedy of each product, by its id; '' is for those that a remedy names by groups or not at all."""
    found: dict[str, tuple[int, str]] = {}
    for item in objects_of(entry.get("remediations")):
        category = str(item.get("category"))
        text = text_of(item.get("details")) or text_of(item.get("url"))
        if category not in _REMEDIES or text is None:
            continue
        ranked = (_REMEDIES.index(category), f"{category}: {text}")
        for identity in names_of(item.get("product_ids")) or ("",):
            found[identity] = min(ranked, found.get(identity, ranked), key=lambda pair: pair[0])
    return {identity: text for identity, (_, text) in found.items()}


def _reasons(entry: dict[str, Any]) -> dict[str, str]:
    """Give why each product is not affected: the label of a flag, else the impact that a threat states."""
    found: dict[str, str] = {}
    for threat in objects_of(entry.get("threats")):
        text = text_of(threat.get("details"))
        if threat.get("category") == "impact" and text is not None:
            found |= dict.fromkeys(names_of(threat.get("product_ids")), text)
    for flag in objects_of(entry.get("flags")):
        label = name_of(flag.get("label"))
        if label is not None:
            found |= dict.fromkeys(names_of(flag.get("product_ids")), label)
    return found


def _vulnerability(name: str, entry: dict[str, Any], tracking: dict[str, Any], origin: Origin) -> Vulnerability:
    given = (score_in(item.get(key)) for item in objects_of(entry.get("scores")) for key in ("cvss_v3", "cvss_v2"))
    best = newest(sorted((score for score in given if score is not None), key=attrgetter("score"), reverse=True))
    notes = (note.get("text") for note in objects_of(entry.get("notes")) if note.get("category") in ("description", "summary"))
    return Vulnerability(
        id=name,
        aliases=tuple(other for other in _ids(entry) if other != name) or None,
        title=text_of(entry.get("title")) or text_of(next(notes, None)),
        published_at=moment_of(entry.get("release_date")) or moment_of(tracking.get("initial_release_date")),
        modified_at=moment_of(tracking.get("current_release_date")),
        cvss=best.vector if best else None,
        score=best.score if best else None,
        scored_by=("vendor" if origin is Origin.CSAF else str(origin)) if best else None,
        cwes=cwes_of([object_of(entry.get("cwe")).get("id"), *(cwe.get("id") for cwe in objects_of(list_of(entry.get("cwes"))))]),
    )


FEED = Feed("csaf", "csaf", "CSAF advisories", recognises=_is_csaf, values=_read)
