"""HTTP and HTTPS: one GET of /, and of where that redirects on the same port (twice at most). Nothing is logged in to.

Exchanges: a connection and a request for each page, so 6 at most (12 with the TLS handshakes). The request carries a foreign Origin, to
see whether any web page may read the device; devices that know no CORS ignore it. A redirect to another place is recorded, judged and
not followed. Page facts come from the last page read; a body cut short leaves what it may have held unobserved.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from plumbline.collect.network.exchange import of_type, receive_event
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.words import Intrusion, Transport
from plumbline.net.redirects import next_hop
from plumbline.protocols.http import Response, ResponseDecoder, encode_get
from plumbline.protocols.http_fields import Cookie, FieldFacts, field_facts, redirect_url, without_query
from plumbline.protocols.http_page import PageFacts, page_facts
from plumbline.rig.permits import Contact

FOREIGN_ORIGIN = "https://origin.invalid"  # RFC 6761: nobody can own it
PAGES_MAX = 3
PATH_MAX = 512
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
        host = f"[{visit.address}]" if ":" in visit.address else visit.address
        await connection.request(encode_get(f"{host}:{visit.port}", path, [("Origin", FOREIGN_ORIGIN)]))
        kept = bytearray()
        response = await receive_event(connection, ResponseDecoder(), of_type(Response), kept=kept)
        return response, bytes(kept)
    finally:
        await connection.close()


def _same_place(visit: Visit, path: str, fields: FieldFacts, page: PageFacts | None) -> str | None:
    """The path of a redirect that stays on this port; any other is judged, and logged when refused, but never followed."""
    target = fields.location or (page.refresh if page else None)
    if not target:
        return None
    scheme = "https" if visit.tls else "http"
    here = f"{scheme}://{_netloc(visit)}{path}"
    onward = redirect_url(here, target)
    there = urlsplit(onward) if onward else None
    if there is None or (there.scheme, there.netloc) != (scheme, _netloc(visit)):
        current = Contact(ip_address(visit.address), visit.port, visit.transport, Intrusion.QUERY, visit.why)
        next_hop(visit.door, current, target)
        return None
    return there.path if there.path.startswith("/") and len(there.path) <= PATH_MAX else None


def _netloc(visit: Visit) -> str:
    host = f"[{visit.address}]" if ":" in visit.address else visit.address
    return host if visit.port == (443 if visit.tls else 80) else f"{host}:{visit.port}"


def _write(visit: Visit, response: Response, raw: bytes, last: Response) -> None:
    fields, page = field_facts(response), page_facts(last)
    last_fields = field_facts(last)
    unseen = last.truncated
    challenge = last_fields.challenges[0] if last_fields.challenges else None
    location = urlsplit(fields.location) if fields.location else None
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
        title=page.title if page else None,
        location=without_query(fields.location) if fields.location else None,
        redirects_to_https=bool(location and location.scheme == "https" and location.hostname in (None, visit.address)),
        login_form=True if page and page.login_form else None if unseen else False,
        login_form_in_clear=_in_clear(visit, page),
        auth_scheme=challenge.scheme.lower() if challenge else None,
        auth_realm=challenge.realm if challenge else None,
        open_admin=True if open_admin else None if unseen else False,
        directory_listing=True if page and page.directory_listing else None if unseen else False,
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
