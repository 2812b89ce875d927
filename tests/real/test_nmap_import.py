"""nmap itself, over servers of this test on loopback: what is imported of its file equals what was served."""

from __future__ import annotations

import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from plumbline.collect.imports import collect
from plumbline.rig.models import Import, Network
from tests.collect.collecting import rig_of, run
from tests.real.servers import LOOPBACK, free_port, program

pytestmark = pytest.mark.system


@contextmanager
def serving(greeting: bytes, answer: bytes = b"") -> Iterator[int]:
    """Serve a greeting to whoever connects, and an answer to what they say, on a free port of loopback."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(5)
            try:
                self.request.sendall(greeting)
                if answer and self.request.recv(4096):
                    self.request.sendall(answer)
                    return
                self.request.recv(4096)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server((LOOPBACK, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


PAGE = b"HTTP/1.0 200 OK\r\nServer: lighttpd/1.4.69\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def test_what_nmap_saw_is_what_was_served(tmp_path: Path) -> None:
    nmap = program("nmap")
    with ExitStack() as stack:
        ssh = stack.enter_context(serving(b"SSH-2.0-dropbear_2022.83\r\n"))
        web = stack.enter_context(serving(b"", PAGE))
        closed = free_port()
        path = tmp_path / "scan.xml"
        ports = ",".join(str(port) for port in (ssh, web, closed))
        subprocess.run(
            [nmap, "-sT", "-sV", "-Pn", "-n", "--version-light", "-p", ports, "-oX", str(path), LOOPBACK],
            check=True,
            capture_output=True,
            timeout=100,
        )
    networks = (Network("loopback", "bench", (ip_network(LOOPBACK),), (ssh, web, closed), ()),)
    done = run(collect, replace(rig_of(tmp_path), networks=networks, imports=(Import("nmap", path, None, None),)))
    rows = {row["port"]: row for row in done.rows("imported_service")}
    assert {port: row["state"] for port, row in rows.items()} == {ssh: "open", web: "open", closed: "closed"}
    assert {row["entity"] for row in rows.values()} == {f"host:bench/{LOOPBACK}"}
    assert (rows[ssh]["name"], rows[ssh]["product"], rows[ssh]["version"]) == ("ssh", "Dropbear sshd", "2022.83")
    assert (rows[web]["name"], rows[web]["product"], rows[web]["version"]) == ("http", "lighttpd", "1.4.69")
    assert rows[closed]["name"] is None
    assert all(row["listed"] and row["seen_at"] and row["tool_version"] for row in rows.values())
    assert done.outcomes() == {"imported_service": "ok", "imported_finding": "ok"}
