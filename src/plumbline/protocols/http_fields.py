"""What the fields of an HTTP response say of its server: redirects, cookies, HSTS, challenges, CORS. Facts, no opinion; no body.

| field | clause |
|---|---|
| Server, X-Powered-By, Location, WWW-Authenticate | RFC 9110 10.2.4, habit, 10.2.2, 11.6.1 |
| Set-Cookie: `name=value; Secure; HttpOnly; SameSite=...` | RFC 6265 4.1, 5.2; draft-ietf-httpbis-rfc6265bis 4.1.2.7 |
| Strict-Transport-Security: `max-age=<s>; includeSubDomains` | RFC 6797 6.1; only the first field counts (8.1) |
| Access-Control-Allow-Origin, -Credentials | Fetch standard 3.2.3 |

A cookie's value is not kept (law 8), nor is the query of a redirect: both may hold a session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from plumbline.protocols.challenge import Challenge, parse_challenges
from plumbline.protocols.http import Response

MAX_TEXT = 256  # of any text that is kept
MAX_COOKIES = 50  # RFC 6265 6.1: what a client must at least hold for one domain


@dataclass(frozen=True, slots=True)
class Cookie:
    """One Set-Cookie field; `same_site` in lower case, None when the attribute is absent."""

    name: str
    secure: bool
    http_only: bool
    same_site: str | None


@dataclass(frozen=True, slots=True)
class Hsts:
    """A valid Strict-Transport-Security field; `max_age_s` 0 withdraws it."""

    max_age_s: int
    include_subdomains: bool


@dataclass(frozen=True, slots=True)
class Cors:
    """Whom the server lets read its answers from a script: `allow_origin` as sent."""

    allow_origin: str
    allow_credentials: bool


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """All of it; None where a field is absent. `product` and `version` are Server's first word, split at its slash."""

    server: str | None
    product: str | None
    version: str | None
    powered_by: str | None
    location: str | None
    cookies: tuple[Cookie, ...]
    hsts: Hsts | None
    challenges: tuple[Challenge, ...]
    cors: Cors | None


def field_facts(response: Response) -> FieldFacts:
    """Read the fields of one response."""
    server = response.first("server")
    product = re.match(r"([^\s/()]{1,64})(?:/([\w.\-+~]{1,32}))?", server or "")
    powered_by = response.first("x-powered-by")
    location = response.first("location")
    return FieldFacts(
        server=None if server is None else server[:MAX_TEXT],
        product=product[1] if product else None,
        version=product[2] if product else None,
        powered_by=None if powered_by is None else powered_by[:MAX_TEXT],
        location=None if location is None else without_query(location),
        cookies=tuple(parse_cookie(value) for value in response.all_of("set-cookie")[:MAX_COOKIES]),
        hsts=parse_hsts(response.first("strict-transport-security")),
        challenges=parse_challenges(response.all_of("www-authenticate")),
        cors=_cors(response),
    )


def without_query(url: str) -> str:
    """Cut query and fragment off, and the text at 256 characters."""
    return re.split(r"[?#]", url, maxsplit=1)[0].strip()[:MAX_TEXT]


def redirect_url(base: str, location: str) -> str | None:
    """Resolve a redirect against the URL that was asked for (RFC 3986 5.2); None when it is no http or https URL."""
    try:
        url = urljoin(base, location.strip())
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            return None
    except ValueError:
        return None
    return url


def parse_cookie(value: str) -> Cookie:
    """Read one Set-Cookie value as RFC 6265 5.2 does; never fails."""
    first, *attributes = value.split(";")
    given = {name.strip().lower(): word.strip().lower() for name, _, word in (attribute.partition("=") for attribute in attributes)}
    return Cookie(first.partition("=")[0].strip()[:MAX_TEXT], "secure" in given, "httponly" in given, given.get("samesite"))


def parse_hsts(value: str | None) -> Hsts | None:
    """Read Strict-Transport-Security; None when it is absent or lacks a valid max-age, which voids it (RFC 6797 6.1.1)."""
    if value is None:
        return None
    given = {name.strip().lower(): word.strip().strip('"') for name, _, word in (part.partition("=") for part in value.split(";"))}
    age = given.get("max-age", "")
    if not (age.isascii() and age.isdigit() and len(age) <= 18):
        return None
    return Hsts(int(age), "includesubdomains" in given)


def _cors(response: Response) -> Cors | None:
    origin = response.first("access-control-allow-origin")
    if origin is None:
        return None
    return Cors(origin.strip()[:MAX_TEXT], response.first("access-control-allow-credentials") == "true")
