"""Tell secrets from other settings by their names and by their form.

Used where a customer's file holds free settings: environment variables of modules, tags and properties of twins. It is not a search of
binaries, and it never gives the secret back: only that there is one (law 8).

Rules:
- A value is a secret when its form alone says so (a connection string with a key, a private key, a token with a known prefix), or when
  its name says so and its form does not contradict it.
- Placeholders (`${VAR}`, `<Var>`, `{{var}}`, `%VAR%`, `[parameters('x')]`), masks (`****`), paths, and references to a vault or a file
  contradict it: the secret is elsewhere.
- Every pattern is bounded, so the time is linear in the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

SCANNED_MAX = 16 * 1024  # characters of one value that are looked at
DEPTH_MAX = 40
NAME_MAX = 100  # characters of one name that a path shows
PATH_MAX = 160  # and of the path before it: a short hostile text must not give long rows

_PLACEHOLDER = re.compile(
    r"\$\{[^}]{0,200}\}|\$\([^)]{0,200}\)|<[A-Za-z][^<>]{0,200}>|\{\{[^}]{0,200}\}\}|%[A-Za-z_]\w{0,100}%|__[A-Z0-9_]{1,100}__|#\{[^}]{0,200}\}"
)
_WHOLE_PLACEHOLDER = re.compile(r"\s*(?:\$[A-Z_][A-Z0-9_]{0,100}|\[[a-zA-Z]+\(.{0,1000}\)\])\s*", re.DOTALL)
_MASK = re.compile(r"[*•·.xX#-]+")
_ELSEWHERE = re.compile(
    r"(?i)(?:/|\./|~/|[a-z]:\\|file:|pkcs11:|env:|vault:|keyring:|secretref:|@microsoft\.keyvault|[a-z][a-z0-9+.-]{1,20}://)"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NO_SECRET_WORDS = _words("""
    true false none null nil yes no on off enabled disabled set unset required optional redacted hidden removed unknown n/a tbd todo
    sas x509 tpm certificate symmetrickey
""")

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_TRAILING = _words("value base64 b64 plain plaintext text")
_PASSWORDS = _words("password passwd pwd passphrase passcode psk")
_SECRETS = _words("""
    secret token credential credentials apikey accesskey privatekey secretkey sharedkey connectionstring connstr authkey appkey nwkkey
""")
_KEY_OWNERS = _words("""
    api access account private secret shared primary secondary symmetric encryption master wifi wpa wep wlan app nwk auth signing session
    device storage sas provisioning enrollment group aes hmac psk service function
""")
_PASS_OWNERS = _words("db mqtt wifi user admin root smtp ftp ap broker login")
_PAGING = _words("next continuation page cancellation")

_FORMS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i:sharedaccesskey|accountkey|sharedsecretvalue)\s?=\s?[A-Za-z0-9+/_-]{8}",
        r"(?:[?&;\s]|^)(?i:sig)=[A-Za-z0-9%+/_-]{20}",
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----",
        r"\beyJ[A-Za-z0-9_-]{8,400}\.eyJ[A-Za-z0-9_-]{8,400}\.",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22}",
        r"\bxox[abprs]-[A-Za-z0-9-]{10}",
    )
)
_LITERALS = tuple(
    re.compile(pattern)  # group 1 is the secret, which may be a placeholder
    for pattern in (
        r"(?i)[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,256}:([^\s/@]{1,256})@",
        r"(?i)(?:^|;)\s{0,4}(?:password|pwd)\s?=\s?([^;\s]{1,256})",
    )
)
_FORM_LENGTH_MIN = 12  # no form above is shorter


def is_placeholder(value: str) -> bool:
    """Say whether the value, or a part of it, is still to be filled in, or was blotted out."""
    value = value[:SCANNED_MAX]
    return bool(_PLACEHOLDER.search(value) or _WHOLE_PLACEHOLDER.fullmatch(value) or _MASK.fullmatch(value))


def _may_hold_secret(text: str) -> bool:
    """Say quickly whether any form is possible: each needs one of these."""
    return len(text) >= _FORM_LENGTH_MIN and (
        "=" in text or "://" in text or "eyJ" in text or "KEY-" in text or "AKIA" in text or "ASIA" in text or "gh" in text or "xox" in text
    )


def has_secret_form(value: str) -> bool:
    """Say whether the value is, or holds, a secret by its form alone."""
    if not _may_hold_secret(value):
        return False
    value = value[:SCANNED_MAX]
    if any(form.search(value) for form in _FORMS):
        return True
    return any(not is_placeholder(match[1]) for form in _LITERALS for match in form.finditer(value))


@lru_cache(maxsize=20_000)
def names_secret(name: str) -> str | None:
    """Give `password` or `key` when the name says that its value is one: `WIFI_PASSWORD`, `primaryKey`; None for `tokenType`, `keyFile`."""
    words = [word.lower() for word in _WORDS.findall(name[-200:])]
    while words and (words[-1] in _TRAILING or words[-1].isdigit()):
        words.pop()
    if not words:
        return None
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _PASSWORDS or (last, before) == ("phrase", "pass") or (last == "pass" and before in _PASS_OWNERS):
        return "password"
    if last == "token" and before in _PAGING:
        return None
    if last in _SECRETS or (last == "key" and before in _KEY_OWNERS) or (before, last) == ("connection", "string"):
        return "key"
    return None


def is_secret(name: str, value: object) -> bool:
    """Say whether the value of a setting of that name is a secret, by name and form."""
    kind = names_secret(name)
    if not isinstance(value, str):
        # A password of digits alone loses its quotes in many an editor.
        return kind == "password" and isinstance(value, int) and not isinstance(value, bool) and value > 999
    if has_secret_form(value):
        return True
    if kind is None or is_placeholder(value):
        return False
    value = value[:SCANNED_MAX].strip()
    if not value or value.lower() in _NO_SECRET_WORDS or _ELSEWHERE.match(value):
        return False
    return kind == "password" or (len(value) >= 8 and " " not in value and not value.isdigit())


def secret_paths(tree: dict[str, Any], prefix: str, paths: list[str], most: int) -> None:
    """Append the dotted paths of secrets in a tree of JSON values, at most `most` in all; names that begin with `$` are the hub's own."""
    _search(tree, [prefix], paths, most)


def _search(tree: dict[str, Any], names: list[str], paths: list[str], most: int) -> None:
    # Millions of twins come this way: a path is put together only where there is something to say.
    for name, value in tree.items():
        if isinstance(value, str):
            if (names_secret(name) or _may_hold_secret(value)) and is_secret(name, value):
                _found(names, name, paths)
        elif isinstance(value, dict | list):
            if name.startswith("$") or len(names) >= DEPTH_MAX:
                continue
            names.append(name[:NAME_MAX])
            _search(value if isinstance(value, dict) else {f"[{at}]": one for at, one in enumerate(value)}, names, paths, most)
            names.pop()
        elif names_secret(name) == "password" and is_secret(name, value):
            _found(names, name, paths)
        if len(paths) >= most:
            return


def _found(names: list[str], name: str, paths: list[str]) -> None:
    path = f"{'.'.join(names)[:PATH_MAX]}.{name[:NAME_MAX]}"
    paths.append(path.replace(".[", "["))
