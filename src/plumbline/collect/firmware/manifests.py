"""What source code asks for: the manifests in which a project names the packages that it is built of.

Not what is installed (`packages`, `ecosystems`). Rules: a version is told only where the manifest pins it; a range or nothing leaves it
open; a file that is not of its form raises ProtocolError.

| file | ecosystem | pinned by |
|---|---|---|
| requirements*.txt | python | name==version (PEP 508) |
| package-lock.json, npm-shrinkwrap.json | npm | every entry |
| go.mod | go | every `require` |
| *.csproj, packages.config, Directory.Packages.props | nuget | Version, where it is no range |
| platformio.ini | platformio | name@version, where it is no range |
| west.yml | west | revision, of Zephyr's projects |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from plumbline.collect.firmware.packages import PACKAGES_MAX, TEXT_MAX
from plumbline.collect.json_text import list_of, object_of, parse, text_of
from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.yaml_text import parse_yaml

FILE_MAX = 8 << 20
YAML_MAX = 256 << 10  # it is slow to parse
DEPTH_MAX = 60
PLACES = (
    (re.compile(r".*/requirements[^/]*\.txt"), "python"),
    (re.compile(r".*/(?:package-lock|npm-shrinkwrap)\.json"), "npm"),
    (re.compile(r".*/go\.mod"), "go"),
    (re.compile(r".*/(?:[^/]+\.(?:cs|fs|vb)proj|packages\.config|Directory\.Packages\.props)"), "nuget"),
    (re.compile(r".*/platformio\.ini"), "platformio"),
    (re.compile(r".*/west\.ya?ml"), "west"),
)
Asked = Iterator[tuple[str, str | None]]  # name and version
_REQUIREMENT = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,199})\s*(?:\[[^\]]{0,200}\])?\s*(?:===?\s*([A-Za-z0-9.!+_-]{1,100})(?:\s|;|#|\\|$))?"
)
_GO_REQUIRE = re.compile(r"(?m)^(?:require)?[ \t]{1,20}([^\s()]{1,512})[ \t]{1,20}(v[0-9][^\s]{0,200})")
_NUGET = re.compile(
    r"<(?:PackageReference|PackageVersion|package)\s([^<>]{1,2000})>(?:\s{0,200}<Version>([^<]{1,100})</Version>)?", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"\b(Include|Update|id|Version)\s{0,4}=\s{0,4}\"([^\"]{1,512})\"", re.IGNORECASE)
_LIBRARIES = re.compile(r"lib_deps\s{0,8}=")
_PLAIN_VERSION = re.compile(r"[0-9][0-9A-Za-z.+_-]{0,100}")


def read_manifest(data: bytes, ecosystem: str) -> list[tuple[str, str | None]]:
    """Give name and version of each package that a manifest asks for; raises ProtocolError."""
    if len(data) > FILE_MAX:
        raise ProtocolError(f"larger than {FILE_MAX >> 20} MB")
    found = []
    for name, version in _READERS[ecosystem](data):
        if 0 < len(name) <= TEXT_MAX and (version is None or len(version) <= TEXT_MAX):
            found.append((name, version))
        if len(found) > PACKAGES_MAX:
            raise ProtocolError(f"more than {PACKAGES_MAX} packages")
    return found


def _requirements(data: bytes) -> Asked:
    for line in data.decode("utf-8", "replace").splitlines():
        match = _REQUIREMENT.match(line.strip()[:1000])
        if match is not None:
            yield match[1], match[2]


def _npm(data: bytes) -> Asked:
    document = object_of(parse(data))
    for path, entry in object_of(document.get("packages")).items():  # since npm 7
        name = text_of(object_of(entry).get("name")) or path.rpartition("node_modules/")[2]
        if path and name and not object_of(entry).get("link"):
            yield name, text_of(object_of(entry).get("version"))
    if "packages" not in document:
        yield from _npm_tree(object_of(document.get("dependencies")), 0)


def _npm_tree(entries: Mapping[str, object], depth: int) -> Asked:
    for name, entry in entries.items():
        yield name, text_of(object_of(entry).get("version"))
        if depth < DEPTH_MAX:
            yield from _npm_tree(object_of(object_of(entry).get("dependencies")), depth + 1)


def _go(data: bytes) -> Asked:
    text = re.sub(r"//.*", "", data.decode("utf-8", "replace"))
    for block in re.split(r"(?m)^(?=(?:require|replace|exclude|retract|module|go|toolchain)\b)", text):
        if block.startswith("require"):
            for match in _GO_REQUIRE.finditer(block):
                yield match[1], match[2]


def _nuget(data: bytes) -> Asked:
    # Not parsed as XML: entities and namespaces of a hostile file are of no use here.
    for attributes, inner in _NUGET.findall(data.decode("utf-8", "replace")):
        told = {name.lower(): value for name, value in _ATTRIBUTE.findall(attributes)}
        name = told.get("include") or told.get("update") or told.get("id")
        if name:
            yield name, _plain(told.get("version") or inner)


def _platformio(data: bytes) -> Asked:
    inside = False
    for line in data.decode("utf-8", "replace").splitlines():
        setting = _LIBRARIES.match(line)
        inside = setting is not None or (inside and line[:1] in (" ", "\t"))
        for wanted in (line[setting.end() :] if setting else line).split(",") if inside else ():
            name, _, version = wanted.partition(";")[0].strip().partition("@")
            if name and not name.startswith(("$", "#")):
                yield name.strip(), _plain(version.strip())


def _west(data: bytes) -> Asked:
    if len(data) > YAML_MAX:
        raise ProtocolError(f"larger than {YAML_MAX >> 10} KB")
    document = next(parse_yaml(data.decode("utf-8", "replace")), None)
    for project in list_of(object_of(object_of(document).get("manifest")).get("projects")):
        name, revision = text_of(object_of(project).get("name")), text_of(object_of(project).get("revision"))
        if name:
            yield name, revision


def _plain(version: str | None) -> str | None:
    return version if version and _PLAIN_VERSION.fullmatch(version) else None


_READERS: Mapping[str, Callable[[bytes], Asked]] = {
    "python": _requirements,
    "npm": _npm,
    "go": _go,
    "nuget": _nuget,
    "platformio": _platformio,
    "west": _west,
}
