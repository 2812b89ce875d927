"""One TCP connection to a device, as the door hands it out. It knows bytes and turns, not what the bytes mean.

`request` begins an exchange: it waits for the caps, is judged again and logged before it leaves. `send` continues the same one. `begin`
begins one whose bytes a library makes (`transport`).
What came back is summed up in one `received` line, written when the next exchange begins or the connection is closed. The bytes
counted are those on the wire above TCP, so under TLS they are the records'.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from plumbline.model.errors import (
    DeviceError,
    EnvironmentFault,
    HungUpError,
    InternalError,
    NotPermittedError,
    PlumblineError,
    ProtocolError,
    RefusedError,
    SilentError,
)
from plumbline.model.words import DeviceClass
from plumbline.net.caps import Place
from plumbline.net.dial import fault
from plumbline.net.gate import Errand, Gate, Stamp, outcome_of
from plumbline.net.tls import TlsLayer
from plumbline.rig.permits import Permit

DRAIN_S = 0.25  # a device on the same site answers our FIN in a few milliseconds, if it ever does
DRAIN_BYTES = 1 << 16
CHUNK = 1 << 16


class Connection:
    """A connected stream; use it as `async with`, or close it: it holds one of the device's two places."""

    def __init__(
        self, gate: Gate, errand: Errand, permit: Permit, connected: socket.socket, place: Place, received_bytes: int | None = None
    ) -> None:
        """Made by the door only."""
        self.permit = permit
        self.local: tuple[str, int] = connected.getsockname()[:2]
        self.remote: tuple[str, int] = connected.getpeername()[:2]
        self.received_total = 0  # bytes on the wire
        self._gate = gate
        self._errand = errand
        self._socket = connected
        self._place = place
        self._received_max = received_bytes or gate.limits.received_bytes
        self._tls: TlsLayer | None = None
        self._handshake: asyncio.Lock | None = None  # held from a hand-made ClientHello until the close
        self._outstanding = False
        self._finished = False  # the device closed or reset
        self._closed = False
        self._sent = 0
        self._received = 0
        self._unread = b""
        self._outcome = "ok"
        self._began: Stamp = gate.log.stamp()

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS session, for version, cipher and certificates; None before `start_tls`."""
        return self._tls.session if self._tls else None

    async def request(self, data: bytes, *, timeout_s: float = 3.0, handshake: bool = False) -> None:
        """Send the first bytes of an exchange; `handshake` says that they are a ClientHello that the probe made itself.

        Raises NotPermittedError, StoppedError, HungUpError or SilentError. On an `ot` device the answer to the request before
        must have been awaited (InternalError).
        """
        self._check_open()
        if self._outstanding and self._errand.device.device_class is DeviceClass.OT:
            raise InternalError(f"{self._where()}: a second request while one is outstanding on an ot device (law 5)")
        if handshake:
            self._handshake = await self._begin_handshake()
        self._settle()
        self.permit = await self._gate.turn(self._errand)
        self._gate.note("handshake" if handshake else "request", self._errand, self.permit, outcome="sent", sent=len(data))
        self._began = self._gate.log.stamp()
        self._outstanding = True
        await self._put(data, timeout_s)

    async def begin(self, detail: str) -> None:
        """Begin an exchange whose bytes follow by `send`, as a library makes them; `detail` says in the log what it is.

        Raises NotPermittedError or StoppedError.
        """
        self._check_open()
        self._settle()
        self.permit = await self._gate.turn(self._errand)
        self._gate.note("request", self._errand, self.permit, outcome="sent", detail=detail)
        self._began = self._gate.log.stamp()

    async def send(self, data: bytes, *, timeout_s: float = 3.0) -> None:
        """Send more bytes of the exchange under way; raises HungUpError or SilentError."""
        self._check_open()
        self._gate.stop.check()
        self._sent += len(data)
        await self._put(data, timeout_s)

    async def receive(self, max_bytes: int = CHUNK, timeout_s: float = 3.0) -> bytes:
        """Wait for bytes: at least one and at most `max_bytes`, or b"" once the device has closed cleanly.

        Raises SilentError after `timeout_s`, RefusedError for a reset before the first byte, HungUpError for a later one,
        ProtocolError when more comes than one connection may bring.
        """
        self._check_open()
        if self._unread:
            data, self._unread = self._unread[:max_bytes], self._unread[max_bytes:]
            return data
        try:
            async with asyncio.timeout(timeout_s):
                if self._tls is None:
                    return await self._pull(max_bytes)
                return await self._tls.read(max_bytes, self._pull, self._push)
        except TimeoutError as late:
            self._outcome = "timeout"
            raise SilentError(f"{self._where()}: no answer within {timeout_s:g} s") from late
        except DeviceError as error:
            self._outcome = outcome_of(error)
            raise
        finally:
            self._outstanding = False

    def go_on(self, why: str, unread: bytes) -> None:
        """Let another probe go on with it, for its own reason; `unread` was received, and is given out again by `receive`."""
        self._settle()
        self._errand = replace(self._errand, contact=replace(self._errand.contact, why=why))
        self._unread = unread + self._unread

    async def start_tls(self, context: ssl.SSLContext, server_name: str | None = None, *, timeout_s: float = 5.0) -> None:
        """Do a TLS handshake and carry everything after it inside; counts as an exchange and toward the endpoint's 20.

        Raises NotPermittedError (`budget` when they are used up), SilentError, HungUpError, RefusedError for an alert,
        ProtocolError for anything else that TLS does not allow.
        """
        self._check_open()
        lock = await self._begin_handshake()
        try:
            self._settle()
            self.permit = await self._gate.turn(self._errand)
            began = self._gate.log.stamp()
            outcome = "ok"
            layer = TlsLayer(context, server_name)
            try:
                async with asyncio.timeout(timeout_s):
                    await layer.handshake(self._pull, self._push)
            except TimeoutError as late:
                outcome = "timeout"
                raise SilentError(f"{self._where()}: the TLS handshake took longer than {timeout_s:g} s") from late
            except BaseException as error:
                outcome = outcome_of(error)
                raise
            finally:
                sent, received, self._received = layer.sent, self._received, 0
                self._gate.note("handshake", self._errand, self.permit, outcome=outcome, sent=sent, received=received, began=began)
            self._tls = layer
            self._began = self._gate.log.stamp()
        finally:
            lock.release()

    async def close(self) -> None:
        """Close cleanly: close_notify, FIN, and a bounded wait for the device's own FIN; may be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._finished:
                with suppress(OSError):
                    if self._tls is not None and (last := self._tls.farewell()):
                        self._socket.send(last)
                    self._socket.shutdown(socket.SHUT_WR)
                    await self._drain()
        finally:
            self._socket.close()
            self._place.release()
            if self._handshake is not None:
                self._handshake.release()
            self._settle()
            self._gate.live.discard(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _begin_handshake(self) -> asyncio.Lock:
        if self._handshake is not None or self._tls is not None:
            raise InternalError(f"{self._where()}: a second handshake on one connection")
        contact = self._errand.contact
        try:
            return await self._gate.handshakes.begin(str(contact.address), contact.port or 0)
        except NotPermittedError as refusal:
            self._gate.refuse(self._errand, refusal)
            raise

    async def _put(self, data: bytes, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                if self._tls is None:
                    await self._push(data)
                else:
                    await self._tls.write(data, self._push)
        except TimeoutError as late:
            self._outcome = "timeout"
            raise SilentError(f"{self._where()}: takes no more bytes within {timeout_s:g} s") from late
        except DeviceError as error:
            self._outcome = outcome_of(error)
            raise

    async def _push(self, data: bytes) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)
        except OSError as cause:
            raise self._lost(cause) from cause

    async def _pull(self, max_bytes: int) -> bytes:
        room = self._received_max - self.received_total
        if room <= 0:
            raise ProtocolError(f"{self._where()}: sent more than {self._received_max} bytes on one connection")
        try:
            data = await asyncio.get_running_loop().sock_recv(self._socket, min(max_bytes, room))
        except OSError as cause:
            raise self._lost(cause) from cause
        self._finished = not data
        self._received += len(data)
        self.received_total += len(data)
        return data

    def _lost(self, cause: OSError) -> PlumblineError:
        told = fault(cause, self._where())
        if isinstance(told, EnvironmentFault):
            return told
        self._finished = True
        if isinstance(told, RefusedError) and self.received_total:
            return HungUpError(str(told))
        return told

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        left = DRAIN_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while left > 0 and (data := await loop.sock_recv(self._socket, left)):
                    left -= len(data)
                    self._received += len(data)

    def _settle(self) -> None:
        if self._received or self._sent or self._outcome != "ok":
            self._gate.note(
                "received", self._errand, self.permit, outcome=self._outcome, sent=self._sent, received=self._received, began=self._began
            )
        self._sent = self._received = 0
        self._outcome = "ok"

    def _check_open(self) -> None:
        if self._closed:
            raise InternalError(f"{self._where()}: used after it was closed")

    def _where(self) -> str:
        return f"{self._errand.contact.address} port {self._errand.contact.port}"
