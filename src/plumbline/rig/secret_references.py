"""References to secrets that the customer gives: `env:NAME`, `file:path`, `keyring:service/name`.

Not a store. Rules: a rig file holds the reference alone; the secret is read when a login needs it, and goes into no log, message or bundle.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from plumbline.model.errors import InputError

SECRET_MAX = 64 * 1024  # bytes; private keys with comments are smaller
_FORM = re.compile(r"(env|file|keyring):(\S.{0,400})")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is to be found."""

    kind: str
    place: str

    @classmethod
    def parse(cls, text: str) -> SecretReference:
        """Read one; raises ValueError, which repeats nothing of a text that might be the secret itself."""
        match = _FORM.fullmatch(text)
        if match is None or (match[1] == "keyring" and "/" not in match[2]):
            raise ValueError("is no reference to a secret")
        return cls(match[1], match[2])

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}"

    def read(self, base: Path) -> bytes:
        """Read the secret; files are relative to `base`. Raises InputError when it is not there or open to other users."""
        if self.kind == "env":
            value = os.environ.get(self.place)
            if not value:
                raise InputError("is not set", where=f"environment variable {self.place}", remedy="export it for this run")
            return value.encode()
        return self._file(base / self.place) if self.kind == "file" else self._keyring()

    def _file(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise InputError("is open to other users", where=str(path), remedy="chmod 600 it")
                data = file.read(SECRET_MAX + 1)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=str(path), remedy="check the path") from error
        if len(data) > SECRET_MAX:
            raise InputError(f"is larger than {SECRET_MAX} bytes", where=str(path), remedy="name a file with the secret alone")
        return data if b"-----BEGIN " in data else data.removesuffix(b"\n").removesuffix(b"\r")

    def _keyring(self) -> bytes:
        try:
            import keyring
        except ImportError as error:
            raise InputError("needs the package keyring", where=str(self), remedy="pip install keyring, or use env: or file:") from error
        service, _, name = self.place.partition("/")
        value = keyring.get_password(service, name)
        if not value:
            raise InputError("holds no such secret", where=str(self), remedy="store it first: keyring set SERVICE NAME")
        return str(value).encode()
