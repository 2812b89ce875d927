"""Fetches feeds from where they are published, for `plumbline feeds sync` alone: no audit needs it (law 9).

    REFERENCE/downloads/<publisher>-<file>          a whole file
    REFERENCE/downloads/<publisher>-<file>.part     the beginning of one, from which the next run goes on
    REFERENCE/downloads/<either>.json               the address it came from, and its ETag and Last-Modified

Not the import (`importing`), and not the door: this never contacts a rig, only the addresses of `publishers.toml` or of the caller's own
file of that form. Rules: https, verified; http to this machine alone; a redirect is judged like an address; what has not changed is not
sent again (RFC 9110, 13.1); a file takes its place when all of it is there; sizes are capped.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from plumbline import __version__
from plumbline.model.errors import InputError

PUBLISHERS = Path(__file__).with_name("publishers.toml")
SIZE_MAX = 4 << 30  # OSV's whole of a distribution and NVD's largest year are below 200 MB
CHUNK = 1 << 20
TIMEOUT_S = 60.0
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Publisher:
    """One publisher: its name, what it publishes, and where."""

    name: str
    title: str
    urls: tuple[str, ...]


class Outcome(StrEnum):
    """What became of one address."""

    NEW = "new"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One address: what became of it, the file that is there now (None: there is none), and why it failed."""

    url: str
    outcome: Outcome
    path: Path | None
    why: str | None = None


class _FetchError(Exception):
    """An address gave no file; the message says why."""


def load_publishers(path: Path | None, now: datetime) -> dict[str, Publisher]:
    """Read a file of publishers, or the shipped one, with an address for each year up to `now`; raises InputError."""
    file = path or PUBLISHERS
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
        found = {name: Publisher(name, str(entry["title"]), tuple(_urls(entry, now.year))) for name, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"is no file of publishers: {error}", where=str(file), remedy="see publishers.toml of this release") from error
    for publisher in found.values():
        for url in publisher.urls:
            if (why := _refused(url)) is not None:
                raise InputError(why, where=f"{file}, {publisher.name}: {url}", remedy="name an https address")
    return found


def _urls(entry: Mapping[str, Any], year: int) -> Iterator[str]:
    for url in entry["urls"]:
        if "{year}" in url:
            yield from (url.replace("{year}", str(one)) for one in range(int(entry["first_year"]), year + 1))
        else:
            yield str(url)


def _refused(url: str) -> str | None:
    """Say why an address may not be contacted; None when it may."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "is no address"
    if parts.scheme == "https" and host:
        return None
    return None if parts.scheme == "http" and _is_here(host) else "is neither an https address nor one of this machine"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if (why := _refused(newurl)) is not None:
            raise _FetchError(f"redirects to {newurl[:200]}, which {why}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(publisher: Publisher, folder: Path, progress: Progress) -> Iterator[Fetched]:
    """Fetch everything that a publisher offers into a folder, one address after the other."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    opener = urllib.request.build_opener(_Redirects())
    for number, url in enumerate(publisher.urls):
        progress(f"fetching {publisher.name}", number, len(publisher.urls))
        path = folder / f"{publisher.name}-{Path(urlsplit(url).path).name or 'index'}"
        try:
            outcome = Outcome.NEW if _fetch(opener, url, path, progress) else Outcome.UNCHANGED
            yield Fetched(url, outcome, path)
        except (_FetchError, OSError, http.client.HTTPException, ValueError) as error:
            yield Fetched(url, Outcome.FAILED, path if path.exists() else None, str(error)[:300] or type(error).__name__)


def _fetch(opener: urllib.request.OpenerDirector, url: str, path: Path, progress: Progress) -> bool:
    """Fetch one address; tells whether it has changed. Raises what `fetch` catches."""
    part = path.with_name(f"{path.name}.part")
    request = urllib.request.Request(url, headers={"User-Agent": f"plumbline/{__version__}", "Accept-Encoding": "identity"})
    begun, whole = _known(part, url), _known(path, url)
    # A validator that is weak does not promise the same bytes (RFC 9110, 13.1.5).
    if part.exists() and begun.get("etag") and not begun["etag"].startswith("W/"):
        request.add_header("Range", f"bytes={part.stat().st_size}-")
        request.add_header("If-Range", begun["etag"])
    elif path.exists() and whole:
        for header, key in (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified")):
            if whole.get(key):
                request.add_header(header, whole[key])
    try:
        with opener.open(request, timeout=TIMEOUT_S) as response:
            _take(response, url, part, progress)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.NOT_MODIFIED:
            return False
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()
            raise _FetchError("what was begun does not go on there: run it again to fetch the whole") from error
        raise _FetchError(f"answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _FetchError(f"cannot be reached: {error.reason}") from error
    for suffix in (".json", ""):
        part.with_name(part.name + suffix).replace(path.with_name(path.name + suffix))
    return True


def _take(response: Any, url: str, part: Path, progress: Progress) -> None:
    """Write an answer behind what is there, or anew; raises _FetchError when it ends too early or is too long."""
    at = part.stat().st_size if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
    if at and not str(response.headers.get("Content-Range", "")).startswith(f"bytes {at}-"):
        raise _FetchError("goes on at another place than was asked for")
    length = response.headers.get("Content-Length")
    wanted = at + int(length) if length is not None else None
    known = {"url": url, "etag": response.headers.get("ETag"), "last_modified": response.headers.get("Last-Modified")}
    part.with_name(f"{part.name}.json").write_text(json.dumps(known), encoding="utf-8")
    with part.open("ab" if at else "wb") as file:
        part.chmod(0o600)
        size = at + _copy(response, file, SIZE_MAX - at, lambda done: progress(part.name.removesuffix(".part"), at + done, wanted))
    if size > SIZE_MAX:
        part.unlink()
        raise _FetchError(f"is longer than {SIZE_MAX >> 30} GB, more than any feed")
    if wanted is not None and size < wanted:
        raise _FetchError(f"ended after {size} of {wanted} bytes: run it again, it goes on where it can")


def _copy(response: Any, file: IO[bytes], limit: int, show: Callable[[int], None]) -> int:
    size = 0
    while size <= limit and (data := response.read(CHUNK)):
        file.write(data)
        size += len(data)
        show(size)
    return size


def _known(path: Path, url: str) -> dict[str, Any]:
    """Read what is known of a file that lies there; nothing when it came from another address."""
    with suppress(OSError, ValueError):
        known = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
        if isinstance(known, dict) and known.get("url") == url:
            return known
    return {}
