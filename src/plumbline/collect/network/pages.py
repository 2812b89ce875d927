"""The question for a page, asked in the same words when a service is identified and when it is probed, so that one answer does for both."""

from __future__ import annotations

from plumbline.collect.network.probe import Visit
from plumbline.protocols.http import encode_get

FOREIGN_ORIGIN = "https://origin.invalid"  # RFC 6761: nobody can own it


def page_request(visit: Visit, path: str) -> bytes:
    """The GET of one page of a visited service."""
    return encode_get(netloc(visit), path, [("Origin", FOREIGN_ORIGIN)])


def netloc(visit: Visit) -> str:
    """The service as it stands in a URL: the port is left out where the scheme says it."""
    return visit.host if visit.port == (443 if visit.tls else 80) else f"{visit.host}:{visit.port}"
