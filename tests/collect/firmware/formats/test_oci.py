"""Container images: layers in order, whiteouts, what the configuration says; archives that are no image stay archives."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any

import pytest
import zstandard

from plumbline.collect.firmware.format import identify, load_formats
from plumbline.collect.firmware.source import Budget
from plumbline.collect.firmware.tree import Tree, walk
from plumbline.model.errors import ProtocolError
from tests.collect.firmware.formats.trying import changed, look, opened, source_of, tree_of


def tar(files: dict[str, bytes | str | None]) -> bytes:
    """A tar of files (bytes), links (str) and folders (None)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content if isinstance(content, bytes) else b""))
    return out.getvalue()


LAYERS: list[dict[str, bytes | str | None]] = [
    {"etc": None, "etc/passwd": b"old", "etc/gone": b"secret", "opt/a": b"a", "opt/b": b"b", "bin": "usr/bin", "was/a": b"folder"},
    {"etc/passwd": b"new", "etc/.wh.gone": b"", "opt/.wh..wh..opq": b"", "opt/c": b"c", "was": b"file"},
    {"usr/bin/tool": b"tool", ".wh.nothing": b""},
]
CONFIG = {
    "architecture": "arm64",
    "os": "linux",
    "created": "2026-03-04T05:06:07.123456789Z",
    "config": {
        "User": "app",
        "Entrypoint": ["/usr/bin/tool", "--serve"],
        "Env": ["PATH=/usr/bin", "PASSWORD=hunter2"],
        "ExposedPorts": {"8080/tcp": {}},
        "Labels": {"org.opencontainers.image.version": "1.2.3", "org.opencontainers.image.title": "tool"},
    },
}
MERGED = {
    "/etc": None,
    "/etc/passwd": b"new",
    "/opt": None,
    "/opt/c": b"c",
    "/bin": "usr/bin",
    "/was": b"file",
    "/usr": None,
    "/usr/bin": None,
    "/usr/bin/tool": b"tool",
}


