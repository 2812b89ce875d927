"""Who a component is: the keys under which feeds may name it, and how sure each is.

| key | made of | sure |
|---|---|---|
| ns:debian:12/openssl | namespace, and source package or name | yes: the distribution's own |
| purl:pkg:npm/ws | package URL without version | yes |
| cpe:a:openssl:openssl | CPE name | yes |
| cpe:..., vp:... | what `aliases.toml` knows under its name | by the table |
| vp:openssl:openssl | supplier and name, or the name as its own vendor's | by the name |

Not the matching (`matching`). Rules: names are compared in lower case, with `_` for spaces; a name alone is no key, for `core` is the name
of a hundred products.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from plumbline.model.errors import InternalError, ProtocolError
from plumbline.versions import Scheme, scheme_for
from plumbline.vulnerabilities.cpe import parse_cpe
from plumbline.vulnerabilities.namespaces import LANGUAGES, PACKAGE_TYPES, PACKAGED, is_distribution
from plumbline.vulnerabilities.reading import bare, purl_of

ALIASES = Path(__file__).with_name("aliases.toml")
_LANGUAGE_MANAGERS = frozenset({"python", "npm", "go", "nuget"})


class Sure(IntEnum):
    """How sure it is that a key names the component, the surest first."""

    OWN = 0  # the component carries it
    TABLE = 1  # the table of aliases says so
    NAME = 2  # its name and its vendor's are spelt alike


@dataclass(frozen=True, slots=True)
class Component:
    """What matching needs of a component; columns of the table `component`."""

    name: str
    version: str | None = None
    scheme: str | None = None
    manager: str = "string"
    confidence: str = "string"
    source: str | None = None
    source_version: str | None = None
    namespace: str | None = None
    purl: str | None = None
    cpe: str | None = None
    supplier: str | None = None
    fixes: tuple[str, ...] | None = None

    @property
    def packaged(self) -> bool:
        """Whether a distribution built it, which may have mended what upstream's version has."""
        purl = purl_of(self.purl)
        return self.manager in PACKAGED or is_distribution(self.namespace) or (purl is not None and purl.type in PACKAGE_TYPES)

    @property
    def of_language(self) -> bool:
        """Whether it is of a registry of one language, where names are other than those of the programs in a system."""
        purl = purl_of(self.purl)
        return self.manager in _LANGUAGE_MANAGERS or self.namespace in LANGUAGES or (purl is not None and purl.type in LANGUAGES)

    @property
    def package_scheme(self) -> Scheme | None:
        """The scheme of its own version."""
        purl = purl_of(self.purl)
        words = (self.scheme, self.manager, purl.type if purl else None)
        return next((scheme for word in words if word and (scheme := scheme_for(word)) is not None), None)


@dataclass(frozen=True, slots=True)
class Alias:
    """One entry of the table of aliases."""

    product: str
    names: tuple[str, ...]
    cpes: tuple[str, ...]
    vendors: tuple[str, ...] = ()
    scheme: Scheme | None = None


@cache
def load_aliases() -> tuple[Alias, ...]:
    """Every entry of the table; raises InternalError when it is not as it should be."""
    try:
        entries = tomllib.loads(ALIASES.read_text(encoding="utf-8"))
        return tuple(
            Alias(name, tuple(entry["names"]), tuple(entry["cpes"]), tuple(entry.get("vendors", ())), _scheme(entry.get("scheme")))
            for name, entry in entries.items()
        )
    except (KeyError, ValueError) as error:
        raise InternalError(f"{ALIASES.name}: {error!r}") from error


def _scheme(word: str | None) -> Scheme | None:
    return None if word is None else Scheme(word)


@cache
def _exact_and_patterns() -> tuple[Mapping[str, Alias], Sequence[tuple[str, Alias]]]:
    named = [(name, alias) for alias in load_aliases() for name in alias.names]
    return {name: alias for name, alias in named if "*" not in name}, [(name, alias) for name, alias in named if "*" in name]


def alias_of(component: Component) -> Alias | None:
    """Look a component up in the table of aliases: by its source package, then by its name."""
    exact, patterns = _exact_and_patterns()
    names = [name.lower() for name in (component.source, component.name) if name]
    for name in names:
        if name in exact:
            return exact[name]
    return next((alias for name in names for pattern, alias in patterns if fnmatchcase(name, pattern)), None)


def pair(vendor: str, product: str) -> str:
    """Write the key of a vendor and a product."""
    return f"vp:{_word(vendor)}:{_word(product)}"


def keys(component: Component) -> dict[str, Sure]:
    """Give the keys under which feeds may name a component, each with the surest way to it."""
    found: dict[str, Sure] = {}
    for key, sure in _keys(component):
        found[key] = min(sure, found.get(key, sure))
    return found


def _keys(component: Component) -> Iterator[tuple[str, Sure]]:
    names = dict.fromkeys(name.lower() for name in (component.source, component.name) if name)
    if component.namespace is not None:
        yield from ((f"ns:{component.namespace}/{name}", Sure.OWN) for name in names)
    purl = purl_of(component.purl)
    if purl is not None:
        yield f"purl:{bare(purl)}", Sure.OWN
    try:
        cpe = parse_cpe(component.cpe) if component.cpe else None
    except ProtocolError:
        cpe = None
    if cpe is not None:
        yield f"cpe:{cpe.key}", Sure.OWN
        yield pair(cpe.vendor, cpe.product), Sure.OWN
    alias = alias_of(component)
    if alias is not None:
        for key in alias.cpes:
            yield f"cpe:{key}", Sure.TABLE
            yield pair(*key.split(":")[1:3]), Sure.TABLE
        yield from ((pair(*vendor.split(":")), Sure.TABLE) for vendor in alias.vendors)
    for name in names:
        yield f"cpe:a:{name}:{name}", Sure.NAME
        yield pair(name, name), Sure.NAME
    if component.supplier:
        yield pair(component.supplier, component.name), Sure.NAME


def _word(text: str) -> str:
    return re.sub(r"\s+", "_", text.strip().lower())
