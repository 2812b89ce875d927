"""Keys that stay in a PKCS#11 token, such as a smart card: `hsm:ID?label=TOKEN`, ECDSA P-256, by securesystemslib's signer.

The environment names the token's module: PYKCS11LIB=/usr/lib/.../libsofthsm2.so. The PIN is asked for like a passphrase.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import Key, Signature, Signer  # type: ignore[attr-defined]

from plumbline.attest.keys import Secret, verifying_key
from plumbline.model.errors import InputError

SCHEME = "hsm:"
_FORM = re.compile(r"hsm:(?P<id>\d{1,9})(?:\?(?P<query>[^#]{1,400}))?")


def load_token(text: str, pin: Secret) -> Signer:
    """Find a key in a token and give what signs with it; raises InputError saying what is not there."""
    from securesystemslib.signer import HSMSigner  # type: ignore[attr-defined]

    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError("names no key in a token", where=text[:200], remedy="write hsm:2?label=TOKEN, where 2 is the key's id")
    label = dict(parse_qsl(match["query"] or "")).get("label")
    number = int(match["id"])

    def asked(_what: str) -> str:
        return pin().decode()

    try:
        _, found = HSMSigner.import_(number, label, asked)
        key = verifying_key(found._crypto_key(), text)
        return _Token(HSMSigner(number, key, asked, label), text)
    except (UnsupportedLibraryError, ImportError) as error:
        raise InputError("needs the package python-pkcs11", where=text, remedy="pip install 'plumbline[pkcs11]'") from error
    except InputError:
        raise
    except Exception as error:
        raise _of_token(error, text) from error


class _Token(Signer):
    """The library's signer, whose errors are those of the token's vendor."""

    def __init__(self, signer: Signer, text: str) -> None:
        self._signer = signer
        self._text = text

    @property
    def public_key(self) -> Key:
        return self._signer.public_key

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: object, secrets_handler: object = None) -> Signer:
        raise NotImplementedError

    def sign(self, payload: bytes) -> Signature:
        try:
            return self._signer.sign(payload)
        except InputError:
            raise
        except Exception as error:
            raise _of_token(error, self._text) from error


def _of_token(error: Exception, text: str) -> InputError:
    """Translate what a vendor's module makes the library raise, which may be anything."""
    remedy = "check PYKCS11LIB, the token's label, the key's id and the PIN"
    return InputError(f"the token gave no signature: {str(error) or type(error).__name__}"[:300], where=text, remedy=remedy)