def blob(files: dict[str, bytes | str | None], content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    files[f"blobs/sha256/{digest}"] = content
    return {"mediaType": "application/octet-stream", "digest": f"sha256:{digest}", "size": len(content)}


def oci(layers: list[bytes], config: dict[str, Any] = CONFIG, *, nested: bool = False, images: int = 1) -> bytes:
    files: dict[str, bytes | str | None] = {}
    manifest = {"config": blob(files, json.dumps(config).encode()), "layers": [blob(files, layer) for layer in layers]}
    pointed = blob(files, json.dumps(manifest).encode()) | {"annotations": {"org.opencontainers.image.ref.name": "tool:1"}}
    attestation = blob(files, b'{"config": {}, "layers": []}') | {"platform": {"os": "unknown", "architecture": "unknown"}}
    manifests = [attestation, *[pointed] * images]
    if nested:
        manifests = [blob(files, json.dumps({"manifests": manifests}).encode())]
    files |= {"index.json": json.dumps({"schemaVersion": 2, "manifests": manifests}).encode(), "oci-layout": b"{}"}
    return tar(files)


def docker(layers: list[bytes]) -> bytes:
    files: dict[str, bytes | str | None] = {f"{number}/layer.tar": layer for number, layer in enumerate(layers)}
    files["config.json"] = json.dumps(CONFIG).encode()
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    files["manifest.json"] = json.dumps([{"Config": "config.json", "RepoTags": ["tool:1"], "Layers": names}]).encode()
    return tar(files)


PLAIN = [tar(layer) for layer in LAYERS]
ARCHIVES = {
    "stored": oci(PLAIN),
    "gzip": oci([gzip.compress(layer) for layer in PLAIN]),
    "zstd": oci([zstandard.compress(layer) for layer in PLAIN]),
    "an index within the index": oci(PLAIN, nested=True),
    "docker save": docker(PLAIN),
}


def held(tree: Tree) -> dict[str, bytes | str | None]:
    return {
        path: tree.content(entry, 100) if entry.kind == "file" else entry.target if entry.kind == "symlink" else None
        for path, entry in tree.entries.items()
    }


@pytest.mark.parametrize("case", ARCHIVES)
def test_layers_are_applied_in_order(case: str) -> None:
    data = ARCHIVES[case]
    assert identify(source_of(data)) is load_formats()["oci"]
    found = opened("oci", data)
    assert found.files is not None and found.problems == ()
    assert held(walk(found.files)) == MERGED
    header = found.header
    assert (header.name, header.version, header.product, header.architecture) == ("tool:1", "1.2.3", "tool", "arm64")
    assert header.created_at is not None and header.created_at.isoformat() == "2026-03-04T05:06:07.123456+00:00"
    assert header.facts == {
        "user": "app",
        "entrypoint": "/usr/bin/tool --serve",
        "ports": "8080/tcp",
        "environment": "PATH,PASSWORD",
        "layers": "3",
        "removed_names": "2",
    }
    assert header.checksum is (None if case == "docker save" else True)


def test_secrets_of_a_command_are_not_shown() -> None:
    runs = {"Cmd": ["serve", "--token", "s3cr3t-tok3n-value", "--password=hunter2hunter2", "-v"]}
    header = opened("oci", oci(PLAIN, {"config": runs})).header
    assert header.facts["command"] == "serve --token (secret) --password=(secret) -v"


def test_a_blob_that_is_not_what_its_digest_says() -> None:
    assert opened("oci", ARCHIVES["stored"].replace(b"secret", b"SECRET")).header.checksum is False


def test_of_several_images_the_first_is_read_and_the_others_are_said() -> None:
    assert opened("oci", oci(PLAIN, images=3)).problems == ("holds 3 images: only the first was read, tool:1",)


HOSTILE = {
    "names out of it": ({"../x": b"1", "/etc/y": b"2", "z": b"3"}, {"/etc": None, "/etc/y": b"2", "/z": b"3"}, 1),
    "a whiteout out of it": ({".wh...": b"", "a/.wh.": b"", "z": b"3"}, {"/z": b"3"}, 1),
    "below a link": ({"a": "/etc", "a/passwd": b"1"}, {"/a": "/etc"}, 1),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_layers(case: str) -> None:
    files, left, problems = HOSTILE[case]
    found = opened("oci", oci([tar(dict(files))]))
    assert found.files is not None
    assert held(walk(found.files)) == left
    assert len(found.problems) >= min(problems, 1)


NOT_IMAGES = {
    "a manifest of something else": tar({"manifest.json": b'{"version": 3}', "a": b"1"}),
    "no JSON": tar({"index.json": b"{", "a": b"1"}),
    "a blob that is missing": tar({"manifest.json": b'[{"Config": "c", "Layers": ["l"]}]', "a": b"1"}),
    "an index that points to itself": tar({"index.json": b'{"manifests": [{"digest": "../../x"}]}', "a": b"1"}),
    "JSON without end": tar({"index.json": b"[" * 100_000, "a": b"1"}),
}


@pytest.mark.parametrize("case", NOT_IMAGES)
def test_what_is_no_image_is_an_archive(case: str) -> None:
    data = NOT_IMAGES[case]
    with pytest.raises(ProtocolError):
        load_formats()["oci"].open(source_of(data), Budget())
    assert "/a" in tree_of("tar", data).entries


def test_a_layer_that_breaks_off_is_said() -> None:
    for cut in (8, 100, 10_000):
        problems = opened("oci", oci([gzip.compress(PLAIN[0])[:-cut]])).problems
        assert problems and all(problem.startswith("layer blobs/sha256/") for problem in problems)


def test_changed_images() -> None:
    data = ARCHIVES["docker save"]
    for one in changed(data, 100, 1, head=len(data)):
        look("oci", one)


@pytest.mark.full
def test_many_changed_images() -> None:
    data = ARCHIVES["docker save"]
    for one in changed(data, 20_000, 2, head=len(data)):
        look("oci", one)
