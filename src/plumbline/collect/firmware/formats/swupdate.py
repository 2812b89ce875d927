"""SWUpdate packages (.swu): a cpio archive whose first file describes the others, the second may sign the first.

Rules: the description is read strictly; digests are computed anew, and what the description gives no digest for is said, because no
signature reaches it; a CMS signature is tried with its own certificate, a bare one is told; cpio's own checksums are not tried.

| file | what | SWUpdate, doc/source/ |
|---|---|---|
| sw-description | libconfig or JSON | sw-description.rst |
| sw-description.sig | CMS in DER; or RSA, PKCS#1 v1.5 or PSS; or GPG | signed_images.rst |
| others | images, files, scripts, as they are named | |

| setting | meaning |
|---|---|
| software.version, .description, .name | |
| hardware-compatibility | revisions that it is for, at the top or for a board |
| images, files, scripts, wherever they stand | filename, sha256 of the file as it is packed, version, name, type, device, encrypted |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from plumbline.collect import json_text
from plumbline.collect.firmware import libconfig
from plumbline.collect.firmware.cms import read_message
from plumbline.collect.firmware.digests import digest
from plumbline.collect.firmware.format import Format, Header, Opened, Part, Signature
from plumbline.collect.firmware.formats.cpio import CpioReader
from plumbline.collect.firmware.said import shown
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

DESCRIPTION = "sw-description"
SIGNATURE = "sw-description.sig"
MAGIC = (110, DESCRIPTION.encode() + b"\0")  # the name of the first file, behind a header of newc
DESCRIPTION_MAX = 1 << 20
SIGNATURE_MAX = 1 << 20
FILES_MAX = 512
DEPTH_MAX = 24
FACT_MAX = 256
_GROUPS = {"images": None, "files": "file", "scripts": "script"}
_RSA_SIZES = (128, 256, 384, 512)


@dataclass
class _Described:
    """What the description says of one file; several entries may name the same."""

    group: str
    words: list[str] = field(default_factory=list)
    sha256: str | None = None
    encrypted: bool = False


def _recognises(source: Source) -> bool:
    return source.some(0, 6) in (b"070701", b"070702")


def _open(source: Source, budget: Budget) -> Opened:
    reader = CpioReader(source)
    files: dict[str, Source] = {}
    for entry in reader.entries():
        if len(files) >= FILES_MAX:
            raise ProtocolError(f"more than {FILES_MAX} files in an update package")
        files.setdefault(entry.name.decode("utf-8", "backslashreplace"), source.slice(entry.at, entry.size))
    described = files.pop(DESCRIPTION, None)
    signature = files.pop(SIGNATURE, None)
    if described is None or described.size > DESCRIPTION_MAX:
        raise ProtocolError("an update package whose description is missing, or too large")
    budget.pay(described.size)
    raw = described.read(0, described.size)
    problems = list(reader.problems)
    try:
        header, said = _read(raw)
    except ProtocolError as error:
        problems.append(f"{DESCRIPTION} is not read, it may be encrypted: {error}")
        header, said = Header(), {}
    budget.pay(sum(data.size for data in files.values()))
    header, parts = _held(header, said, files, problems)
    signatures: tuple[Signature, ...] = (_signature(signature, raw, said, problems),) if signature is not None else ()
    if header.checksum is False:  # what is signed are other files than these
        signatures = tuple(replace(each, verified=None if each.verified is None else False) for each in signatures)
    return Opened(header, parts, signatures=signatures, size=min(reader.end, source.size), problems=tuple(problems))


def _read(raw: bytes) -> tuple[Header, dict[str, _Described]]:
    """Read the description; raises ProtocolError."""
    text = json_text.decode(raw)
    tree = json_text.object_of(json_text.parse(text) if text.lstrip().startswith("{") else libconfig.parse(text))
    software = json_text.object_of(tree.get("software"))
    if not software:
        raise ProtocolError("it describes no software")
    said: dict[str, _Described] = {}
    revisions: list[str] = []
    for name, value in _walk(software, 0):
        if name == "hardware-compatibility" and isinstance(value, list):
            revisions += [found for one in value if isinstance(one, str) and (found := shown(one, 64)) and found not in revisions]
        elif name in _GROUPS and isinstance(value, list):
            for entry in filter(lambda each: isinstance(each, dict), value):
                _describe(name, entry, said)
    facts = {"description": _text(software, "description"), "boards": " ".join(_boards(software))}
    header = Header(
        version=_text(software, "version") or _linked(software, "version"),
        product=_text(software, "name"),
        hardware=tuple(revisions[:32]),
        facts={name: text for name, text in facts.items() if text},
    )
    return header, said


def _walk(tree: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield every setting of every group below, outer before inner."""
    if depth > DEPTH_MAX:
        raise ProtocolError(f"deeper than {DEPTH_MAX} groups")
    for name, value in tree.items() if isinstance(tree, dict) else ():
        yield name, value
        yield from _walk(value, depth + 1)


