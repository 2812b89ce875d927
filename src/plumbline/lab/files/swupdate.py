"""Writes an update package of SWUpdate (.swu): a cpio archive of a description, its signature where there is one, and the root file system.

Not a general writer: one image, no scripts, no encryption. Source: SWUpdate, doc/source/sw-description.rst and signed_images.rst; cpio(5),
the form newc: a header of 110 bytes, numbers of eight hexadecimal digits, names and data filled up to four bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

ROOT = "rootfs.squashfs"
_REGULAR = 0o100644
_DESCRIPTION = """software =
{{
    version = "{version}";
    description = "{product}";
    hardware-compatibility: [ "1.0" ];
    images: ( {{ filename = "{root}"; device = "/dev/mmcblk0p2"; sha256 = "{sha256}"; }} );
}};
"""


def package(product: str, version: str, root: bytes, key: rsa.RSAPrivateKey | None) -> bytes:
    """Write the package of a root file system; `key` signs the description (PKCS#1 v1.5, SHA-256), None leaves it without a signature."""
    described = _DESCRIPTION.format(version=version, product=product, root=ROOT, sha256=hashlib.sha256(root).hexdigest()).encode()
    files = {"sw-description": described}
    if key is not None:
        files["sw-description.sig"] = key.sign(described, padding.PKCS1v15(), SHA256())
    files[ROOT] = root
    return b"".join(_entries(files))


def _entries(files: dict[str, bytes]) -> Iterator[bytes]:
    for number, (name, data) in enumerate(files.items(), 1):
        yield _header(name, number, _REGULAR, len(data))
        yield data + bytes(-len(data) % 4)
    yield _header("TRAILER!!!", 0, 0, 0)


def _header(name: str, number: int, mode: int, size: int) -> bytes:
    fields = (number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(f"{field:08X}".encode() for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4)
