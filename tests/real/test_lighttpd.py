"""The HTTP and TLS probes against lighttpd: an open listing with its version, a login in clear, and a hardened HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from plumbline.model.words import Outcome
from tests.collect.network.benches import open_bench
from tests.collect.network.certificates import issue, write_pair
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system


@contextmanager
def lighttpd(folder: Path, *lines: str) -> Iterator[int]:
    path, port = program("lighttpd"), free_port()
    root = folder / "www"
    root.mkdir(exist_ok=True)
    config = folder / "lighttpd.conf"
    common = (
        f'server.document-root = "{root}"',
        f'server.bind = "{LOOPBACK}"',
        f"server.port = {port}",
        'mimetype.assign = (".html" => "text/html")',
    )
    config.write_text("\n".join([*common, *lines, ""]))
    with running([path, "-D", "-f", config], port=port):
        yield port


async def test_an_open_listing(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "backup.tar").write_bytes(b"x")
    with lighttpd(tmp_path, 'server.modules += ("mod_dirlisting")', 'dir-listing.activate = "enable"') as port:
        async with open_bench(tmp_path / "rig", tcp=[port]) as rig:
            seen = await rig.visit("http", port)
    row = seen.row("http_service")
    assert (row["status"], row["directory_listing"], row["login_form"], row["tls"]) == (200, True, False, False)
    assert row["product"] == "lighttpd" and row["version"], "the default names its version"


async def test_basic_authentication_in_clear(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("operator:not-for-you\n")
    lines = (
        'server.modules += ("mod_auth", "mod_authn_file")',
        'auth.backend = "plain"',
        f'auth.backend.plain.userfile = "{users}"',
        'auth.require = ("/" => ("method" => "basic", "realm" => "Dock camera", "require" => "valid-user"))',
        'server.tag = "cam"',
    )
    with lighttpd(tmp_path, *lines) as port:
        async with open_bench(tmp_path / "rig", tcp=[port]) as rig:
            seen = await rig.visit("http", port)
    row = seen.row("http_service")
    assert (row["status"], row["auth_scheme"], row["auth_realm"]) == (401, "basic", "Dock camera")
    assert (row["server"], row["version"], row["open_admin"]) == ("cam", None, False)


async def test_hardened_https(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issue(key, "dock-cam-1", names=("dock-cam-1.local",))
    chain, private = write_pair(tmp_path, key, [certificate])
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text(
        "<title>Dock camera</title><form action=/in method=post><input type=password name=p></form>"
    )
    lines = (
        'server.modules += ("mod_openssl", "mod_setenv")',
        'ssl.engine = "enable"',
        f'ssl.pemfile = "{chain}"',
        f'ssl.privkey = "{private}"',
        'ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.2")',
        'setenv.set-response-header = ("Strict-Transport-Security" => "max-age=31536000")',
        'index-file.names = ("index.html")',
        'server.tag = ""',
    )
    with lighttpd(tmp_path, *lines) as port:
        async with open_bench(tmp_path / "rig", tcp=[port]) as rig:
            named = await rig.identify(port)
            page = await rig.visit("http", port, tls=True)
            seen = await rig.visit("tls", port, inside="http")
    assert (named.protocol, named.tls) == ("http", True)
    row = page.row("http_service")
    assert (row["tls"], row["hsts"], row["login_form"], row["login_form_in_clear"], row["server"]) == (True, True, True, False, None)
    endpoint = seen.row("tls_endpoint")
    assert [endpoint[name] for name in ("ssl3", "tls1_0", "tls1_1", "tls1_2", "tls1_3")] == [False, False, False, True, True]
    assert (endpoint["weak_suites"], endpoint["best_version"]) == ([], "tls1.3")
    assert seen.covered("tls_endpoint") == (Outcome.OK, 1)
    [leaf] = seen.rows("certificate")
    assert (leaf["subject_name"], leaf["not_after"]) == ("CN=dock-cam-1", certificate.not_valid_after_utc)
