"""Writers of update packages: SWUpdate, RAUC, Mender, Azure Device Update."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import lzma
import struct
import tarfile
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import pkcs7

from tests.collect.firmware.formats.making_keys import ec_key, rsa_key, signed
from tests.collect.firmware.making import image

ROOTFS = b"root file system " * 20
SCRIPT = b"print('updating')\n"


def newc(*files: tuple[str, bytes], form: bytes = b"070701") -> bytes:
    """A cpio archive (Linux, initramfs buffer format)."""
    out = b""
    for number, (name, data) in enumerate((*files, ("TRAILER!!!", b"")), 1):
        raw = name.encode() + b"\0"
        fields = (number, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), sum(data) & 0xFFFFFFFF if form == b"070702" else 0)
        head = form + b"".join(b"%08X" % field for field in fields) + raw
        out += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return out + bytes(-len(out) % 512)


def description(*, rootfs: bytes = ROOTFS, script: bytes | None = None, encrypted: bool = False) -> str:
    """A sw-description in libconfig; the script has a digest only when its content is given."""
    digest = "" if script is None else f' sha256 = "{hashlib.sha256(script).hexdigest()}";'
    return f"""/* Northwind cam */
software =
{{
    version = "1.4.2";  # of the whole
    description = "Camera" " firmware";
    hardware-compatibility: [ "1.0", "#RE:^1\\\\.[23]$" ];
    cam3 = {{ stable: {{ copy-1: {{ images: (
        {{ filename = "rootfs.ext4"; device = "/dev/mmcblk0p2"; type = "raw"; encrypted = {str(encrypted).lower()};
           sha256 = "{hashlib.sha256(rootfs).hexdigest()}" }}
    ); }}; copy-2 = {{ ref = "#./copy-1"; }} }} }};
    scripts: ( {{ filename = "update.lua"; type = "lua";{digest} }} );
    bootenv: ( {{ name = "slot"; value = "2" }} );
}}
"""


def swu(
    text: str | bytes, *, sign: str | None = "cms", rootfs: bytes = ROOTFS, form: bytes = b"070702", extra: tuple[str, bytes] | None = None
) -> bytes:
    """A package whose description is signed as CMS or with a bare RSA signature, or not at all."""
    raw = text.encode() if isinstance(text, str) else text
    files = [("sw-description", raw)]
    if sign == "cms":
        options = (pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.NoCapabilities)
        files.append(("sw-description.sig", signed(raw, *options)))
    elif sign == "rsa":
        files.append(("sw-description.sig", rsa_key(2048).sign(raw, padding.PKCS1v15(), hashes.SHA256())))
    elif sign is not None:
        files.append(("sw-description.sig", sign.encode()))
    files += [("rootfs.ext4", rootfs), ("update.lua", SCRIPT)] + ([extra] if extra else [])
    return newc(*files, form=form)


JSON_DESCRIPTION = json.dumps(
    {
        "software": {
            "version": {"ref": "#./common"},
            "common": "2.0.0",
            "hardware-compatibility": ["revC"],
            "images": [{"filename": "rootfs.ext4", "sha256": hashlib.sha256(ROOTFS).hexdigest(), "encrypted": "aes-cbc"}],
        }
    }
)


@cache
def squashfs() -> bytes:
    manifest = (
        b"[update]\ncompatible=Northwind Cam 3\nversion=1.4.2\n\n[bundle]\nformat=plain\n\n[image.rootfs]\nfilename=rootfs.ext4\nsize=340\n"
    )
    return image({"/manifest.raucm": manifest, "/rootfs.ext4": ROOTFS})


def raucb(payload: bytes, message: bytes) -> bytes:
    return payload + message + struct.pack(">Q", len(message))


def rauc_plain(payload: bytes | None = None, kind: str = "rsa") -> bytes:
    body = squashfs() if payload is None else payload
    return raucb(body, signed(body, pkcs7.PKCS7Options.DetachedSignature, kind=kind))


def verity(payload: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """The hash tree over a payload of at least two blocks and at most 128, and its root."""
    level = b"".join(hashlib.sha256(salt + payload[at : at + 4096]).digest() for at in range(0, len(payload), 4096)).ljust(4096, b"\0")
    return level, hashlib.sha256(salt + level).digest()


def rauc_verity(*, kind: str = "verity", damage: bool = False, key: str = "rsa") -> bytes:
    payload = squashfs() + bytes(4096)
    tree, root = verity(payload, b"\x5a" * 32)
    manifest = "[update]\ncompatible=Northwind Cam 3\nversion=1.4.2\ndescription=door cameras\n\n"
    manifest += f"[bundle]\nformat={kind}\nverity-hash={root.hex()}\nverity-salt={'5a' * 32}\nverity-size={len(tree)}\n"
    manifest += f"crypt-key={'ab' * 32}\n" if kind == "crypt" else ""
    manifest += f"\n[image.rootfs]\nfilename=rootfs.ext4\nsha256={hashlib.sha256(ROOTFS).hexdigest()}\nsize=340\n"
    if damage:
        payload = payload[:-1] + b"\1"
    return raucb(payload + tree, signed(manifest.encode(), kind=key))


def tar(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    end = 512 * sum(1 + -(-len(data) // 512) for _, data in files) + 1024
    return out.getvalue()[:end]  # without the filling up to a record of 10240


HEADER_INFO: dict[str, Any] = {
    "payloads": [{"type": "rootfs-image"}],
    "artifact_provides": {"artifact_name": "release-1.4.2", "artifact_group": "doors"},
    "artifact_depends": {"device_type": ["cam3", "cam4"]},
}
TYPE_INFO: dict[str, Any] = {
    "type": "rootfs-image",
    "artifact_provides": {"rootfs-image.version": "1.4.2", "mqtt_password": "hunter22hunter"},
}


def mender(
    *,
    sign: str | None = "rsa",
    compress: str = "gz",
    manifest: bytes | None = None,
    version: int = 3,
    extra: tuple[str, bytes] | None = None,
    rootfs: bytes = ROOTFS,
    augment: bytes | None = None,
) -> bytes:
    """A Mender artifact (mender-artifact, Documentation/artifact-format-v3.md)."""
    packed = {"gz": lambda data: gzip.compress(data, mtime=0), "xz": lzma.compress, "": lambda data: data}[compress]
    ending = f".tar.{compress}" if compress else ".tar"
    info = (
        HEADER_INFO if version == 3 else {"updates": HEADER_INFO["payloads"], "artifact_name": "old", "device_types_compatible": ["cam3"]}
    )
    header = tar(
        ("header-info", json.dumps(info).encode()),
        ("scripts/ArtifactInstall_Enter_01", b"#!/bin/sh\n"),
        ("headers/0000/type-info", json.dumps(TYPE_INFO).encode()),
        ("headers/0000/meta-data", b""),
    )
    files = {"version": json.dumps({"format": "mender", "version": version}).encode(), f"header{ending}": packed(header)}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    digests["data/0000/rootfs.ext4"] = hashlib.sha256(ROOTFS).hexdigest()
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode() if manifest is None else manifest
    members = [("version", files["version"]), ("manifest", text)]
    if sign == "rsa":
        members.append(("manifest.sig", base64.b64encode(rsa_key(2048).sign(text, padding.PKCS1v15(), hashes.SHA256()))))
    elif sign == "ec":
        r, s = decode_dss_signature(ec_key().sign(text, ec.ECDSA(hashes.SHA256())))
        members.append(("manifest.sig", base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))))
    elif sign is not None:
        members.append(("manifest.sig", sign.encode()))
    members += [("manifest-augment", augment)] if augment is not None else []
    members.append((f"header{ending}", files[f"header{ending}"]))
    inside = [("rootfs.ext4", rootfs)] + ([extra] if extra else [])
    return tar(*members, (f"data/0000{ending}", packed(tar(*inside))))


IMPORT_MANIFEST: dict[str, Any] = {
    "updateId": {"provider": "Northwind", "name": "Cam3", "version": "1.4.2"},
    "isDeployable": True,
    "compatibility": [{"manufacturer": "northwind", "model": "cam-3"}],
    "instructions": {
        "steps": [
            {"handler": "microsoft/swupdate:2", "files": ["cam.swu"], "handlerProperties": {"installedCriteria": "1.4.2"}},
            {"type": "reference", "updateId": {"provider": "Northwind", "name": "Lens", "version": "1.0"}},
        ]
    },
    "files": [{"filename": "cam.swu", "sizeInBytes": 7558, "hashes": {"sha256": base64.b64encode(bytes(range(32))).decode()}}],
    "createdDateTime": "2026-11-21T06:00:00.1234567Z",
    "manifestVersion": "5.0",
}


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jws(head: dict[str, Any], content: bytes) -> str:
    text = f"{url64(json.dumps(head).encode())}.{url64(content)}"
    return f"{text}.{url64(rsa_key(2048).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def device_manifest(*, said: bytes | None = None, algorithm: str = "RS256", sign: bool = True) -> bytes:
    """A manifest as a device gets it, signed by a key that comes with it."""
    text = json.dumps({**IMPORT_MANIFEST, "files": {"f1": {"fileName": "cam.swu", "sizeInBytes": 7558, "hashes": {"sha256": "AAEC"}}}})
    numbers = rsa_key(2048).public_key().public_numbers()
    key = {"kty": "RSA", "alg": "RS256", "kid": "T", "n": url64(numbers.n.to_bytes(256, "big")), "e": url64(b"\x01\0\x01")}
    head = {"alg": algorithm, "sjwk": jws({"alg": "RS256", "kid": "root"}, json.dumps(key).encode())}
    digest = hashlib.sha256(text.encode()).digest() if said is None else said
    outer = {"updateManifest": text}
    if sign:
        outer["updateManifestSignature"] = jws(head, json.dumps({"sha256": base64.b64encode(digest).decode()}).encode())
    return json.dumps(outer).encode()


SAMPLES = {
    "swupdate": {
        "CMS": swu(description()),
        "RSA": swu(description(), sign="rsa", form=b"070701"),
        "JSON": swu(JSON_DESCRIPTION, sign=None),
    },
    "rauc": {"plain": rauc_plain(), "verity": rauc_verity(), "crypt": rauc_verity(kind="crypt")},
    "mender": {"RSA": mender(), "ECDSA, xz": mender(sign="ec", compress="xz"), "unsigned": mender(sign=None, compress="")},
    "device_update": {"import": json.dumps(IMPORT_MANIFEST).encode(), "device": device_manifest()},
}
