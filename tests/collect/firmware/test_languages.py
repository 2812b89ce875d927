"""Packages of languages and what source code asks for, by the files of each; changed files give packages or a ProtocolError."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from plumbline.collect.firmware.ecosystems import read_go, read_package
from plumbline.collect.firmware.manifests import read_manifest
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.test_components import go_program

LOCK = """{"lockfileVersion": 3, "packages": {"": {"name": "app"}, "node_modules/ws": {"version": "8.1.0"},
 "node_modules/a/node_modules/b": {"version": "1.0.0"}, "lib": {"link": true}}}"""
OLD_LOCK = """{"dependencies": {"ws": {"version": "7.0.0", "dependencies": {"ms": {"version": "2.1.2"}}}}}"""
PROJECT = """<Project><ItemGroup><PackageReference Include="MQTTnet" Version="4.3.1" />
<PackageReference Include="Range" Version="[1.0,2.0)" />
<PackageReference Include="Inner"><Version>1.2</Version></PackageReference>
</ItemGroup></Project>"""
MODULE = """module nw.example/a
require (
	github.com/x/y v1.2.3 // indirect
	golang.org/x/net v0.17.0
)
replace github.com/x/y => ../y
require z.example/q v0.1.0
"""
MANIFESTS: dict[str, tuple[str, str, list[tuple[str, str | None]]]] = {
    "requirements": (
        "python",
        "requests==2.31.0\nflask>=2 ; python_version > '3'\n# note\n-r other.txt\nuvicorn[standard] == 0.23.2 \\\n",
        [("requests", "2.31.0"), ("flask", None), ("uvicorn", "0.23.2")],
    ),
    "package-lock": ("npm", LOCK, [("ws", "8.1.0"), ("b", "1.0.0")]),
    "an old package-lock": ("npm", OLD_LOCK, [("ws", "7.0.0"), ("ms", "2.1.2")]),
    "go.mod": ("go", MODULE, [("github.com/x/y", "v1.2.3"), ("golang.org/x/net", "v0.17.0"), ("z.example/q", "v0.1.0")]),
    "csproj": ("nuget", PROJECT, [("MQTTnet", "4.3.1"), ("Range", None), ("Inner", "1.2")]),
    "platformio": (
        "platformio",
        "[env:cam]\nlib_deps =\n  knolleary/PubSubClient@2.8\n  bblanchon/ArduinoJson@^6.21\n  ${common.x}\n",
        [("knolleary/PubSubClient", "2.8"), ("bblanchon/ArduinoJson", None)],
    ),
    "west": (
        "west",
        "manifest:\n  projects:\n    - name: zephyr\n      revision: v3.5.0\n    - name: hal\n",
        [("zephyr", "v3.5.0"), ("hal", None)],
    ),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest(case: str) -> None:
    ecosystem, text, asked = MANIFESTS[case]
    assert read_manifest(text.encode(), ecosystem) == asked


BROKEN = {"npm": b"[1", "west": b"a: &a {b: *a}"}


@pytest.mark.parametrize("ecosystem", BROKEN)
def test_a_broken_manifest_is_refused(ecosystem: str) -> None:
    with pytest.raises(ProtocolError):
        read_manifest(BROKEN[ecosystem], ecosystem)


def test_a_package_without_name_or_version_is_none() -> None:
    assert read_package(b"Metadata-Version: 2.1\nName: x\n", "python") is None
    assert read_package(b'{"name": "x"}', "npm") is None
    with pytest.raises(ProtocolError):
        read_package(b"{", "npm")


GO = go_program("path\ta\nmod\ta\tv1.0.0\t\ndep\tb.example/c\tv2.0.0\t\n")
READERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "go": (GO[1024:], lambda data: read_go(data, 0)),
    **{
        f"manifest of {name}": (text.encode(), lambda data, of=ecosystem: read_manifest(data, of))
        for name, (ecosystem, text, _) in MANIFESTS.items()
    },
}


@pytest.mark.parametrize("reader", READERS)
def test_changed_files_give_packages_or_a_protocol_error(reader: str) -> None:
    seed, read = READERS[reader]
    maker = random.Random(reader)
    for _ in range(700):
        data = bytearray(seed)
        for _ in range(maker.randint(1, 8)):
            data[maker.randrange(len(data))] = maker.choice((0, 9, 10, 34, 58, 91, 123, 128, 255, maker.randrange(256)))
        try:
            read(bytes(data[: maker.choice((len(data), maker.randrange(len(data) + 1)))]))
        except ProtocolError:
            continue
