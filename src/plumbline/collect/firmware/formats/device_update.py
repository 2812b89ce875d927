"""Manifests of Azure Device Update: which update it is, for which devices, of which files; as imported, or as a device gets it, signed.

Rules: JSON is read strictly; the files themselves lie elsewhere, so their digests are told and not checked. A signed manifest brings the
key that signed it, which Microsoft's root key vouches for: the manifest is tried with the first, the root key is not here.

| property | meaning | source: Azure Device Update, |
|---|---|---|
| updateId.provider, .name, .version | | import-schema, "updateId object" |
| compatibility[] | properties of a device: manufacturer, model, ... | "compatibility object" |
| instructions.steps[]: handler, files, handlerProperties.installedCriteria | | "instructions object" |
| files[]: filename, sizeInBytes, hashes.sha256 in base64 | up to version 3 and in imports | "file object" |
| files.ID: fileName, sizeInBytes, hashes | as a device gets it | iot-hub-device-update, docs/agent-reference |
| updateType, installedCriteria | up to version 3 | |
| updateManifest, updateManifestSignature | the manifest as text, and its JSON Web Signature | ibid. |
| signature's header: sjwk | a JSON Web Signature over the key, RFC 7517 | ibid. |
| signature's content: sha256 | of the text, base64 | ibid. |
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from plumbline.collect.firmware.format import Format, Header, Opened, Signature
from plumbline.collect.firmware.said import setting, shown
from plumbline.collect.firmware.signing import described, holds, rsa_key
from plumbline.collect.firmware.source import Budget, Source
from plumbline.collect.json_text import int_of, list_of, object_of, parse, text_of
from plumbline.model.errors import ProtocolError

MANIFEST_MAX = 1 << 20
ITEMS_MAX = 64
_STARTS = (b"{", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def _read(source: Source) -> tuple[dict[str, Any], str | None, str | None]:
    """Read the manifest; gives it, its text and its signature where it is signed. Raises ProtocolError."""
    if source.size > MANIFEST_MAX:
        raise ProtocolError(f"a manifest of {source.size} bytes")
    outer = object_of(parse(source.read(0, source.size)))
    text = outer.get("updateManifest")
    if not isinstance(text, str):
        return _checked(outer), None, None
    signature = outer.get("updateManifestSignature")
    return _checked(object_of(parse(text))), text, signature if isinstance(signature, str) else None


def _checked(manifest: dict[str, Any]) -> dict[str, Any]:
    identity = object_of(manifest.get("updateId"))
    if not all(text_of(identity.get(name)) for name in ("provider", "name", "version")) or not text_of(manifest.get("manifestVersion")):
        raise ProtocolError("JSON without the id of an update and the version of a manifest")
    return manifest


def _recognises(source: Source) -> bool:
    if source.size > MANIFEST_MAX:
        return False
    head = source.some(0, 4096).replace(b"\0", b"")  # UTF-16 from Windows PowerShell among them
    if b'"updateId"' not in head and b'"updateManifest"' not in source.read(0, source.size).replace(b"\0", b""):
        return False
    try:
        _read(source)
    except ProtocolError:
        return False
    return True


def _open(source: Source, budget: Budget) -> Opened:
    budget.pay(min(source.size, MANIFEST_MAX))
    manifest, text, signature = _read(source)
    identity = object_of(manifest["updateId"])
    facts = {"manifest_version": _said(manifest, "manifestVersion")}
    facts |= {name: _said(manifest, name) for name in ("updateType", "installedCriteria", "description")}
    if isinstance(manifest.get("isDeployable"), bool):
        facts["deployable"] = "yes" if manifest["isDeployable"] else "no"
    for number, step in enumerate(list_of(object_of(manifest.get("instructions")).get("steps"))[:ITEMS_MAX]):
        facts[f"step.{number}"] = _step(object_of(step))
    for name, described_as in _files(manifest):
        facts[f"file.{name}"] = described_as
    header = Header(
        version=_said(identity, "version"),
        product=_said(identity, "name"),
        vendor=_said(identity, "provider"),
        hardware=tuple(_compatible(manifest)),
        name=_said(manifest, "description") or None,
        created_at=_time(manifest.get("createdDateTime")),
        facts={name: value for name, value in facts.items() if value},
    )
    signatures = (_signature(text, signature),) if text is not None and signature is not None else ()
    problems = () if text is None or signature else ("a manifest for a device without its signature",)
    return Opened(header, signatures=signatures, problems=problems)


def _said(holder: dict[str, Any], name: str) -> str:
    return shown(text_of(holder.get(name)) or "") or ""


def _compatible(manifest: dict[str, Any]) -> Iterator[str]:
    for each in list_of(manifest.get("compatibility"))[:ITEMS_MAX]:
        words = [f"{name}={value}" for name, value in sorted(object_of(each).items())[:8] if isinstance(value, str)]
        if words:
            yield shown(" ".join(words)) or ""


def _step(step: dict[str, Any]) -> str:
    """Describe one step: what installs which files, and how it is told that they are installed."""
    properties = object_of(step.get("handlerProperties"))
    criteria = text_of(properties.get("installedCriteria"))
    words = [_said(step, "handler") or _said(step, "type") or "step"]
    words += [f"file {shown(name, 64)}" for name in list_of(step.get("files"))[:10] if isinstance(name, str)]
    if criteria:
        words.append(f"installed when {setting('installedCriteria', criteria, 128)}")
    words += ["with arguments"] if "arguments" in properties else []
    return ", ".join(words)[:512]


def _files(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give name, and size and digest in hex, of each file."""
    files = manifest.get("files")
    each = list(files.values()) if isinstance(files, dict) else list_of(files)
    for one in map(object_of, each[:ITEMS_MAX]):
        name = _said(one, "filename") or _said(one, "fileName")
        encoded = text_of(object_of(one.get("hashes")).get("sha256"))
        size = int_of(one.get("sizeInBytes"))
        said = [f"{size} bytes"] if size is not None else []
        raw = _decoded(encoded) if encoded else None
        said.append(f"sha256 {raw.hex()}" if raw is not None and len(raw) == 32 else "no sha256")
        if name:
            yield name, ", ".join(said)


