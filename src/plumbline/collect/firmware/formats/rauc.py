"""RAUC bundles: a squashfs, for the formats verity and crypt a hash tree behind it, then a CMS signature and its size.

Rules: the signature is tried with the certificate that it brings; of verity and crypt the hash tree's root is computed anew from the data,
because the signature reaches the data only through it; of plain bundles the manifest stands in the squashfs, and is read by whatever opens
that. The digests of single images are told and not checked: the signature takes in the whole squashfs anyway.

| part | format plain | verity | crypt | RAUC manual, reference.rst |
|---|---|---|---|---|
| squashfs | in the clear | in the clear | AES-256 | "Bundle Formats" |
| hash tree | | dm-verity 1, SHA-256, blocks of 4096 | over the encrypted | `verity-size` bytes |
| CMS | detached | around the manifest | around the manifest, enveloped for its recipients | |
| last 8 bytes | size of the CMS, big endian | | | |

| manifest (a key file) | keys |
|---|---|
| [update] | compatible, version, description, build |
| [bundle] | format, verity-hash, verity-salt, verity-size, crypt-key |
| [image.SLOT] | filename, sha256, size, hooks, adaptive |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from plumbline.collect.firmware.cms import CMS_MAX, Message, Signer, read_message
from plumbline.collect.firmware.digests import digest
from plumbline.collect.firmware.format import Format, Header, Opened, Part, Signature, identify
from plumbline.collect.firmware.said import SECRET, shown
from plumbline.collect.firmware.source import Budget, BudgetSpentError, Source
from plumbline.model.errors import ProtocolError

MANIFEST = b"manifest.raucm"
MANIFEST_MAX = 1 << 20
SECTIONS_MAX = 256
BLOCK = 4096
_SMALLEST = 64
_SIGNED = bytes.fromhex("06092a864886f70d010702")  # the object identifiers of signed and of enveloped data
_ENVELOPED = bytes.fromhex("06092a864886f70d010703")

Manifest = dict[str, dict[str, str]]


def _signature_place(source: Source) -> tuple[int, int] | None:
    """Give offset and size of the CMS message that the last bytes tell of; None where none stands."""
    if source.size < _SMALLEST + 8:
        return None
    size = int.from_bytes(source.read(source.size - 8, 8), "big")
    start = source.size - 8 - size
    if not _SMALLEST <= size <= CMS_MAX or start < BLOCK:
        return None
    head = source.read(start, 20)
    if head[0] != 0x30 or not 0x81 <= head[1] <= 0x84:
        return None
    width = head[1] & 0x7F
    length = int.from_bytes(head[2 : 2 + width], "big")
    told = head[2 + width : 2 + width + len(_SIGNED)] in (_SIGNED, _ENVELOPED)
    return (start, size) if told and 2 + width + length == size else None


def _recognises(source: Source) -> bool:
    return _signature_place(source) is not None


def _open(source: Source, budget: Budget) -> Opened:
    place = _signature_place(source)
    if place is None:
        raise ProtocolError("no CMS signature at the end")
    start, size = place
    budget.pay(size)
    message = read_message(source.read(start, size))
    if message.enveloped:
        said = Header(encrypted=True, facts={"format": "crypt", "signature": "encrypted"})
        return Opened(said, (Part("payload", source.slice(0, start), "rootfs"),), problems=("its signed manifest is encrypted",))
    if message.content is None:
        return _plain(source.slice(0, start), message, budget)
    return _verity(source.slice(0, start), message, message.content)


def _plain(payload: Source, message: Message, budget: Budget) -> Opened:
    """Open a bundle whose signature is over the squashfs itself."""
    problems: tuple[str, ...] = ()
    manifest: Manifest = {}
    try:
        manifest = read_manifest(_from_files(payload, budget))
    except BudgetSpentError:
        raise
    except ProtocolError as error:
        problems = (f"its manifest is not read: {error}",)
    made: dict[str, bytes] = {}

    def content_digest(name: str) -> bytes:
        if name not in made:
            made[name] = digest(payload, name)
        return made[name]

    signatures = [_signature(signer, signer.verify(content_digest), "the whole bundle") for signer in message.signers]
    checks = [each.verified for each in signatures if each.verified is not None]
    header = _header(manifest, message, "plain", all(checks) if checks else None)
    part = Part("rootfs.squashfs", payload, "rootfs")
    return Opened(header, (part,), signatures=tuple(signatures), problems=problems)


def _verity(behind: Source, message: Message, content: bytes) -> Opened:
    """Open a bundle whose signature is over its manifest, and that over the hash tree."""
    manifest = read_manifest(content)
    bundle = manifest.get("bundle", {})
    kind = bundle.get("format", "plain")
    tree_size = _number(bundle.get("verity-size"))
    if tree_size is None or tree_size > behind.size:
        raise ProtocolError(f"a hash tree of {bundle.get('verity-size', 'no')} bytes in {behind.size}")
    payload = behind.slice(0, behind.size - tree_size)
    held = _root(payload, _hex(bundle.get("verity-salt"))) == _hex(bundle.get("verity-hash"))
    covers = "the manifest, and the data through the root of its hash tree"
    signatures = []
    for signer in message.signers:
        verified = signer.verify(lambda name: hashlib.new(name, content).digest())
        signatures.append(_signature(signer, verified if held or verified is None else False, covers))
    header = _header(manifest, message, kind, held)
    if "crypt-key" in bundle:
        header = replace(header, facts={**header.facts, "crypt_key": f"{SECRET}, in the clear in the manifest"})
    problems = () if held else ("the root of its hash tree does not hold",)
    part = Part("payload" if header.encrypted else "rootfs.squashfs", payload, "rootfs")
    return Opened(header, (part,), signatures=tuple(signatures), problems=problems)


def _from_files(payload: Source, budget: Budget) -> bytes:
    """Read the manifest out of the squashfs."""
    found = identify(payload)
    files = found.open(payload, budget).files if found is not None else None
    if files is None:
        raise ProtocolError("no file system stands before the signature")
    for name, reference in files.listing(files.inode(files.root)):
        if name == MANIFEST:
            return files.content(files.inode(reference), MANIFEST_MAX)
    raise ProtocolError(f"no {MANIFEST.decode()}")


def read_manifest(raw: bytes) -> Manifest:
    """Read a key file of GLib (Desktop Entry Specification, 3): groups of `key=value`. Raises ProtocolError."""
    if len(raw) > MANIFEST_MAX:
        raise ProtocolError(f"a manifest of {len(raw)} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("a manifest that is no UTF-8", offset=error.start) from error
    groups: Manifest = {}
    group: dict[str, str] | None = None
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            group = groups.setdefault(line[1:-1], {})
            if len(groups) > SECTIONS_MAX:
                raise ProtocolError(f"a manifest of more than {SECTIONS_MAX} groups")
            continue
        key, equals, value = line.partition("=")
        if group is None or not equals:
            raise ProtocolError(f"manifest, line {number}: neither a group nor key=value")
        group[key.strip()] = value.strip()
    return groups


def _header(manifest: Manifest, message: Message, kind: str, checksum: bool | None) -> Header:
    update = manifest.get("update", {})
    facts = {"format": kind, "description": update.get("description", ""), "build": update.get("build", "")}
    for section, keys in manifest.items():
        if section.startswith("image."):
            words = [keys.get("filename", "no file")] + [f"{key} {keys[key]}" for key in ("sha256", "size", "hooks") if key in keys]
            facts[shown(section, 64) or "image"] = ", ".join(words)
    for number, signer in enumerate(message.signers):
        facts[f"signer.{number}"] = signer.subject or "certificate not in the bundle"
    compatible = shown(update.get("compatible", ""))
    return Header(
        version=shown(update.get("version", "")),
        product=compatible,
        hardware=(compatible,) if compatible else (),
        checksum=checksum,
        encrypted=kind == "crypt",
        facts={name: text for name, value in facts.items() if (text := shown(value))},
    )


def _signature(signer: Signer, verified: bool | None, covers: str) -> Signature:
    if verified is not None:
        covers += "; checked with the certificate that the bundle brings itself"
    bits, sha256 = (signer.key.bits, signer.key.sha256) if signer.key else (None, None)
    return Signature("rauc-cms", signer.algorithm, bits, signer.digest, covers, sha256, verified)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else None


def _hex(text: str | None) -> bytes:
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b""


def _root(payload: Source, salt: bytes) -> bytes:
    """Compute the root of a dm-verity tree (Linux, Documentation/admin-guide/device-mapper/verity.rst, "Hash Tree")."""
    salted = hashlib.sha256(salt)
    level = b"".join(_digests(payload.blocks(), salted))
    while len(level) > 32:
        level = b"".join(_digests((level,), salted))
    return level


def _digests(pieces: Iterable[bytes], salted: Any) -> Iterator[bytes]:
    """Yield the digest of each block behind the salt; the last is filled up with zeros."""
    for piece in pieces:
        for at in range(0, len(piece), BLOCK):
            one = salted.copy()
            one.update(piece[at : at + BLOCK].ljust(BLOCK, b"\0"))
            yield one.digest()


# A bundle begins as its squashfs does, or, encrypted, like nothing: it is told by its end, and goes before the squashfs.
FORMAT = Format("rauc", "RAUC bundle", ((0, b""),), _recognises, _open, strength=8)
