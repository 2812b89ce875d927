"""Authentication challenges and schemes, as HTTP and RTSP share them (RFC 9110 11, RFC 7826 19). Facts only: no credential is kept.

| clause | what |
|---|---|
| RFC 9110 11.3 | `challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ]`; several stand in one field, parted by commas |
| RFC 9110 11.2 | `auth-param = token BWS "=" BWS ( token / quoted-string )`; the scheme and the names ignore case |
| RFC 9110 11.5 | `realm` names the protection space; devices like to put their model there |
| RFC 7616 3.3 | Digest: `algorithm`, MD5 when absent |

Field values that break the grammar give the challenges before the break: a device's bad header must not hide its good ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_VALUE = 4096  # no challenge of a real server comes near; the rest of a longer value is not read
MAX_CHALLENGES = 16
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf'[\s,]*({_TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|{_TOKEN})', re.DOTALL)
_SCHEME = re.compile(rf"[\s,]*({_TOKEN})(?:[ ]+[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$)))?(?=[\s,]|$)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate that a server offers. `scheme` is in lower case; `algorithm` is Digest's, as sent."""

    scheme: str
    realm: str | None
    algorithm: str | None = None


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Read the values of every WWW-Authenticate field of one answer, in order."""
    found: list[Challenge] = []
    for value in values:
        text, at = value[:MAX_VALUE], 0
        while len(found) < MAX_CHALLENGES and (match := _SCHEME.match(text, at)):
            at = match.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAMETER.match(text, at):
                at = parameter.end()
                parameters.setdefault(parameter.group(1).lower(), _unquoted(parameter.group(2)))
            found.append(Challenge(match.group(1).lower(), parameters.get("realm"), parameters.get("algorithm")))
    return tuple(found)


def scheme_of(credentials: str) -> str | None:
    """Name the scheme of an Authorization value in lower case, without reading the credential; None when there is none."""
    match = re.match(_TOKEN, credentials.strip()[:64])
    return match.group(0).lower() if match else None
