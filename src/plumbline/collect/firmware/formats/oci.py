"""Container images in a tar archive: OCI image layout (image-spec 1.1) and what `docker save` writes. The files are those of all layers.

Layers are applied in order; `.wh.NAME` takes away what lower layers have under NAME, `.wh..wh..opq` all that they have in its folder. Of
several images in one archive the first is read, and the others are said; what attests an image (platform `unknown`) is none.

| file | what it tells |
|---|---|
| oci-layout, index.json | OCI: digests of manifests, or of further indexes |
| blobs/sha256/HEX | a manifest (config, layers), a configuration, or a layer (tar, gzip or zstd) |
| manifest.json | Docker: for each image its config, tags and layers, as names in the archive |

Values of environment variables may be secrets, and stay where they are: their names are told. So do values that options of a command
call secrets.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from plumbline.collect.firmware.format import Format, Header, Opened
from plumbline.collect.firmware.members import Members
from plumbline.collect.firmware.said import SECRET, command_line
from plumbline.collect.firmware.source import Budget, Source, UnsupportedImageError
from plumbline.collect.firmware.streams import Stream
from plumbline.collect.firmware.tar_reading import BLOCK, MAGIC, TarReader, add_all, check_header
from plumbline.collect.json_text import list_of, object_of, parse, text_of
from plumbline.collect.secrets_in_text import names_secret
from plumbline.model.errors import ProtocolError

LAYERS_MAX = 500
JSON_MAX = 4 << 20
INDEX_DEPTH = 3
IMAGES_MAX = 1_000
FACT_MAX = 500
_MARKS = (b"oci-layout", b"index.json", b"manifest.json")
_MARKS_WITHIN = 2_000  # members
_DIGEST = re.compile(r"(sha256|sha512):([0-9a-f]{64,128})")
_WHITEOUT, _OPAQUE = b".wh.", b".wh..wh..opq"
_LABELS = ("org.opencontainers.image.", "org.label-schema.")


@dataclass(frozen=True, slots=True)
class _Image:
    """One image: where its configuration and its layers lie in the archive."""

    name: str | None
    config: str
    layers: tuple[str, ...]


class _Archive:
    """The files of the archive, by name; `checksum` is whether every blob that was read has the digest that names it (None: none has)."""

    def __init__(self, members: Members, budget: Budget) -> None:
        self._members = members
        self._budget = budget
        self.checksum: bool | None = None

    def file(self, name: str) -> Source:
        member = self._members.find(name.encode("utf-8", "surrogatepass"))
        if member is None or member.source is None:
            raise ProtocolError(f"{name[:200]} is not in the archive")
        algorithm, slash, digest = name.removeprefix("blobs/").partition("/")
        if slash and algorithm in ("sha256", "sha512"):
            self._budget.pay(member.source.size)  # a tar may hold holes of any size
            real = hashlib.new(algorithm)
            for block in member.source.blocks():
                real.update(block)
            self.checksum = self.checksum is not False and real.hexdigest() == digest
        return member.source

    def document(self, name: str) -> Any:
        source = self.file(name)
        if source.size > JSON_MAX:
            raise ProtocolError(f"{name[:200]} of {source.size} bytes")
        return parse(source.read(0, source.size))

    def has(self, name: str) -> bool:
        return self._members.find(name.encode()) is not None


def _blob(descriptor: object) -> str:
    """Give the name of a blob from what points to it."""
    digest = text_of(object_of(descriptor).get("digest"))
    told = _DIGEST.fullmatch(digest or "")
    if told is None:
        raise ProtocolError("points to a blob by no digest")
    return f"blobs/{told[1]}/{told[2]}"


def _images(archive: _Archive) -> list[_Image]:
    if archive.has("index.json"):
        return list(_of_index(archive, archive.document("index.json"), 0))
    return list(_of_docker(archive.document("manifest.json")))


def _of_index(archive: _Archive, index: object, depth: int) -> Iterator[_Image]:
    for number, pointed in enumerate(list_of(object_of(index).get("manifests"))):
        if number > IMAGES_MAX or depth > INDEX_DEPTH:
            raise ProtocolError("index of too many images")
        platform = object_of(object_of(pointed).get("platform"))
        name = _blob(pointed)
        if platform.get("os") == "unknown" or not archive.has(name):
            continue  # an attestation, or the image of another platform, which was not exported
        manifest = object_of(archive.document(name))
        if "manifests" in manifest:
            yield from _of_index(archive, manifest, depth + 1)
            continue
        tags = object_of(object_of(pointed).get("annotations"))
        named = text_of(tags.get("io.containerd.image.name")) or text_of(tags.get("org.opencontainers.image.ref.name"))
        yield _Image(named, _blob(manifest.get("config")), tuple(_blob(layer) for layer in list_of(manifest.get("layers"))))


def _of_docker(manifests: object) -> Iterator[_Image]:
    for manifest in map(object_of, list_of(manifests)[:IMAGES_MAX]):
        config, layers = text_of(manifest.get("Config")), [text_of(layer) for layer in list_of(manifest.get("Layers"))]
        if config is None or None in layers:
            raise ProtocolError("manifest.json names no configuration or no layers")
        tags = list_of(manifest.get("RepoTags"))
        yield _Image(text_of(tags[0]) if tags else None, config, tuple(layer for layer in layers if layer is not None))


def _apply(layer: Source, merged: Members, budget: Budget) -> tuple[int, list[str]]:
    """Lay one layer over those below; gives how many names it takes away, and what was wrong with it."""
    data, problems = layer, []
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")):
        if layer.some(0, len(magic)) == magic:
            stream = Stream(layer, name)
            data = budget.keep(stream.pieces())
            problems += [stream.problem] if stream.problem else []
    if not data.size:
        problems.append("is empty")
    reader = TarReader(data)
    entries = [replace(entry, at=None) for entry in reader.entries()]
    removed = sum(_take_away(entry.name, merged) for entry in entries)
    kept = [entry for entry in entries if not _last(entry.name).startswith(_WHITEOUT)]
    for entry in kept:
        before = merged.find(entry.name)
        if before is not None and before.kind == "directory" and entry.kind != "directory":
            merged.remove(entry.name)
    add_all(kept, merged)
    return removed, problems + reader.problems


def _last(name: bytes) -> bytes:
    return name.rstrip(b"/").rpartition(b"/")[2]


def _take_away(name: bytes, merged: Members) -> bool:
    """Do what a whiteout says; tell whether it took anything away."""
    last = _last(name)
    if not last.startswith(_WHITEOUT):
        return False
    folder = name.rstrip(b"/").rpartition(b"/")[0]
    if last == _OPAQUE:
        below = merged.find(folder)
        found = below is not None and bool(below.entries)
        if below is not None:
            below.entries.clear()
        return found
    hidden = folder + b"/" + last.removeprefix(_WHITEOUT)
    found = merged.find(hidden) is not None
    merged.remove(hidden)
    return found


def _header(image: _Image, config: dict[str, Any], removed: int, checksum: bool | None) -> Header:
    """What the configuration says of the image."""
    runs = object_of(config.get("config"))
    labels = {key: text_of(value) for key, value in object_of(runs.get("Labels")).items()}

    def label(name: str) -> str | None:
        return next((value for root in _LABELS if (value := labels.get(root + name))), None)

    facts = {
        "user": text_of(runs.get("User")),
        "entrypoint": _words(runs.get("Entrypoint")),
        "command": _words(runs.get("Cmd")),
        "ports": ",".join(sorted(object_of(runs.get("ExposedPorts"))))[:FACT_MAX],
        "environment": ",".join(str(one).partition("=")[0] for one in list_of(runs.get("Env")))[:FACT_MAX],
        "layers": str(len(image.layers)),
        "removed_names": str(removed) if removed else None,  # which lower layers still hold
    }
    return Header(
        version=label("version"),
        product=label("title") or label("name"),
        vendor=label("vendor"),
        name=image.name,
        architecture=text_of(config.get("architecture")),
        created_at=_time(text_of(config.get("created"))),
        checksum=checksum,
        facts={key: value for key, value in facts.items() if value},
    )


def _words(value: object) -> str:
    """Show a command without the values that its options call secrets."""
    words = " ".join(str(word) for word in list_of(value)).split()
    hidden = [before.startswith("-") and "=" not in before and names_secret(before) is not None for before in ("", *words)]
    return command_line(" ".join(SECRET if hide else word for word, hide in zip(words, hidden, strict=False)), FACT_MAX)


def _time(text: str | None) -> datetime | None:
    try:
        told = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return told.astimezone(UTC) if told is not None and told.tzinfo is not None and told.year > 1 else None


def _recognises(source: Source) -> bool:
    try:
        check_header(source.some(0, BLOCK), 0)
    except ProtocolError:
        return False
    return any(entry.name.removeprefix(b"./") in _MARKS for entry in islice(TarReader(source).entries(), _MARKS_WITHIN))


def _open(source: Source, budget: Budget) -> Opened:
    members, reader = Members(budget), TarReader(source)
    add_all(reader.entries(), members)
    archive = _Archive(members, budget)
    images = _images(archive)
    if not images:
        raise ProtocolError("holds no image")
    image = images[0]
    if len(image.layers) > LAYERS_MAX:
        raise UnsupportedImageError(f"{len(image.layers)} layers")
    config = object_of(archive.document(image.config))
    merged, removed, problems = Members(budget), 0, [*reader.problems]
    for layer in image.layers:
        gone, wrong = _apply(archive.file(layer), merged, budget)
        removed += gone
        problems += [f"layer {layer[:80]}: {problem}" for problem in wrong]
    if len(images) > 1:
        problems.append(f"holds {len(images)} images: only the first was read, {image.name or image.config}")
    header = _header(image, config, removed, archive.checksum)
    return Opened(header, files=merged, size=min(reader.end, source.size), problems=(*problems, *merged.problems))


FORMAT = Format("oci", "container image", ((257, MAGIC),), _recognises, _open, strength=1)
