"""What an image consists of, into the table component: packages of its databases, of languages, and what says so of itself.

Not the forms of databases (`packages`, `rpm_databases`, `ecosystems`, `manifests`), nor of strings (`component_strings`). Rules:

- A package database is the best witness. Of Debian's packages the changelog tells what was mended; packages of one source share it.
- What a package's own list calls its files is told by that package: languages' packages in them are not told again, nor a program's word
  of a version that is another than the database's. A component that no package is named after is told wherever it says so.
- A kernel is told by its banner; where there is none, by the folder of its modules; not at all where a package is that kernel.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from plumbline.collect.distribution import UNKNOWN, Distribution
from plumbline.collect.firmware import changelogs, manifests
from plumbline.collect.firmware.component_strings import Said
from plumbline.collect.firmware.contents import Contents
from plumbline.collect.firmware.distribution import distribution
from plumbline.collect.firmware.ecosystems import PLACES, read_package
from plumbline.collect.firmware.packages import DATABASES, FILES, NOT_READ, Package, files_of, read_control, read_packages
from plumbline.collect.firmware.rpm_databases import DATABASE_MAX as RPM_MAX
from plumbline.collect.firmware.rpm_databases import PLACE as RPM_PLACE
from plumbline.collect.firmware.rpm_databases import blobs
from plumbline.collect.firmware.rpm_headers import read_header
from plumbline.collect.firmware.tree import Entry, Tree
from plumbline.collect.firmware.unpack import Layer
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Outcome
from plumbline.versions import Scheme, scheme_for, upstream

TABLE = "component"
TEXT_DATABASE_MAX = 64 << 20
ROWS_MAX = 200_000  # of packages in one image
FILES_MAX = 1_000_000
_BANNER = re.compile(r"Linux version ([0-9]{1,3}(?:\.[0-9]{1,5}){1,2}(?:-rc[0-9]{1,2})?)\S*(?: .* #.*\bDebian ([0-9][\w.+~-]{0,60}))?")
_MODULES = re.compile(r"(?:/usr)?/lib/modules/(([0-9]{1,3}(?:\.[0-9]{1,5}){1,2})[^/]{0,100})/(?:kernel|modules\.[^/]+|[^/]+\.ko)")
_KERNEL_NAME = re.compile(r"(?:linux|kernel)(?:-(?:image|core|lts|virt|rpi|signed)\b.*)?")
_VARIANT = re.compile(r"(?:-udeb|t64|-(?:bin|common|minimal))$")


class Components:
    """The components of one image, told once each."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._told: list[Package] = []
        self._found = False
        self._said: set[tuple[str, str, str]] = set()
        self._debian = "debian"  # with its release, once that is known

    def packages(self) -> None:
        """Write the packages of every database and of every language, and say where there is no database at all."""
        for layer, tree in self._contents.trees:
            read = self._contents.reader(layer, TABLE)
            system = distribution(tree, read)
            if system.id == "debian" and system.release:
                self._debian = f"debian:{system.release}"
            found = [*self._texts(layer, tree), *self._rpm(layer, tree)]
            self._changelogs(layer, tree, found)
            for entry, package in found:
                self._row(layer, entry, system, package)
            for pattern, what in NOT_READ:
                for path in filter(pattern.fullmatch, tree.entries):
                    self._found = True
                    shown = self._contents.shown(layer, path)
                    self._contents.fell_short([f"{what} is not read"], shown, TABLE, outcome=Outcome.NOT_SUPPORTED)
            self._languages(layer, tree)
            self._manifests(layer, tree)
        if not self._found and self._contents.trees:
            said = f"{self._contents.asked.name}: the image holds no package database"
            self._contents.sink.short(Outcome.NOT_SUPPORTED, said, TABLE)

    def kernels(self) -> None:
        """Write the kernels that show themselves."""
        banners = [
            (layer, fact.removeprefix("banner="))
            for layer in self._contents.layers
            if layer.opened
            for fact in [layer.opened.header.facts.get("banner", "")]
            if fact
        ]
        for layer, banner in banners:
            match = _BANNER.match(banner)
            if match is not None and not self._is_packaged_kernel(match[1], banner.split()[2]):
                self._kernel(match[2] or match[1], "deb" if match[2] else "kernel", "banner", layer, layer.path or None)
        if banners:
            return
        for layer, tree in self._contents.trees:
            for path in tree.entries:
                match = _MODULES.fullmatch(path)
                if match is not None and not self._is_packaged_kernel(match[2], match[1]):
                    self._kernel(match[2], "kernel", "string", layer, self._contents.shown(layer, posixpath.dirname(path)))

    def said(self, layer: Layer, entry: Entry | None, found: Sequence[Said], start: int = 0) -> None:
        """Write what a program, or bytes alone that begin at `start` of their layer, say to hold, unless a package says it."""
        place = self._contents.shown(layer, entry.path) if entry is not None else layer.path
        for one in found:
            key = (one.known.name, one.version, layer.path)
            if key in self._said or self._is_packaged(one, layer, entry):
                continue
            self._said.add(key)
            at = self._contents.place(layer, entry) if entry is not None else self._contents.spot(layer, start + one.offset)
            self._contents.row(
                TABLE,
                f"component/{one.known.name}",
                at=at,
                name=one.known.name,
                version=one.version,
                scheme=one.known.scheme.value,
                manager="string",
                confidence="string",
                cpe=one.known.cpe_of(one.version),
                path=place or None,
            )

    def modules(self, layer: Layer, entry: Entry, packages: Sequence[Package]) -> None:
        """Write the modules that a Go program was built of, unless a package holds the program."""
        if not self.is_owned(layer, entry):
            for package in packages:
                self._row(layer, entry, UNKNOWN, package)

    def is_owned(self, layer: Layer, entry: Entry) -> bool:
        """Tell whether a package's list names a file."""
        return entry.path in self._owned.get(layer.path, frozenset())

    def _texts(self, layer: Layer, tree: Tree) -> Iterator[tuple[Entry, Package]]:
        for pattern, manager in DATABASES:
            for entry in dict.fromkeys(entry for entry, _ in self._contents.matching(tree, pattern)):
                text = self._contents.text(layer, entry, TABLE, TEXT_DATABASE_MAX)
                if text is None:
                    continue
                self._found = True
                packages, problems = read_packages(text, manager)
                self._contents.fell_short(problems, self._contents.shown(layer, entry.path), TABLE)
                for package in packages:
                    yield entry, self._controlled(layer, tree, entry, package) if manager == "opkg" else package

    def _controlled(self, layer: Layer, tree: Tree, entry: Entry, package: Package) -> Package:
        control = tree.resolve(f"{posixpath.dirname(entry.path)}/info/{package.name}.control")
        text = self._contents.text(layer, control, TABLE) if control is not None and control.kind == "file" else None
        return package if text is None else read_control(text, package)

    def _rpm(self, layer: Layer, tree: Tree) -> Iterator[tuple[Entry, Package]]:
        for entry in dict.fromkeys(entry for entry, _ in self._contents.matching(tree, RPM_PLACE)):
            path = self._contents.shown(layer, entry.path)
            if entry.size > RPM_MAX:
                self._contents.fell_short([f"larger than {RPM_MAX >> 20} MB"], path, TABLE)
                continue
            data = self._contents.content(layer, entry, RPM_MAX, TABLE)
            if data is None:
                continue
            self._found = True
            try:
                for number, blob in enumerate(blobs(data), 1):
                    try:
                        package = read_header(blob)
                    except ProtocolError as error:
                        self._contents.fell_short([f"package {number}: {error}"], path, TABLE)
                    else:
                        if package.name != "gpg-pubkey":  # a key that packages are signed with, kept as one
                            yield entry, package
            except ProtocolError as error:
                self._contents.fell_short([str(error)], path, TABLE)

    def _changelogs(self, layer: Layer, tree: Tree, found: list[tuple[Entry, Package]]) -> None:
        """Add what Debian's changelogs say was mended: a package's own, or that of another of the same source and version."""
        by_source: dict[tuple[str, str], tuple[str, ...]] = {}
        keys = [(package.source or package.name, package.source_version or package.version) for _, package in found]
        for (_, package), key in zip(found, keys, strict=True):
            if package.manager == "dpkg" and key not in by_source:
                fixes = self._mended(layer, tree, package.name, key[1])
                if fixes is not None:
                    by_source[key] = fixes
        found[:] = [(entry, replace(one, fixes=by_source.get(key, one.fixes))) for (entry, one), key in zip(found, keys, strict=True)]

    def _mended(self, layer: Layer, tree: Tree, name: str, version: str) -> tuple[str, ...] | None:
        for place in changelogs.places(name):
            entry = tree.resolve(place)
            data = (
                self._contents.content(layer, entry, changelogs.PACKED_MAX, TABLE) if entry is not None and entry.kind == "file" else None
            )
            if data is None or entry is None:
                continue
            try:
                return changelogs.mended(changelogs.unpacked(data), version)
            except ProtocolError as error:
                self._contents.fell_short([str(error)], self._contents.shown(layer, entry.path), TABLE)
        return None

    def _languages(self, layer: Layer, tree: Tree) -> None:
        for pattern, manager in PLACES:
            for entry, _ in self._contents.matching(tree, pattern):
                if self.is_owned(layer, entry):
                    continue
                data = self._contents.content(layer, entry, 1 << 20, TABLE)
                try:
                    package = read_package(data, manager) if data is not None else None
                except ProtocolError as error:
                    self._contents.fell_short([str(error)], self._contents.shown(layer, entry.path), TABLE)
                else:
                    if package is not None:
                        self._row(layer, entry, UNKNOWN, package)

    def _manifests(self, layer: Layer, tree: Tree) -> None:
        """Write what source code in the image asks for, unless a package of that name is there."""
        there = {(package.manager, package.name.lower()) for package in self._told}
        for pattern, manager in manifests.PLACES:
            for entry, _ in self._contents.matching(tree, pattern):
                if self.is_owned(layer, entry) or "/node_modules/" in entry.path:
                    continue
                data = self._contents.content(layer, entry, manifests.FILE_MAX + 1, TABLE)
                try:
                    asked = manifests.read_manifest(data, manager) if data is not None else []
                except ProtocolError as error:
                    self._contents.fell_short([str(error)], self._contents.shown(layer, entry.path), TABLE)
                    continue
                for name, version in dict.fromkeys(asked):
                    if (manager, name.lower()) not in there:
                        self._row(layer, entry, UNKNOWN, Package(name, version or "", manager), confidence="manifest")

    def _row(self, layer: Layer, entry: Entry, system: Distribution, package: Package, confidence: str = "database") -> None:
        if len(self._told) >= ROWS_MAX:
            self._contents.fell_short([f"more than {ROWS_MAX} packages"], self._contents.shown(layer, entry.path), TABLE)
            return
        self._told.append(package)
        scheme = scheme_for(package.manager)
        self._contents.row_of(
            TABLE,
            layer,
            entry,
            f"component/{package.name}",
            name=package.name,
            version=package.version or None,
            scheme=scheme.value if scheme else None,
            architecture=package.architecture,
            manager=package.manager,
            confidence=confidence,
            source=package.source,
            source_version=package.source_version,
            namespace=system.namespace(package),
            purl=system.purl(package),
            cpe=package.cpe,
            supplier=package.supplier,
            fixes=None if package.fixes is None else list(package.fixes),
        )

    def _kernel(self, version: str, scheme: str, confidence: str, layer: Layer, path: str | None) -> None:
        key = ("linux", version, "")
        if key in self._said:
            return
        self._said.add(key)
        plain = version.partition("-")[0]
        self._contents.row(
            TABLE,
            "component/linux",
            at=layer.source.place if layer.source.place is not None else self._contents.around(layer),
            name="linux",
            version=version,
            scheme=scheme,
            manager="kernel",
            confidence=confidence,
            namespace=self._debian if scheme == "deb" else None,
            cpe=f"cpe:2.3:o:linux:linux_kernel:{plain}:*:*:*:*:*:*:*",
            path=path,
        )

    def _is_packaged_kernel(self, version: str, release: str) -> bool:
        for package in self._told:
            if release in package.name:
                return True
            if _KERNEL_NAME.fullmatch(package.source or package.name) and _agrees(package, version):
                return True
        return False

    def _is_packaged(self, said: Said, layer: Layer, entry: Entry | None) -> bool:
        alike = [package for name in said.known.packages for package in self._by_name.get(name, ())]
        if not alike:
            return False
        return any(_agrees(package, said.version) for package in alike) or (entry is not None and self.is_owned(layer, entry))

    @cached_property
    def _by_name(self) -> dict[str, list[Package]]:
        """The packages of databases by their names and their sources', without what marks a variant; once all are told."""
        found: dict[str, list[Package]] = {}
        for package in self._told:
            names = {package.name, package.source or package.name}
            for name in names | {_VARIANT.sub("", name) for name in names}:
                found.setdefault(name, []).append(package)
        return found

    @cached_property
    def _owned(self) -> dict[str, set[str]]:
        """The files that packages' lists name, by layer, links among them followed."""
        found: dict[str, set[str]] = {}
        for layer, tree in self._contents.trees:
            folders: dict[str, str] = {}
            owned = found.setdefault(layer.path, set())
            for pattern, manager in FILES:
                for entry, _ in self._contents.matching(tree, pattern):
                    for path in files_of(self._contents.text(layer, entry, TABLE, TEXT_DATABASE_MAX) or "", manager):
                        folder, name = posixpath.split(path)
                        if folder not in folders:
                            held = tree.resolve(folder)
                            folders[folder] = held.path if held is not None else folder
                        owned.add(f"{folders[folder].rstrip('/')}/{name}")
                        if len(owned) >= FILES_MAX:
                            return found
        return found


def _agrees(package: Package, version: str) -> bool:
    """Tell whether a package is made from a version of upstream's, as far as that is told: 1.2.13.dfsg from 1.2.13."""
    for own in (package.version, package.source_version):
        made = upstream(own, scheme_for(package.manager) or Scheme.FIRMWARE) if own else None
        if made and (made == version or re.match(re.escape(version) + r"(?![0-9])", made)):
            return True
    return False
