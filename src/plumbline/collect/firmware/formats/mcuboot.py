"""MCUboot images: header, image, then what secures it: digest, key, signature, anti-rollback counter.

Rules: the digest is computed anew; a signature is tried only where the image brings its own public key (TLV 0x02), which shows that the
image is whole and not who signed it; of an encrypted image the digest is over what is not to be seen, so neither can be tried.

All numbers are little endian (MCUboot, docs/design.md, "Image format"; boot/bootutil/include/bootutil/image.h).

| header offset | size | field | | after the image | size | field |
|---|---|---|---|---|---|---|
| 0 | 4 | magic 0x96f3b83d | | 0 | 2 | magic 0x6908 (protected), 0x6907 |
| 4 | 4 | load address | | 2 | 2 | size of all TLVs, with these 4 bytes |
| 8 | 2 | size of the header | | 4 | 2 | type |
| 10 | 2 | size of the protected TLVs | | 6 | 2 | length |
| 12 | 4 | size of the image | | 8 | length | value |
| 16 | 4 | flags | | | | |
| 20 | 1+1+2+4 | version: major, minor, revision, build | | | | |

| TLV | value | | TLV | value |
|---|---|---|---|---|
| 0x01 | digest of the public key | | 0x24 | Ed25519 signature |
| 0x02 | public key | | 0x25 | signature is over the image, not its digest |
| 0x10, 0x11, 0x12 | SHA-256, -384, -512 of header, image, protected TLVs | | 0x30-0x34 | encrypted key |
| 0x20, 0x23 | RSA-2048, RSA-3072 PSS signature | | 0x40 | image that this one depends on |
| 0x22 | ECDSA signature | | 0x50 | security counter, u32 |
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from plumbline.collect.firmware.digests import digest
from plumbline.collect.firmware.format import HEAD, Format, Header, Opened, Part, Signature
from plumbline.collect.firmware.signing import Key, described, holds, holds_pure, load_key
from plumbline.collect.firmware.source import Budget, Source
from plumbline.model.errors import ProtocolError

MAGIC = b"\x3d\xb8\xf3\x96"
HEADER_SIZE = 32
TLVS_MAX = 256
PURE_MAX = 16 << 20  # bytes of an image that is signed as it is, and so must be held in memory to be tried
_HEADER = struct.Struct("<4sIHHIIBBHI4x")
_FLAGS = {
    0x4: "encrypted-aes128", 0x8: "encrypted-aes256", 0x10: "non-bootable", 0x20: "ram-load", 0x100: "rom-fixed",
    0x200: "compressed-lzma1", 0x400: "compressed-lzma2", 0x800: "compressed-arm-thumb",
}  # fmt: skip
_ENCRYPTED = 0x4 | 0x8
_PLAIN, _PROTECTED = 0x6907, 0x6908
_KEY_HASH, _PUBLIC_KEY, _PURE, _DEPENDENCY, _COUNTER = 0x01, 0x02, 0x25, 0x40, 0x50
_DIGESTS = {0x10: "sha256", 0x11: "sha384", 0x12: "sha512"}
_SIGNATURES = {0x20: ("rsa", 2048), 0x21: ("ecdsa", 224), 0x22: ("ecdsa", None), 0x23: ("rsa", 3072), 0x24: ("ed25519", 256)}


@dataclass(frozen=True, slots=True)
class _Image:
    """What stands in the header; sizes in bytes."""

    header_size: int
    protected_size: int
    image_size: int
    flags: int
    version: str

    @property
    def hashed(self) -> int:
        """How much the digest takes in."""
        return self.header_size + self.image_size + self.protected_size


@dataclass(frozen=True, slots=True)
class _Tlv:
    kind: int
    value: bytes
    protected: bool


def _header(head: bytes) -> _Image:
    _magic, _load, size, protected, image, flags, major, minor, revision, build = _HEADER.unpack(head)
    return _Image(size, protected, image, flags, f"{major}.{minor}.{revision}" + (f"+{build}" if build else ""))


def _read_header(source: Source) -> _Image:
    head = source.read(0, HEADER_SIZE)
    image = _header(head)
    if not head.startswith(MAGIC):
        raise ProtocolError("no MCUboot magic", offset=0)
    if image.header_size < HEADER_SIZE or image.hashed + 4 > source.size:
        raise ProtocolError(f"MCUboot image of {image.hashed} bytes and more in {source.size}")
    return image


def _read_tlvs(source: Source, image: _Image) -> tuple[list[_Tlv], int]:
    """Read both areas; gives the TLVs, and where they end. Raises ProtocolError."""
    found: list[_Tlv] = []
    at = image.header_size + image.image_size
    areas = ((_PROTECTED, True), (_PLAIN, False)) if image.protected_size else ((_PLAIN, False),)
    for wanted, protected in areas:
        magic, total = struct.unpack("<HH", source.read(at, 4))
        if magic != wanted or total < 4 or (protected and total != image.protected_size):
            raise ProtocolError(f"TLV area {magic:#06x} of {total} bytes", offset=at)
        area, inside = source.read(at, total), 4
        while inside < total:
            if inside + 4 > total or len(found) >= TLVS_MAX:
                raise ProtocolError("TLVs are cut off, or too many", offset=at + inside)
            kind, length = struct.unpack_from("<HH", area, inside)
            if inside + 4 + length > total:
                raise ProtocolError(f"TLV {kind:#06x} of {length} bytes runs over its area", offset=at + inside)
            found.append(_Tlv(kind, area[inside + 4 : inside + 4 + length], protected))
            inside += 4 + length
        at += total
    return found, at


def _recognises(source: Source) -> bool:
    head = source.some(0, HEADER_SIZE)
    if len(head) < HEADER_SIZE:
        return False
    image = _header(head)
    at = image.header_size + image.image_size
    if source.size == HEAD and at >= HEAD:  # only its beginning is looked at
        return HEADER_SIZE <= image.header_size <= 1 << 14 and at < 1 << 28
    return int.from_bytes(source.some(at, 2), "little") == (_PROTECTED if image.protected_size else _PLAIN)


def _open(source: Source, budget: Budget) -> Opened:
    image = _read_header(source)
    tlvs, end = _read_tlvs(source, image)
    budget.pay(end - image.hashed)
    encrypted = bool(image.flags & _ENCRYPTED)
    digests = {_DIGESTS[tlv.kind]: tlv.value for tlv in tlvs if tlv.kind in _DIGESTS}
    hashed = source.slice(0, image.hashed)
    checked = {} if encrypted else {name: digest(hashed, name) == value for name, value in digests.items()}
    counters = [int.from_bytes(tlv.value, "little") for tlv in tlvs if tlv.kind == _COUNTER and len(tlv.value) == 4]
    facts = {"flags": " ".join(word for bit, word in _FLAGS.items() if image.flags & bit) or "none"}
    facts |= {f"{name}": "holds" if held else "does not hold" for name, held in checked.items()}
    if needed := [_dependency(tlv.value) for tlv in tlvs if tlv.kind == _DEPENDENCY and len(tlv.value) == 12]:
        facts["depends_on"] = ", ".join(needed)
    if counters:
        facts["security_counter"] = "protected" if any(tlv.protected for tlv in tlvs if tlv.kind == _COUNTER) else "not protected"
    header = Header(
        version=image.version,
        security_version=counters[0] if counters else None,
        checksum=all(checked.values()) if checked else None,
        encrypted=encrypted,
        facts=facts,
    )
    part = Part("image", source.slice(image.header_size, image.image_size), "firmware")
    problems = tuple(f"its {name} does not hold" for name, held in checked.items() if not held)
    return Opened(header, (part,), signatures=_signatures(hashed, tlvs, digests, checked), size=end, problems=problems)


def _dependency(value: bytes) -> str:
    number, major, minor, revision, build = struct.unpack("<B3xBBHI", value)
    return f"image {number} from {major}.{minor}.{revision}+{build}"


def _signatures(hashed: Source, tlvs: list[_Tlv], digests: dict[str, bytes], checked: dict[str, bool]) -> tuple[Signature, ...]:
    name = max(digests, default=None)
    key_hash = next((tlv.value.hex() for tlv in tlvs if tlv.kind == _KEY_HASH), None)
    public, key = _public_key(tlvs)
    pure = any(tlv.kind == _PURE and tlv.value == b"\x01" for tlv in tlvs)
    covers = "header, image and protected TLVs"
    signatures: list[Signature] = []
    for tlv in tlvs:
        if tlv.kind not in _SIGNATURES:
            continue
        algorithm, bits = _SIGNATURES[tlv.kind]
        bits = bits or (key.bits if key else {"sha256": 256, "sha384": 384}.get(name or ""))
        verified = None
        if public is not None and pure:
            verified = holds_pure(public, tlv.value, hashed.read(0, hashed.size)) if hashed.size <= PURE_MAX and checked else None
        elif public is not None and name is not None and name in checked:
            verified = _holds(public, tlv.value, digests[name], name, algorithm) if checked[name] else False
        said = covers if verified is None else f"{covers}; checked with the key that the image brings itself"
        signatures.append(Signature("mcuboot", algorithm, bits, name, said, key.sha256 if key else key_hash, verified))
    return tuple(signatures)


def _public_key(tlvs: list[_Tlv]) -> tuple[object | None, Key | None]:
    for tlv in tlvs:
        if tlv.kind == _PUBLIC_KEY:
            try:
                public = load_key(tlv.value)
            except ProtocolError:
                continue
            return public, described(public)
    return None, None


def _holds(public: object, signature: bytes, value: bytes, name: str, algorithm: str) -> bool | None:
    if algorithm == "ed25519":
        return holds_pure(public, signature, value)  # the digest is the message that is signed
    return holds(public, signature, value, name, pss=True)


FORMAT = Format("mcuboot", "MCUboot image", ((0, MAGIC),), _recognises, _open, embedded=True)
