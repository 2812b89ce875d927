"""Fetching feeds, from a server on loopback: what has not changed, what was cut short, where nothing may be fetched from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from plumbline.model.errors import InputError
from plumbline.vulnerabilities.fetching import Fetched, Outcome, Publisher, fetch, load_publishers
from tests.vulnerabilities.making import CVE, NOW, kev

BODY = json.dumps(kev(CVE)).encode()


@dataclass
class Site:
    """What the server gives, and what it was asked for."""

    port: int = 0
    etag: str = '"1"'
    cut: int | None = None  # the connection ends after so many bytes
    moved: str | None = None
    asked: list[dict[str, str]] = field(default_factory=list)

    def publisher(self, *paths: str) -> Publisher:
        return Publisher("kev", "KEV", tuple(f"http://127.0.0.1:{self.port}/{path}" for path in paths or ("kev.json",)))


@pytest.fixture
def site() -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append({name.lower(): value for name, value in self.headers.items()})
            asked = state.asked[-1]
            if state.moved is not None and self.path != "/there.json":
                self.send_response(302)
                self.send_header("Location", state.moved)
                self.end_headers()
                return
            if self.path == "/none.json":
                self.send_error(404)
                return
            if asked.get("if-none-match") == state.etag:
                self.send_response(304)
                self.end_headers()
                return
            start = int(asked["range"].removeprefix("bytes=").rstrip("-")) if asked.get("if-range") == state.etag else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
            self.send_header("ETag", state.etag)
            self.send_header("Content-Length", str(len(BODY) - start))
            self.end_headers()
            self.wfile.write(BODY[start:][: state.cut])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def fetched(site: Site, folder: Path, *paths: str) -> list[Fetched]:
    return list(fetch(site.publisher(*paths), folder, lambda *_: None))


def test_what_has_not_changed_is_not_sent_again(site: Site, tmp_path: Path) -> None:
    [first] = fetched(site, tmp_path)
    assert (first.outcome, first.path, (tmp_path / "kev-kev.json").read_bytes()) == (Outcome.NEW, tmp_path / "kev-kev.json", BODY)
    [second] = fetched(site, tmp_path)
    assert (second.outcome, second.path) == (Outcome.UNCHANGED, first.path)
    site.etag = '"2"'
    assert [one.outcome for one in fetched(site, tmp_path)] == [Outcome.NEW]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kev-kev.json", "kev-kev.json.json"]


def test_what_was_cut_short_goes_on_where_it_ended(site: Site, tmp_path: Path) -> None:
    site.cut = 50
    [failed] = fetched(site, tmp_path)
    assert (failed.outcome, failed.path) == (Outcome.FAILED, None)
    assert failed.why == f"ended after 50 of {len(BODY)} bytes: run it again, it goes on where it can"
    site.cut = None
    assert [one.outcome for one in fetched(site, tmp_path)] == [Outcome.NEW]
    assert site.asked[-1]["range"] == "bytes=50-"
    assert (tmp_path / "kev-kev.json").read_bytes() == BODY


def test_what_has_changed_since_it_was_cut_short_is_fetched_whole(site: Site, tmp_path: Path) -> None:
    site.cut = 50
    fetched(site, tmp_path)
    site.cut, site.etag = None, '"2"'
    assert [one.outcome for one in fetched(site, tmp_path)] == [Outcome.NEW]
    assert (tmp_path / "kev-kev.json").read_bytes() == BODY


def test_a_failure_leaves_the_old_file_and_the_others(site: Site, tmp_path: Path) -> None:
    fetched(site, tmp_path)
    site.etag, site.cut = '"2"', 10
    [cut, gone] = fetched(site, tmp_path, "kev.json", "none.json")
    assert (cut.outcome, cut.path, (tmp_path / "kev-kev.json").read_bytes()) == (Outcome.FAILED, tmp_path / "kev-kev.json", BODY)
    assert (gone.outcome, gone.path, gone.why) == (Outcome.FAILED, None, "answers 404 Not Found")


def test_a_redirect_is_judged_like_an_address(site: Site, tmp_path: Path) -> None:
    site.moved = f"http://127.0.0.1:{site.port}/there.json"
    assert [one.outcome for one in fetched(site, tmp_path)] == [Outcome.NEW]
    site.moved = "http://feeds.example/kev.json"
    [refused] = fetched(site, tmp_path / "other")
    assert refused.why == "redirects to http://feeds.example/kev.json, which is neither an https address nor one of this machine"


def test_nobody_there(tmp_path: Path) -> None:
    publisher = Publisher("kev", "KEV", ("http://127.0.0.1:1/kev.json",))
    [failed] = fetch(publisher, tmp_path, lambda *_: None)
    assert failed.why is not None and failed.why.startswith("cannot be reached")


def test_the_shipped_publishers_are_all_of_https_and_years_are_counted() -> None:
    found = load_publishers(None, NOW)
    assert {"kev", "epss", "nvd"} <= found.keys()
    assert all(url.startswith("https://") for one in found.values() for url in one.urls)
    assert [url for url in found["nvd"].urls if "2026" in url] and not [url for url in found["nvd"].urls if "2027" in url]


WRONG = {
    "http": '[x]\ntitle = "x"\nurls = ["http://feeds.example/x"]\n',
    "a file": '[x]\ntitle = "x"\nurls = ["file:///etc/passwd"]\n',
    "no address": '[x]\ntitle = "x"\nurls = ["https://[/"]\n',
    "no title": "[x]\nurls = []\n",
    "no TOML": "hello",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_bad_file_of_publishers_is_the_callers_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(InputError):
        load_publishers(tmp_path / "p.toml", NOW)
