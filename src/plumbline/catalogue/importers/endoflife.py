"""endoflife.date: until when software, and some devices, are supported.

| form | told by | product's name |
|---|---|---|
| API v1, one or all products | `schema_version`, `result` | `name` |
| API before it, one product | a list of cycles with `eol` | the file's name: `debian.json` |
| the site's source | YAML front matter with `releases`, `permalink`; as files, or as JSON lines `{path, md}` | `permalink` |

| theirs | ours |
|---|---|
| name, releaseCycle, cycle | cycle |
| releaseDate | available_at |
| latest, latestReleaseDate | latest, latest_at |
| eol, isEol, eolFrom | security_ends_at; true or false without a date: ended |
| eoes, isEoes, eoesFrom (extended, mostly paid support) | ends_at; else as eol |
| discontinued, discontinuedFrom | sales_end_at |

Not a list of releases: it names the newest of each branch and no other. Rules: templates of the site are not expanded: a value that holds
one (`__LATEST_RELEASE__`) is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import yaml

from plumbline.catalogue import values
from plumbline.catalogue.documents import Document
from plumbline.catalogue.facts import AsOf, Product, Support, Unread
from plumbline.catalogue.importer import Importer, Read
from plumbline.catalogue.names import identifier, plain, product_key
from plumbline.model.errors import ProtocolError

FRONT_MATTER_MAX = 1 << 20
CYCLES_MAX = 5_000
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_PERMALINK = re.compile(r"^permalink:\s*/", re.MULTILINE)
_URL = "https://endoflife.date/"
_YAML: Any = yaml  # its types do not hold under --strict


class _Loader(_YAML.SafeLoader):  # type: ignore[misc]
    """YAML without aliases, a few lines of which can stand for gigabytes, and without numbers: 3.10 is a branch, not 3.1."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, Any]]]] = {
        first: [(tag, pattern) for tag, pattern in some if tag.rpartition(":")[2] not in ("float", "int")]
        for first, some in _YAML.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(_YAML.events.AliasEvent):
            raise _YAML.YAMLError("an alias, which no page of this site needs")
        return super().compose_node(parent, index)


class Reader(Importer):
    """Reads the three forms."""

    title: ClassVar[str] = "endoflife.date"
    licence: ClassVar[str] = "MIT"

    def takes(self, document: Document) -> bool:
        """One of the forms of the docstring."""
        head = document.data[:65_536].decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
        if head.startswith("---"):
            return "\nreleases:" in document.data.decode("utf-8", "replace") and _PERMALINK.search(head) is not None
        if head.startswith("["):
            return '"eol"' in head and '"cycle"' in head
        return head.startswith("{") and (('"schema_version"' in head and '"result"' in head) or ('"md"' in head and '"path"' in head))

    def read(self, document: Document) -> Iterator[Read]:
        """One product, and one support period for each of its branches."""
        if not document.looks_like_json:
            yield from _page(document.name, document.text)
        elif document.data[:65_536].find(b'"schema_version"') >= 0:
            yield from _answer(document)
        elif document.data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"[":
            yield from _product(document.name, document.stem, {"releases": document.json})
        else:
            yield from _lines(document)


def _lines(document: Document) -> Iterator[Read]:
    for where, record in document.json_lines():
        if isinstance(record, ProtocolError):
            yield Unread(where, str(record))
        elif isinstance(record, dict) and isinstance(record.get("md"), str):
            try:
                yield from _page(where, record["md"])
            except ProtocolError as error:
                yield Unread(f"{where} ({values.text(record.get('path'))})", str(error))
        else:
            yield Unread(where, "no object with path and md")


def _page(where: str, text: str) -> Iterator[Read]:
    match = _FRONT.match(text[:FRONT_MATTER_MAX].lstrip("\ufeff"))
    if match is None:
        raise ProtocolError("no YAML front matter between --- lines")
    try:
        page = _YAML.load(match[1], _Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ProtocolError(f"its front matter is not YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(page, dict):
        raise ProtocolError("its front matter is no mapping")
    yield from _product(where, (values.text(page.get("permalink")) or "").strip("/"), page)


def _answer(document: Document) -> Iterator[Read]:
    answer = values.obj(document.json)
    if moment := values.moment(answer.get("generated_at")):
        yield AsOf(moment)
    result = answer.get("result")
    for number, entry in enumerate(result if isinstance(result, list) else [result], 1):
        where = f"{document.name}, product {number}"
        yield from _product(where, values.text(values.obj(entry).get("name")) or "", values.obj(entry))


def _product(where: str, name: str, page: Mapping[str, Any]) -> Iterator[Read]:
    try:
        key = product_key(None, name)
    except ValueError as error:
        yield Unread(where, str(error))
        return
    if not isinstance(page.get("releases"), list):
        yield Unread(where, f"{name}: no list of releases")
        return
    others = [values.text(one) for one in (*values.items(page.get("alternate_urls")), *values.items(page.get("aliases")))]
    known = tuple(_identifiers(values.items(page.get("identifiers"))))
    yield Product(
        product=key,
        vendor=next((one.split(":")[2] for one in known if one.startswith("cpe:")), None),
        model=name,
        title=values.text(page.get("title")) or values.text(page.get("label")),
        aliases=values.distinct(plain(one.strip("/")) for one in others if one),
        identifiers=values.distinct((f"endoflife:{key}", *known)),
        device_class=values.text(page.get("category")),
        url=_URL + name,
    )
    for number, entry in enumerate(page["releases"][:CYCLES_MAX], 1):
        place = f"{where}, {name}, release {number}"
        cycle = _word(entry, "name", "releaseCycle", "cycle") if isinstance(entry, dict) else None
        if cycle is None:
            yield Unread(place, "names no release cycle")
        else:
            yield _support(key, cycle, entry)


def _identifiers(found: list[Any]) -> Iterator[str]:
    for entry in found:
        pairs = (
            entry.items()
            if isinstance(entry, dict) and "type" not in entry
            else [(values.obj(entry).get("type"), values.obj(entry).get("id"))]
        )
        for kind, name in pairs:
            if kind in ("cpe", "purl") and (word := values.text(name)):
                yield identifier(word)


def _support(key: str, cycle: str, entry: Mapping[str, Any]) -> Support:
    newest = values.obj(entry.get("latest"))
    latest = values.text(newest.get("name")) or _word(entry, "latest")
    end, over = _when(entry, "eol", "isEol", "eolFrom")
    extended, _ = _when(entry, "eoes", "isEoes", "eoesFrom")
    discontinued, _ = _when(entry, "discontinued", "isDiscontinued", "discontinuedFrom")
    return Support(
        product=key,
        cycle=cycle,
        latest=latest if latest and "__" not in latest else None,
        latest_at=values.moment(newest.get("date") or entry.get("latestReleaseDate")),
        available_at=values.moment(entry.get("releaseDate")),
        sales_end_at=discontinued,
        security_ends_at=end,
        ends_at=extended or end,
        ended=None if end else over,
    )


def _word(entry: Mapping[str, Any], *names: str) -> str | None:
    """Give the first of some values as text; an old answer may have a branch as an integer."""
    found = next((entry[name] for name in names if entry.get(name) is not None), None)
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else values.text(found)


def _when(entry: Mapping[str, Any], name: str, flag: str, date: str) -> tuple[Any, bool | None]:
    """Read an end that is a date, or only said to have come or not."""
    moment = values.moment(entry.get(date)) or values.moment(None if isinstance(entry.get(name), bool) else entry.get(name))
    said = entry.get(name) if isinstance(entry.get(name), bool) else entry.get(flag)
    return moment, said if isinstance(said, bool) else None
