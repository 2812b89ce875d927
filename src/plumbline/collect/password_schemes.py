"""Names of the schemes by which passwords are hashed, by the identifier between the first two `$` of a hash (crypt(5))."""

from __future__ import annotations

from collections.abc import Mapping

_SCHEMES: Mapping[str, str] = {
    "1": "md5",
    "2a": "bcrypt",
    "2b": "bcrypt",
    "2x": "bcrypt",
    "2y": "bcrypt",
    "5": "sha256",
    "6": "sha512",
    "7": "scrypt",
    "y": "yescrypt",
    "gy": "yescrypt",
    "argon2i": "argon2",
    "argon2id": "argon2",
}


def scheme_of(identifier: str) -> str:
    """Name a scheme; one that is not known is named by its identifier, as are md5 (Sun's) and sha1."""
    return _SCHEMES.get(identifier, identifier)
