"""TLS over a connection of the door, by way of memory buffers. It opens nothing and judges no certificate.

The context is the probe's: auditors look at what a device offers, so it commonly verifies nothing. A device that ends the stream
without close_notify (RFC 8446, 6.1) is read as closed, as most small HTTP servers do exactly that.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

from plumbline.model.errors import DeviceError, HungUpError, ProtocolError, RefusedError

Pull = Callable[[int], Awaitable[bytes]]
Push = Callable[[bytes], Awaitable[None]]

CHUNK = 1 << 15  # two records of the largest size (RFC 8446, 5.1)


class TlsLayer:
    """One TLS session; `sent` counts the bytes that left, records and all."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.sent = 0

    async def handshake(self, pull: Pull, push: Push) -> None:
        """Shake hands; raises RefusedError for an alert, HungUpError, ProtocolError."""
        while True:
            try:
                self.session.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush(push)
                data = await pull(CHUNK)
                if not data:
                    raise HungUpError("closed during the TLS handshake") from None
                self._incoming.write(data)
                continue
            except (ssl.SSLError, ssl.CertificateError) as cause:
                await self._flush(push)
                raise _told(cause) from cause
            await self._flush(push)
            return

    async def read(self, max_bytes: int, pull: Pull, push: Push) -> bytes:
        """Give decrypted bytes, or b"" at the end; raises as `handshake` does."""
        while True:
            try:
                return self.session.read(max_bytes)
            except ssl.SSLWantReadError:
                await self._flush(push)
                data = await pull(CHUNK)
                if not data:
                    return b""
                self._incoming.write(data)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as cause:
                raise _told(cause) from cause

    async def write(self, data: bytes, push: Push) -> None:
        """Encrypt and send."""
        try:
            self.session.write(data)
        except ssl.SSLError as cause:
            raise _told(cause) from cause
        await self._flush(push)

    def farewell(self) -> bytes:
        """The close_notify to send before the FIN; may be empty."""
        with suppress(ssl.SSLError):  # it wants the peer's close_notify, for which nobody waits
            self.session.unwrap()
        return self._outgoing.read()

    async def _flush(self, push: Push) -> None:
        if data := self._outgoing.read():
            self.sent += len(data)
            await push(data)


def _told(cause: ssl.SSLError | ssl.CertificateError) -> DeviceError:
    reason = getattr(cause, "reason", None) or str(cause)
    if "ALERT" in reason.upper():
        return RefusedError(f"TLS: {reason.lower().replace('_', ' ')}")
    return ProtocolError(f"TLS: {reason.lower().replace('_', ' ')}")
