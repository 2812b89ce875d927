"""FTP by pyftpdlib, which has an event loop of its own: one thread serves every FTP server of the process.

pyftpdlib does AUTH TLS through a binding to OpenSSL that the project does not need otherwise; here the connection is handed to a thread
that does it with the standard library (RFC 4217, 4), and then turns everybody away. Uploads and changes are noted as harm and refused.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import threading
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop, context
from plumbline.lab.services import Ftp
from plumbline.lab.watch import Watch

_WRITING = frozenset({"STOR", "STOU", "APPE", "DELE", "RMD", "MKD", "RNFR", "RNTO", "SITE", "MFMT"})
_TURN_S = 0.05  # of the event loop: how long stopping may take
_TLS_S = 5.0
_README = "Spare firmware is kept in the office.\n"


async def start(device: Device, service: Ftp, watch: Watch) -> Stop:
    """Serve from a thread, with an empty folder for anonymous visitors where they are let in."""
    loop, ended = IOLoop(), threading.Event()
    folder = Path(mkdtemp(prefix="plumbline-lab-ftp-"))
    (folder / "readme.txt").write_text(_README, encoding="utf-8")
    authorizer = DummyAuthorizer()
    if service.anonymous:
        authorizer.add_anonymous(str(folder), perm="elr")
    handler = type("Handler", (_Handler,), {"device": device, "service": service, "watch": watch, "authorizer": authorizer})
    try:
        FTPServer((device.address, service.port), handler, ioloop=loop)
    except OSError:
        shutil.rmtree(folder)
        raise

    def serve() -> None:
        while not ended.is_set():
            loop.loop(timeout=_TURN_S, blocking=False)
        loop.close()

    thread = threading.Thread(target=serve, name=f"ftp {device.name}", daemon=True)
    thread.start()

    async def stop() -> None:
        ended.set()
        await asyncio.to_thread(thread.join)
        shutil.rmtree(folder)

    return stop


class _Handler(FTPHandler):
    """One session; the class attributes are set per server."""

    device: ClassVar[Device]
    service: ClassVar[Ftp]
    watch: ClassVar[Watch]
    auth_failed_timeout = 0
    use_sendfile = False
    proto_cmds: ClassVar[dict[str, Any]] = {
        **FTPHandler.proto_cmds,
        "AUTH": {"perm": None, "auth": False, "arg": True, "help": "Syntax: AUTH TLS (protect this connection)."},
    }

    def __init__(self, conn: socket.socket, server: FTPServer, ioloop: IOLoop | None = None) -> None:
        self.banner = self.service.banner
        super().__init__(conn, server, ioloop)
        if self.service.auth_tls is not None:
            self._extra_feats = ["AUTH TLS", "PBSZ", "PROT"]

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        if cmd in _WRITING:
            self.watch.harm(self.device.name, f"{cmd} on tcp/{self.service.port}")
        if cmd == "PASS":
            self.watch.login(self.device.name, "ftp")
        super().pre_process_command(line, cmd, arg)

    def ftp_AUTH(self, line: str) -> None:  # noqa: N802 - pyftpdlib names handlers after commands
        if self.service.auth_tls is None or line.upper() != "TLS":
            self.respond("502 Command not implemented.")
            return
        secure, line_out = context(self.service.auth_tls), self.socket.dup()
        self.close()
        line_out.settimeout(_TLS_S)
        threading.Thread(target=_protected, args=(line_out, secure), daemon=True).start()

    def log(self, msg: str, logfun: Any = None) -> None:
        """Keep quiet: a lab has no operator."""

    logline = logerror = log


def _protected(plain: socket.socket, secure: ssl.SSLContext) -> None:
    """Go on inside TLS: say yes to what protects the session, no to every login."""
    answers = {b"USER": b"331 Password needed.", b"PBSZ": b"200 PBSZ=0.", b"PROT": b"200 OK.", b"QUIT": b"221 Bye."}
    with plain:
        try:
            plain.sendall(b"234 Proceed.\r\n")
            with secure.wrap_socket(plain, server_side=True) as line, line.makefile("rb") as lines:
                for command in lines:
                    line.sendall(answers.get(command[:4].upper(), b"530 Log in first.") + b"\r\n")
                    if command[:4].upper() == b"QUIT":
                        return
        except OSError:
            return  # the visitor left; ssl.SSLError is one of these
