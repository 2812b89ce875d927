"""HTTP and HTTPS: one GET of /, and of where that redirects on the same port (twice at most). Nothing is logged in to.

Exchanges: a connection and a request for each page, so 6 at most (12 with the TLS handshakes). The request carries a foreign Origin, to
see whether any web page may read the device; devices that know no CORS ignore it. A redirect to another place is recorded, judged and
not followed. Page facts come from the last page read; a body cut short, or one that scripts and frames fill, leaves what it may have
held unobserved.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from plumbline.collect.network.exchange import Reading, of_type, receive_event
from plumbline.collect.network.pages import FOREIGN_ORIGIN, netloc, page_request
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import HungUpError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.redirects import next_hop
from plumbline.protocols.http import Response, ResponseDecoder
from plumbline.protocols.http_fields import MAX_TEXT, Cookie, FieldFacts, field_facts, redirect_url, without_query
from plumbline.protocols.http_page import PageFacts, page_facts
from plumbline.rig.permits import Contact

PAGES_MAX = 3
_PATH = re.compile(r"/[!-~]{0,511}")  # what may stand in a request line, and not absurdly long
# Offers that belong to administration by themselves; "setup" or "users" alone stand on many a harmless page.
STRONG_OFFERS = {"firmware", "reboot", "reset"}


async def run(visit: Visit) -> None:
    """Read the first page and write one row."""
    path, first, last = "/", None, None
    for _ in range(PAGES_MAX):
        response, raw = await _get(visit, path)
        first = first or (response, raw)
        last = response
        onward = _same_place(visit, path, field_facts(response), page_facts(response))
        if onward is None or onward == path:
            break
        path = onward
    assert first is not None and last is not None  # PAGES_MAX is at least 1
    _write(visit, *first, last)


async def _get(visit: Visit, path: str) -> tuple[Response, bytes]:
    connection = await visit.connect()
    try:
        if not visit.asked:  # the page was asked for when the service was identified
            await connection.request(page_request(visit, path))
        kept, reading = bytearray(), Reading(ResponseDecoder())
        try:
            response = await receive_event(connection, reading, of_type(Response), kept=kept)
        except (SilentError, HungUpError):  # a page without an end, such as a stream of pictures: its head is worth having
            cut = [event for event in reading.end() if kept]
            if not cut:
                raise
            response = cut[0]
        return response, bytes(kept)
    finally:
        await connection.close()


def _same_place(visit: Visit, path: str, fields: FieldFacts, page: PageFacts | None) -> str | None:
    """The path of a redirect that stays on this port; any other is judged, and logged when refused, but never followed."""
    target = fields.location or (page.refresh if page else None)
    if not target or len(target) >= MAX_TEXT:  # so long a one was cut
        return None
    scheme = "https" if visit.tls else "http"
    here = f"{scheme}://{netloc(visit)}{path}"
    onward = redirect_url(here, target)
    there = _split(onward)
    if there is None or (there.scheme, there.hostname, _port(there)) != (scheme, visit.name or visit.address, visit.port):
        current = Contact(ip_address(visit.address), visit.port, visit.transport, Intrusion.QUERY, visit.why)
        next_hop(visit.door, current, target)
        return None
    return there.path if _PATH.fullmatch(there.path) else None


def _split(url: str | None) -> SplitResult | None:
    """Take a URL apart; None for what is none."""
    try:
        parts = urlsplit(url or "")
        _port(parts)
    except ValueError:
        return None
    return parts if url else None


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _write(visit: Visit, response: Response, raw: bytes, last: Response) -> None:
    fields, page = field_facts(response), page_facts(last)
    last_fields = field_facts(last)
    unseen = last.truncated or bool(page and page.built_elsewhere)
    shown = 300 <= last.status < 400 or last.status in (401, 403) or (200 <= last.status < 300 and page is not None)
    # Of several schemes the client chooses, so the one that sends the password itself is the one that counts.
    challenges = sorted(last_fields.challenges, key=lambda one: one.scheme.lower() != "basic")
    challenge = challenges[0] if challenges else None
    location = _split(fields.location)
    cookies = (*fields.cookies, *(last_fields.cookies if last is not response else ()))
    offers = set(page.administration) if page else set()
    open_admin = 200 <= last.status < 300 and not (page and page.login_form) and (bool(offers & STRONG_OFFERS) or len(offers) > 1)
    cors = fields.cors
    visit.row(
        "http_service",
        raw=visit.keep(raw),
        port=visit.port,
        tls=visit.tls,
        status=response.status,
        server=fields.server,
        title=visit.redacted(page.title) if page and page.title is not None else None,
        location=visit.redacted(without_query(fields.location)) if fields.location else None,
        redirects_to_https=bool(location and location.scheme == "https" and location.hostname in (None, visit.name or visit.address)),
        login_form=True if page and page.login_form else None if unseen else False,
        login_form_in_clear=_in_clear(visit, page),
        auth_scheme=challenge.scheme.lower() if challenge else None,
        auth_realm=visit.redacted(challenge.realm)[:MAX_TEXT] if challenge and challenge.realm is not None else None,
        open_admin=True if open_admin else None if unseen or not shown else False,
        directory_listing=True if page and page.directory_listing else None if last.truncated else False,
        hsts=fields.hsts is not None,
        cookies=len(cookies),
        cookies_without_flags=sum(_bare(cookie, tls=visit.tls) for cookie in cookies),
        cors_any_origin=bool(cors and cors.allow_credentials and cors.allow_origin in (FOREIGN_ORIGIN, "*")),
        product=fields.product,
        version=fields.version,
        firmware_version=page.firmware_version if page else None,
        model=page.model if page else None,
    )


def _in_clear(visit: Visit, page: PageFacts | None) -> bool | None:
    if page is None or page.login_form is None:
        return None
    action = page.login_form.action or ""
    return action.startswith("http://") or (not visit.tls and not action.startswith("https://"))


def _bare(cookie: Cookie, *, tls: bool) -> bool:
    return not (cookie.http_only and cookie.same_site and (cookie.secure or not tls))


PROBE = Probe(
    protocol="http",
    tables=("http_service",),
    transport=Transport.TCP,
    ports=frozenset({80, 81, 8000, 8080, 8081, 8888, 49152}),
    tls_ports=frozenset({443, 4443, 8443, 9443}),
    intrusion=Intrusion.QUERY,
    exchanges=12,
    run=run,
)
