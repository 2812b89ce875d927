"""Takes secrets out of what a device answered, before it is stored (law 8). Supplied files never come here: they stay with the customer.

Each secret is replaced by `<redacted:KIND:DIGEST>`, the digest keyed by the rig's own key, so that the same secret at two devices
still shows as the same. Lengths and offsets after it change; a Content-Length is not mended, and offsets cited by a verdict are those
of the redacted bytes.

| where | what is taken | kind |
|---|---|---|
| PEM | the body of any private key, whole or cut short | private_key |
| header lines of HTTP, RTSP, SSDP, SIP | cookie values (names and attributes stay: checks need them) | cookie |
| | Authorization, Proxy-Authorization, X-Auth-Token, X-Api-Key and the like | authorization |
| | the id of an RTSP Session | session |
| SAS tokens, connection strings | `sig=`, `SharedAccessKey=`, `AccountKey=` | sas |
| HTML | values of password inputs, and of inputs with a name of `_WORDS` | password, or by the word |
| JSON, XML, `key=value`, URLs | values under the words of `_WORDS`; the password of `scheme://user:password@` | by the word |

Rules: pure; redacting twice changes nothing more; every pattern is bounded, so that hostile bytes cost linear time. It errs on the
side of taking too much. What looks like none of these cannot be known to be secret, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from plumbline.rig.secrets import keyed_digest

HEADER_PROTOCOLS = frozenset({"http", "https", "rtsp", "rtsps", "ssdp", "sip", "ws", "onvif", "upnp"})

_WORDS = {
    "password": "password",
    "passwd": "password",
    "passphrase": "password",
    "passwort": "password",
    "pwd": "password",
    "psk": "password",
    "presharedkey": "password",
    "pre_shared_key": "password",
    "wpakey": "password",
    "wpa_key": "password",
    "secret": "secret",
    "privatekey": "private_key",
    "private_key": "private_key",
    "apikey": "token",
    "api_key": "token",
    "api-key": "token",
    "token": "token",
    "jwt": "token",
    "csrf": "token",
    "sessionid": "session",
    "session_id": "session",
    "session-id": "session",
    "sessid": "session",
    "jsessionid": "session",
    "sharedaccesskey": "sas",
    "accountkey": "sas",
    "sharedaccesssignature": "sas",
    "primarykey": "sas",
    "secondarykey": "sas",
}
_WHOLE = {"pass": "password", "sid": "session"}  # only as a whole part of a name: `compass` and `ssid` are no secrets
_WORD = "|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True))
_NAME = rf"(?:[\w.\-]{{0,40}}?(?:{_WORD})|(?:[\w.\-]{{0,40}}[_.\-])?(?:{'|'.join(_WHOLE)}))[_\-]?\d{{0,2}}"

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY)-----([^-]{1,65536})")
_HEADER_AUTH = re.compile(
    rb"(?im)^((?:proxy-)?authorization|authentication-info|x-(?:auth|access|csrf|session|api)[-_]?(?:token|key|id)?)"
    rb"([ \t]{0,8}:[ \t]{0,8})([^\r\n]{1,8192})"
)
_HEADER_COOKIE = re.compile(rb"(?im)^(set-cookie2?|cookie)([ \t]{0,8}:[ \t]{0,8})([^\r\n]{1,8192})")
_COOKIE_PAIR = re.compile(rb"([^=;\s]{1,256}[ \t]{0,4}=[ \t]{0,4})([^;]{1,8192})")
_COOKIE_ATTRIBUTES = frozenset({b"path", b"domain", b"expires", b"max-age", b"samesite", b"priority", b"version", b"comment", b"port"})
_HEADER_SESSION = re.compile(rb"(?im)^(session[ \t]{0,8}:[ \t]{0,8})([^;\r\n]{1,1024})")
_SAS = re.compile(rb"(?i)(\b(?:sig|sharedaccesskey|accountkey)=)([A-Za-z0-9+/%=_\-]{8,1024})")
_URL = re.compile(rb"(\b[A-Za-z][A-Za-z0-9+.\-]{1,15}://[^\s/:@<>\"']{0,128}:)([^\s/@<>\"']{1,256})(?=@)")
_INPUT = re.compile(rb"(?i)<input\b[^<>]{0,2000}>")
_ATTRIBUTE = re.compile(rb"(?i)\b(type|name|id)\s{0,4}=\s{0,4}[\"']?([\w.\-:]{1,128})")
_VALUE = re.compile(rb"(?i)(\bvalue\s{0,4}=\s{0,4})(\"[^\"]{1,4096}|'[^']{1,4096}|[^\s\"'>]{1,4096})")
_JSON = re.compile(rf"(?i)(\"({_NAME})\"\s{{0,8}}:\s{{0,8}}\")((?:[^\"\\]|\\.){{1,8192}})".encode())
_XML = re.compile(rf"(?i)(<(?:\w{{1,20}}:)?({_NAME})(?:\s[^<>]{{0,200}})?>)([^<]{{1,8192}})(?=<|\Z)".encode())
_PAIR = re.compile(rf"(?i)((?<![\w.\-])({_NAME})[ \t]{{0,4}}=[ \t]{{0,4}}[\"']?)([^&\s\"'<>;,]{{1,4096}})".encode())

_DONE = re.compile(rb"\s*(?:<redacted:\w{1,40}:k1:[0-9a-f]{32}>\s*)+")  # the whole of it: a device may write these words too
_Put = Callable[[str, bytes], bytes]


def redact(protocol: str, data: bytes, key: bytes) -> bytes:
    """Give the answer without the secrets that can be told as such; `protocol` decides whether header lines are looked for."""
    put = partial(_put, key)
    data = _PEM.sub(lambda found: b"-----BEGIN " + found[1] + b"-----" + put("private_key", found[2]), data)
    if protocol in HEADER_PROTOCOLS:
        data = _HEADER_COOKIE.sub(lambda found: found[1] + found[2] + _cookies(put, found[1], found[3]), data)
        data = _HEADER_AUTH.sub(lambda found: found[1] + found[2] + put("authorization", found[3]), data)
        data = _HEADER_SESSION.sub(lambda found: found[1] + put("session", found[2]), data)
    data = _SAS.sub(lambda found: found[1] + put("sas", found[2]), data)
    data = _URL.sub(lambda found: found[1] + put("password", found[2]), data)
    data = _INPUT.sub(lambda found: _input(put, found[0]), data)
    for pattern in (_JSON, _XML, _PAIR):
        data = pattern.sub(lambda found: found[1] + put(_kind(found[2]), found[3]), data)
    return data


def _put(key: bytes, kind: str, secret: bytes) -> bytes:
    if _DONE.fullmatch(secret):
        return secret
    return b"<redacted:" + kind.encode() + b":" + keyed_digest(key, kind, secret).encode() + b">"


def _kind(name: bytes) -> str:
    plain = name.decode("ascii", "replace").lower()
    return next((kind for word, kind in (_WORDS | _WHOLE).items() if word in plain), "secret")


def _cookies(put: _Put, header: bytes, value: bytes) -> bytes:
    """In Set-Cookie only the first pair is the cookie (RFC 6265, 4.1.1); in Cookie every pair is one."""
    many = header.lower() == b"cookie"

    def one(found: re.Match[bytes]) -> bytes:
        name = found[1].split(b"=")[0].strip().lower()
        if not many and found.start() > 0 and name in _COOKIE_ATTRIBUTES:
            return found[0]
        return found[1] + put("cookie", found[2])

    return _COOKIE_PAIR.sub(one, value)


def _input(put: _Put, tag: bytes) -> bytes:
    attributes = {found[1].lower(): found[2].lower() for found in _ATTRIBUTE.finditer(tag)}
    name = (attributes.get(b"name", b"") + b" " + attributes.get(b"id", b"")).decode("ascii", "replace")
    if attributes.get(b"type") == b"password":
        kind = "password"
    else:
        parts = set(re.split(r"[\s.\-:_]+", name))
        word = next((each for each in _WORDS if each in name), None)
        whole = next((each for each in _WHOLE if each in parts), None)
        if word is None and whole is None:
            return tag
        kind = _WORDS[word] if word else _WHOLE[whole or ""]

    def one(found: re.Match[bytes]) -> bytes:
        quote = found[2][:1] if found[2][:1] in (b'"', b"'") else b""
        return found[1] + quote + put(kind, found[2][len(quote) :])

    return _VALUE.sub(one, tag)