def _boards(software: dict[str, Any]) -> list[str]:
    """Name the groups at the top, which are boards or selections."""
    return [text for name, value in list(software.items())[:32] if isinstance(value, dict) and (text := shown(name, 64))]


def _text(holder: dict[str, Any], name: str) -> str | None:
    value = holder.get(name)
    return shown(value) if isinstance(value, str) else None


def _linked(software: dict[str, Any], name: str) -> str | None:
    """Follow a link `#./other` of the top group."""
    link = json_text.object_of(software.get(name)).get("ref")
    return _text(software, link[3:]) if isinstance(link, str) and link.startswith("#./") else None


def _describe(group: str, entry: dict[str, Any], said: dict[str, _Described]) -> None:
    name = entry.get("filename")
    if not isinstance(name, str) or len(said) >= FILES_MAX:
        return
    found = said.setdefault(name, _Described(group))
    words = [f"{key} {text}" for key in ("type", "device", "volume", "name", "version") if (text := _text(entry, key))]
    found.words += [word for word in words if word not in found.words]
    if isinstance(entry.get("sha256"), str):
        found.sha256 = entry["sha256"].strip().lower()
    found.encrypted = found.encrypted or (entry.get("encrypted") not in (None, False, "", "false", "none"))


def _held(header: Header, said: dict[str, _Described], files: dict[str, Source], problems: list[str]) -> tuple[Header, tuple[Part, ...]]:
    """Hold the files against what is said of them."""
    parts: list[Part] = []
    checks: list[bool] = []
    facts: dict[str, str] = dict(header.facts)
    bare: list[str] = []
    for name, data in files.items():
        one = said.get(name)
        parts.append(Part(shown(name) or "?", data, _GROUPS[one.group] if one else None))
        if one is None:
            bare.append(name)
            facts[f"file.{shown(name, 64)}"] = "not described"
            continue
        held = None if one.sha256 is None else digest(data, "sha256").hex() == one.sha256
        words = [one.group, *one.words] + (["encrypted"] if one.encrypted else [])
        words.append("no sha256" if held is None else "sha256 holds" if held else "sha256 does not hold")
        facts[f"file.{shown(name, 64)}"] = ", ".join(words)[:FACT_MAX]
        if held is None:
            bare.append(name)
        else:
            checks.append(held)
        if held is False:
            problems.append(f"{shown(name, 64)}: its sha256 does not hold")
    problems += [f"{shown(name, 64)} is described and not there" for name in said if name not in files]
    if bare:
        facts["without_digest"] = " ".join(shown(name, 64) or "?" for name in bare)[:FACT_MAX]
    encrypted = any(one.encrypted for one in said.values())
    return replace(header, checksum=all(checks) if checks else None, encrypted=encrypted, facts=facts), tuple(parts)


def _signature(data: Source, signed: bytes, said: dict[str, _Described], problems: list[str]) -> Signature:
    """Read the signature of the description, and say how far it reaches."""
    reached = sum(one.sha256 is not None for one in said.values())
    covers = f"the description, with the digests of {reached} of {len(said)} files"
    raw = data.some(0, SIGNATURE_MAX)
    if raw[:1] != b"\x30":
        if raw.startswith(b"-----BEGIN PGP") or raw[:1] in (b"\x88", b"\x89", b"\xc2"):
            return Signature("swupdate-gpg", None, None, None, covers)
        return Signature("swupdate-rsa", "rsa", 8 * len(raw), "sha256", covers) if len(raw) in _RSA_SIZES else _unknown(covers, problems)
    try:
        message = read_message(raw)
        signer = message.signers[0]
    except (ProtocolError, IndexError) as error:
        problems.append(f"{SIGNATURE}: {error}")
        return _unknown(covers, problems)
    made = Source.of_bytes(signed if message.content is None else message.content)
    verified = signer.verify(lambda name: digest(made, name)) if message.content in (None, signed) else False
    if verified is not None:
        covers += "; checked with the certificate that the signature brings itself"
    key = signer.key
    return Signature(
        "swupdate-cms", signer.algorithm, key.bits if key else None, signer.digest, covers, key.sha256 if key else None, verified
    )


def _unknown(covers: str, problems: list[str]) -> Signature:
    problems.append(f"{SIGNATURE} is of no kind that is known")
    return Signature("swupdate", None, None, None, covers)


FORMAT = Format("swupdate", "SWUpdate package", (MAGIC,), _recognises, _open, embedded=True)
