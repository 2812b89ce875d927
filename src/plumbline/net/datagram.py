"""One connected UDP socket to a device, as the door hands it out. Every datagram is an exchange of its own.

Connected, so that the kernel drops what comes from anyone else (with an ICMP error of its own) and reports a closed port. It holds one of
the device's places, as a connection does.
"""

from __future__ import annotations

import asyncio
import os
import socket
from types import TracebackType
from typing import Self

from plumbline.model.errors import InternalError, ProtocolError, SilentError
from plumbline.model.words import DeviceClass
from plumbline.net.caps import Place
from plumbline.net.dial import fault
from plumbline.net.gate import Errand, Gate
from plumbline.rig.permits import Permit

MAX_DATAGRAM = 65_535


class DatagramLine:
    """A line to one UDP port; use it as `async with`, or close it."""

    def __init__(self, gate: Gate, errand: Errand, permit: Permit, connected: socket.socket, place: Place) -> None:
        """Made by the door only."""
        self.permit = permit
        self.local: tuple[str, int] = connected.getsockname()[:2]
        self.remote: tuple[str, int] = connected.getpeername()[:2]
        self.received_total = 0
        self._gate = gate
        self._errand = errand
        self._socket = connected
        self._place = place
        self._outstanding = False
        self._closed = False

    async def request(self, data: bytes) -> None:
        """Send one datagram; raises NotPermittedError, StoppedError, or RefusedError when the one before met a closed port."""
        self._check_open()
        if self._outstanding and self._errand.device.device_class is DeviceClass.OT:
            raise InternalError(f"{self._where()}: a second request while one is outstanding on an ot device (law 5)")
        if code := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):  # else the kernel would report it instead of sending
            raise fault(OSError(code, os.strerror(code)), self._where())
        self.permit = await self._gate.turn(self._errand)
        self._gate.note("datagram", self._errand, self.permit, outcome="sent", sent=len(data))
        self._outstanding = True
        try:
            self._socket.send(data)
        except BlockingIOError as cause:
            raise SilentError(f"{self._where()}: the send buffer is full") from cause
        except OSError as cause:
            told = fault(cause, self._where())
            self._outstanding = False
            self._gate.note("received", self._errand, self.permit, outcome="refused", detail=str(told))
            raise told from cause

    async def receive(self, timeout_s: float = 3.0) -> bytes:
        """Wait for one datagram from the device; it may be empty.

        Raises SilentError, RefusedError (ICMP port unreachable), UnreachableError, or ProtocolError when more comes than one
        line may bring.
        """
        self._check_open()
        began = self._gate.log.stamp()
        outcome, received = "cancelled", 0
        try:
            async with asyncio.timeout(timeout_s):
                data = await asyncio.get_running_loop().sock_recv(self._socket, MAX_DATAGRAM)
            outcome, received = "ok", len(data)
        except TimeoutError as late:
            outcome = "timeout"
            raise SilentError(f"{self._where()}: no answer within {timeout_s:g} s") from late
        except OSError as cause:
            outcome = "refused"
            raise fault(cause, self._where()) from cause
        finally:
            self._outstanding = False
            self._gate.note("received", self._errand, self.permit, outcome=outcome, received=received, began=began)
        self.received_total += received
        if self.received_total > self._gate.limits.received_bytes:
            raise ProtocolError(f"{self._where()}: sent more than {self._gate.limits.received_bytes} bytes on one line")
        return data

    async def close(self) -> None:
        """Let the line go; may be called twice."""
        if not self._closed:
            self._closed = True
            self._socket.close()
            self._place.release()
            self._gate.live.discard(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise InternalError(f"{self._where()}: used after it was closed")

    def _where(self) -> str:
        return f"{self._errand.contact.address} port {self._errand.contact.port}"
