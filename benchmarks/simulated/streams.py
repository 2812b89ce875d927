"""Listening with TLS as OpenSSL's own servers do it: a refused handshake is answered with its alert.

asyncio's own TLS drops the connection without the alert, which no device in the field does, and by which scanners tell TLS.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

Handler = Callable[["asyncio.StreamReader", "Writer"], Awaitable[None]]
CHUNK = 1 << 16
LOST = (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)


class Writer:
    """What a handler writes to, in clear or through TLS."""

    def __init__(self, writer: asyncio.StreamWriter, session: ssl.SSLObject | None = None, outgoing: ssl.MemoryBIO | None = None) -> None:
        self._writer, self._session, self._outgoing = writer, session, outgoing

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        if self._session is not None and self._outgoing is not None:
            self._session.write(data)
            data = self._outgoing.read()
        self._writer.write(data)
        await self._writer.drain()


async def listen(address: str, port: int, handle: Handler, context: ssl.SSLContext | None = None) -> None:
    """Serve one port until the loop ends; raises OSError when it is taken."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*LOST):
            if context is None:
                await handle(reader, Writer(writer))
            else:
                await _inside(reader, writer, handle, context)
        writer.close()

    await asyncio.start_server(connected, address, port, backlog=128)


async def _inside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: Handler, context: ssl.SSLContext) -> None:
    incoming, outgoing, inner = ssl.MemoryBIO(), ssl.MemoryBIO(), asyncio.StreamReader()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    try:
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                await writer.drain()
                if not (data := await reader.read(CHUNK)):
                    return
                incoming.write(data)
    except ssl.SSLError:
        return
    finally:
        writer.write(outgoing.read())  # the end of the handshake, or the alert
    pump = asyncio.create_task(_pump(reader, incoming, session, inner))
    try:
        await handle(inner, Writer(writer, session, outgoing))
        with suppress(ssl.SSLError):
            session.unwrap()
        writer.write(outgoing.read())
    finally:
        pump.cancel()


async def _pump(reader: asyncio.StreamReader, incoming: ssl.MemoryBIO, session: ssl.SSLObject, inner: asyncio.StreamReader) -> None:
    with suppress(ConnectionError, ssl.SSLZeroReturnError, ssl.SSLError):
        while True:
            with suppress(ssl.SSLWantReadError):
                while data := session.read(CHUNK):
                    inner.feed_data(data)
            if not (more := await reader.read(CHUNK)):
                break
            incoming.write(more)
    inner.feed_eof()
