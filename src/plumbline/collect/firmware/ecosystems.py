"""Packages of languages, as their own managers wrote them into an image: Python, npm, Go.

Not what code asks for (`manifests`): these are there. Rules: each file is bounded before it is parsed; a file that is not of its form gives
nothing, or raises ProtocolError.

| manager | file | form |
|---|---|---|
| python | *.dist-info/METADATA, *.egg-info/PKG-INFO, *.egg-info | header fields (PyPA core metadata) |
| npm | node_modules/**/package.json | JSON: name, version |
| go | any program that Go linked | build information (debug/buildinfo): magic; at 15 flags; with flag 2, at 32, two texts |
"""

from __future__ import annotations

import re

from plumbline.collect.firmware.packages import PACKAGES_MAX, TEXT_MAX, Package
from plumbline.collect.json_text import object_of, parse, text_of
from plumbline.model.errors import ProtocolError

PLACES = (
    (re.compile(r".*\.dist-info/METADATA|.*\.egg-info(?:/PKG-INFO)?"), "python"),
    (re.compile(r".*/node_modules/(?:@[^/]+/)?[^/]+/package\.json"), "npm"),
)
FILE_MAX = 1 << 20
GO_NEEDLE = b" Go buildinf:"
_GO_MAGIC = b"\xff Go buildinf:"
_GO_INLINE = 2
_GO_SENTINEL = 16  # bytes around the list of modules
_FIELD = re.compile(r"(?m)^(Name|Version): {0,4}(\S.{0,511}?)\s*$")
_MODULE = re.compile(r"(?m)^(mod|dep|=>)\t([^\t\n]{1,512})\t([^\t\n]{1,200})(?:\t.*)?$")


def read_package(data: bytes, manager: str) -> Package | None:
    """Read the file of one Python or npm package; None when it names none, ProtocolError when it is broken."""
    if manager == "python":
        head = data[:FILE_MAX].decode("utf-8", "replace").partition("\n\n")[0]
        fields = dict(reversed(_FIELD.findall(head)))
    else:
        document = object_of(parse(data[:FILE_MAX]))
        fields = {"Name": text_of(document.get("name")), "Version": text_of(document.get("version"))}
    name, version = fields.get("Name"), fields.get("Version")
    if not name or not version or len(name) > TEXT_MAX or len(version) > TEXT_MAX:
        return None
    return Package(name, version, manager)


def read_go(data: bytes, magic_at: int) -> list[Package]:
    """Give Go itself and the modules that a program was built of, from its build information; raises ProtocolError."""
    if data[magic_at : magic_at + len(_GO_MAGIC)] != _GO_MAGIC or magic_at % 16:
        raise ProtocolError("no build information of Go", offset=magic_at)
    if len(data) < magic_at + 33 or not data[magic_at + 15] & _GO_INLINE:
        return []  # of Go before 1.18, which kept it elsewhere
    version, at = _text(data, magic_at + 32)
    modules, _ = _text(data, at)
    packages = [Package("go", version.removeprefix("go").partition(" ")[0], "go")] if version.startswith("go") else []
    for kind, name, number in _MODULE.findall(modules[_GO_SENTINEL:-_GO_SENTINEL]):
        if kind == "=>" and packages:
            packages.pop()  # it replaces the one before
        if number != "(devel)" and len(packages) < PACKAGES_MAX:
            packages.append(Package(name, number, "go"))
    return packages


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Read a text behind its size, a varint of at most five bytes; gives it and where it ends."""
    size = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            raise ProtocolError("build information of Go is cut off", offset=at)
        byte, at = data[at], at + 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    if size > FILE_MAX or at + size > len(data):
        raise ProtocolError(f"build information of Go of {size} bytes", offset=at)
    return data[at : at + size].decode("latin-1"), at + size