def _decoded(text: str) -> bytes | None:
    """Decode base64, of either alphabet and with or without its padding."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/").rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 40 else None
        return None if at is None else at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _signature(text: str, token: str) -> Signature:
    """Read the signature, and try it with the key that it brings (RFC 7515, 5.2)."""
    scheme, covers = "azure-device-update", "the manifest, with the digests of its files"
    try:
        head, content, signature = _token(token)
        _, key, _ = _token(str(head.get("sjwk")))
        modulus, exponent = (int.from_bytes(_decoded(str(key.get(name))) or b"", "big") for name in ("n", "e"))
        if key.get("kty") != "RSA" or head.get("alg") != "RS256":
            raise ProtocolError("a signature of another algorithm than RS256")
        public = rsa_key(modulus, exponent)
    except ProtocolError:
        return Signature(scheme, None, None, None, covers)
    signed = token.rpartition(".")[0].encode()
    held = holds(public, signature, hashlib.sha256(signed).digest(), "sha256")
    same = _decoded(str(content.get("sha256"))) == hashlib.sha256(text.encode()).digest()
    known = described(public)
    covers += "; checked with the key that the manifest brings itself"
    return Signature(scheme, "rsa", known.bits, "sha256", covers, known.sha256, held if same else False)


def _token(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Split a JSON Web Signature into header, content and signature; raises ProtocolError."""
    parts = [_decoded(part) for part in token.split(".")[:4]]
    if len(parts) != 3 or parts[0] is None or parts[1] is None or parts[2] is None:
        raise ProtocolError("no JSON Web Signature")
    return object_of(parse(parts[0])), object_of(parse(parts[1])), parts[2]


FORMAT = Format("device_update", "Azure Device Update manifest", tuple((0, start) for start in _STARTS), _recognises, _open)
