"""Listening on TCP for the lab's own small servers: handlers over asyncio streams, TLS contexts, and an end without leftovers.

Not for servers of libraries, which listen themselves. Rules: a handler may raise what a lost connection raises; stopping closes the
listener, then every connection.
"""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plumbline.lab.certificates import chain_pem
from plumbline.lab.services import Tls

Stop = Callable[[], Coroutine[Any, Any, None]]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

READ_LIMIT = 64 * 1024  # bytes of one line or header block
HANDSHAKE_S = 10.0

_CURRENT = "ECDHE+AESGCM:ECDHE+CHACHA20"
_CBC_SHA1 = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA"  # TLS 1.0 knows no authenticated encryption (RFC 5246, 6.2.3.3)
_NULL = "ECDHE-ECDSA-NULL-SHA:ECDHE-RSA-NULL-SHA:NULL-SHA"


async def serve(address: str, port: int, handle: Handler, tls: Tls | None = None) -> Stop:
    """Listen and run `handle` for each connection; returns what stops it all. Raises OSError when the port is taken."""
    running: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await handle(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
            pass  # the visitor left or talked nonsense: the device goes on
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            running.discard(task)
            writer.close()

    if tls is None:
        server = await asyncio.start_server(connected, address, port, limit=READ_LIMIT)
    else:
        secure = context(tls)
        server = await asyncio.start_server(connected, address, port, limit=READ_LIMIT, ssl=secure, ssl_handshake_timeout=HANDSHAKE_S)

    async def stop() -> None:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    return stop


@cache
def context(tls: Tls) -> ssl.SSLContext:
    """Make the server's side of TLS; old versions and keys need OpenSSL's security level 0."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    suites = [_CURRENT]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.0 is old is the point
        made.minimum_version = ssl.TLSVersion.TLSv1 if tls.oldest == "tls1.0" else ssl.TLSVersion.TLSv1_2
    if tls.oldest == "tls1.0":
        suites.append(_CBC_SHA1)
    if tls.null_suite:
        suites.append(_NULL)
    weak = tls.oldest == "tls1.0" or tls.null_suite or tls.certificate.key_kind == "rsa-1024" or tls.certificate.signature_hash == "sha1"
    made.set_ciphers(":".join(suites) + (":@SECLEVEL=0" if weak else ""))
    with TemporaryDirectory() as folder:  # the ssl module loads certificates from files only
        path = Path(folder) / "chain.pem"
        path.write_bytes(chain_pem(tls.certificate, with_authority=tls.sends_authority))
        made.load_cert_chain(path)
    return made
