"""The rig's own key, and digests of secrets under it (law 8).

Not a store of secrets: a secret that an audit finds is turned into a digest here and dropped. The key keeps a reader of a bundle from
trying guesses against the digests, while two findings of the same secret in one rig still show as equal.

Rules: `rig.key` is 32 random bytes beside the rig file, mode 0600; it never enters a bundle, a log or a message.
"""

from __future__ import annotations

import hmac
import os
import stat
from pathlib import Path
from secrets import token_bytes

from plumbline.model.errors import EnvironmentFault, InputError

KEY_NAME = "rig.key"
KEY_BYTES = 32
_DIGEST_HEX = 32  # 128 bits: enough that two secrets do not meet by chance


def rig_key(folder: Path) -> bytes:
    """Give the 32-byte key of the rig whose file stands in `folder`, making it when there is none.

    Raises InputError when the key there is of another size, not a file, or open to other users; EnvironmentFault when it cannot be made.
    """
    path = folder / KEY_NAME
    if not os.path.lexists(path):
        _make(path)
    return _read(path)


def keyed_digest(key: bytes, kind: str, secret: bytes) -> str:
    """Digest a secret under the rig's key, as `k1:` and 32 hex digits; equal only for the same kind and secret."""
    return "k1:" + hmac.digest(key, kind.encode() + b"\0" + secret, "sha256").hex()[:_DIGEST_HEX]


def _make(path: Path) -> None:
    """Write a whole key under a name of its own and link it into place, so that a second process never reads half a key."""
    draft = path.with_name(f".{KEY_NAME}.{os.getpid()}.{token_bytes(4).hex()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, token_bytes(KEY_BYTES))
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first; its key holds
        finally:
            draft.unlink()
    except OSError as error:
        raise EnvironmentFault(f"{path}: cannot be made: {error.strerror}; make the rig's folder writable") from error


def _read(path: Path) -> bytes:
    where = str(path)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=where, remedy="it must be a plain file of yours") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise InputError("is not a plain file", where=where, remedy="move it away; a new key is made on the next run")
        if status.st_mode & 0o077:
            raise InputError(f"is open to other users (mode {status.st_mode & 0o777:04o})", where=where, remedy="chmod 600 it")
        key = os.read(handle, KEY_BYTES + 1)
    finally:
        os.close(handle)
    if len(key) != KEY_BYTES:
        raise InputError(
            f"holds {len(key)} bytes or more, not {KEY_BYTES}", where=where, remedy="restore it; a new one ends comparison with old runs"
        )
    return key
