"""Servers of the operating system, run by a test: on loopback and a free port, with a configuration of its own, ended by their pid."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

WAIT_S = 20.0
LOOPBACK = "127.0.0.1"
PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # an ordinary user's PATH lacks the servers


def program(*names: str) -> str:
    """Find the first of some programs that is installed, or skip the test."""
    for name in names:
        if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:{PLACES}"):
            return found
    pytest.skip(f"{' or '.join(names)} is not installed")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that is free at this moment."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


@contextmanager
def running(
    arguments: Sequence[str | Path], *, port: int | None = None, ready: str | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[list[str]]:
    """Run a server until the block ends; gives what it says.

    It is ready when its output matches `ready`, or when its TCP `port` takes a connection.
    """
    server = subprocess.Popen(
        [str(one) for one in arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **(environment or {})},
    )
    said: list[str] = []
    told = threading.Event()

    def listen() -> None:
        assert server.stdout is not None
        for line in server.stdout:
            said.append(line)
            if ready is not None and re.search(ready, line):
                told.set()
        told.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        if ready is not None:
            assert told.wait(WAIT_S) and server.poll() is None, f"{arguments[0]} did not start: {''.join(said)}"
        elif port is not None:
            _await_port(server, port, said)
        yield said
    finally:
        server.terminate()
        try:
            server.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(WAIT_S)
        listener.join(WAIT_S)


def _await_port(server: subprocess.Popen[str], port: int, said: list[str]) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as one:
            one.settimeout(1)
            if one.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.02)  # another program's start cannot be awaited otherwise
    pytest.fail(f"nothing listens on port {port}: {''.join(said)}")
