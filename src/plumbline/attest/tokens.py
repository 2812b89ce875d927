"""Keys that stay in a PKCS#11 token, such as a smart card: `hsm:ID?label=TOKEN`, ECDSA P-256, by securesystemslib's signer.

The environment names the token's module: PYKCS11LIB=/usr/lib/.../libsofthsm2.so. The PIN is asked for like a passphrase.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import HSMSigner, Signature, Signer, SSlibKey  # type: ignore[attr-defined]

from plumbline.attest.keys import Secret, verifying_key
from plumbline.model.errors import InputError, PlumblineError

SCHEME = "hsm:"
_FORM = re.compile(r"hsm:(?P<id>\d{1,9})(?:\?(?P<query>[^#]{1,400}))?")


def load_token(text: str, pin: Secret) -> Signer:
    """Find a key in a token and give what signs with it; raises InputError saying what is not there."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError("names no key in a token", where=text[:200], remedy="write hsm:2?label=TOKEN, where 2 is the key's id")
    label = dict(parse_qsl(match["query"] or "")).get("label")
    number = int(match["id"])

    def asked(_what: str) -> str:
        return pin().decode()

    with _told(text):
        _, found = HSMSigner.import_(number, label, asked)
        return _Token(text, number, verifying_key(found._crypto_key(), text), asked, label)


class _Token(HSMSigner):
    """The library's signer, whose errors name the token as the user did."""

    def __init__(self, text: str, number: int, key: SSlibKey, asked: Callable[[str], str], label: str | None) -> None:
        super().__init__(number, key, asked, label)
        self._text = text

    def sign(self, payload: bytes) -> Signature:
        with _told(self._text):
            return super().sign(payload)


@contextmanager
def _told(text: str) -> Iterator[None]:
    """Turn what the library and a vendor's module raise into an InputError; what we raise ourselves, asked for the PIN, stays as it is."""
    try:
        yield
    except PlumblineError:
        raise
    except (UnsupportedLibraryError, ImportError) as error:
        raise InputError("needs the package python-pkcs11", where=text, remedy="pip install 'plumbline[pkcs11]'") from error
    except Exception as error:  # the library promises no kind of error, and advises its callers to take any
        remedy = "check PYKCS11LIB, the token's label, the key's id and the PIN"
        raise InputError(f"the token gave no signature: {str(error) or type(error).__name__}"[:300], where=text, remedy=remedy) from error
