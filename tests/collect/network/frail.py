"""Devices that are hurt as small devices are, each in a thread of its own, counting what reaches it as it sees it.

A device dies at one connection, or one outstanding request, more than it can bear, or at bytes of a foreign protocol: it then closes all
its ports and answers nobody, as a controller does whose network stack has stopped.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

PAGE = b"HTTP/1.1 200 OK\r\nServer: frail/1.0\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
THINKS_S = 0.03  # between a request and its answer: long enough for a second one to be seen waiting


class DeathError(Exception):
    """What the device died of."""


@dataclass(frozen=True)
class Service:
    """What one port says by itself, and how it answers a request; None: it hangs up."""

    greeting: bytes = b""
    answer: Callable[[bytes], bytes | None] = lambda _: None


def web(data: bytes) -> bytes | None:
    """A page for a GET; anything else is turned away."""
    return PAGE if data.startswith(b"GET ") else None


def controller(data: bytes) -> bytes:
    """Modbus identification, refused; anything that is no Modbus kills."""
    if len(data) < 8 or data[2:4] != b"\0\0" or int.from_bytes(data[4:6], "big") != len(data) - 6:
        raise DeathError(f"a foreign protocol: {data[:16]!r}")
    return data[:4] + b"\0\3" + data[6:7] + bytes([data[7] | 0x80, 1])


WEB = Service(answer=web)
CONTROLLER = Service(answer=controller)
TERMINAL = Service(greeting=b"\xff\xfd\x18\r\nlogin: ")
SHELL = Service(greeting=b"SSH-2.0-Frail_1\r\n")


@dataclass
class Frail:
    """One device with several ports and how many connections at a time it bears."""

    address: str
    services: Mapping[int, Service]
    connections: int = 2
    one_request: bool = False
    dies_of: Callable[[bytes], bool] = lambda _: False
    died_of: str | None = None
    most_at_once: int = 0
    accepted: int = 0
    requests: list[bytes] = field(default_factory=list)
    functions: Counter[int] = field(default_factory=Counter)

    @contextmanager
    def alive(self) -> Iterator[Frail]:
        """Run until the block ends."""
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._open: dict[socket.socket, Service] = {}
        self._listeners: dict[socket.socket, Service] = {}
        for port, service in self.services.items():
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.address, port))
            listener.listen(16)
            listener.setblocking(False)
            self._listeners[listener] = service
            self._selector.register(listener, selectors.EVENT_READ)
        thread = threading.Thread(target=self._live, name=f"frail {self.address}", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join(10)
            for each in [*self._open, *self._listeners]:
                each.close()
            self._selector.close()

    def _live(self) -> None:
        try:
            while not self._over.is_set():
                ready = [key.fileobj for key, _ in self._selector.select(0.02)]
                for one in [one for one in ready if one in self._open]:  # first who left, then who came
                    self._serve(one)
                for one in [one for one in ready if one in self._listeners]:
                    self._accept(one)
        except DeathError as cause:
            self.died_of = str(cause)
            for each in [*self._listeners, *self._open]:  # no port is still open when the other side hears of it
                self._selector.unregister(each)
                each.close()
            self._open, self._listeners = {}, {}

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        self.accepted += 1
        for other in [other for other in self._open if self._gone(other)]:
            self._close(other)
        self._open[connection] = self._listeners[listener]
        self._selector.register(connection, selectors.EVENT_READ)
        if self._gone(connection):
            self._close(connection)
            return
        self.most_at_once = max(self.most_at_once, len(self._open))
        if len(self._open) > self.connections:
            raise DeathError(f"{len(self._open)} connections at a time")
        if greeting := self._open[connection].greeting:
            self._say(connection, greeting)

    def _serve(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self._close(connection)
            return
        self.requests.append(data)
        if len(data) > 7:
            self.functions[data[7]] += 1
        if self.dies_of(data):
            raise DeathError(f"a request that it cannot bear: {data[:16]!r}")
        answer = self._open[connection].answer(data)
        self._over.wait(THINKS_S)
        if self.one_request and self._waiting(connection):
            raise DeathError("a second request while one was outstanding")
        if answer is None:
            self._close(connection)
        else:
            self._say(connection, answer)

    def _say(self, connection: socket.socket, data: bytes) -> None:
        try:
            connection.sendall(data)
        except OSError:
            self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._open[connection]
        connection.close()

    @staticmethod
    def _gone(connection: socket.socket) -> bool:
        """Whether the other side has closed or reset; waits a moment, as a FIN on its way is no connection."""
        connection.settimeout(0.002)
        try:
            return connection.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        finally:
            connection.settimeout(None)

    @staticmethod
    def _waiting(connection: socket.socket) -> bool:
        connection.setblocking(False)
        try:
            return bool(connection.recv(1, socket.MSG_PEEK))
        except (BlockingIOError, ConnectionError):
            return False
        finally:
            connection.setblocking(True)
