"""Ports without a protocol: mute, printing, silent, hanging up, sending garbage, a tarpit.

A silent port is a listener whose queue of one is filled by the lab itself: Linux then drops further SYNs (tcp_abort_on_overflow = 0), and a
visitor sees what a filter does. Nothing is changed in the system's packet filter, so it needs no privileges.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
from functools import partial

from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop, serve
from plumbline.lab.services import Habit, Odd
from plumbline.lab.watch import Watch

TARPIT_S = 1.0
GARBAGE = b"\x9c" + b"".join(hashlib.sha256(bytes([n])).digest() for n in range(4))  # the first byte opens no known protocol
_FILL = 4  # connections; with a backlog of 0 Linux queues one, and drops the rest


async def start(device: Device, service: Odd, watch: Watch) -> Stop:
    """Open the port."""
    match service.habit:
        case Habit.MUTE:
            return await serve(device.address, service.port, _mute)
        case Habit.PRINTS:
            return await serve(device.address, service.port, partial(_print, device, watch))
        case Habit.HANGS_UP:
            return await serve(device.address, service.port, _hang_up)
        case Habit.GARBAGE:
            return await serve(device.address, service.port, _garbage)
        case Habit.TARPIT:
            return await serve(device.address, service.port, _tarpit)
        case Habit.SILENT:
            return _close_all(_full_queue(device.address, service.port))


async def _mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        pass


async def _print(device: Device, watch: Watch, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    if await reader.read(4096):
        watch.harm(device.name, "printed what it was sent")
    while await reader.read(4096):
        pass


async def _hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    return


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(GARBAGE)
    await writer.drain()
    await _mute(reader, writer)


async def _tarpit(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(TARPIT_S)


def _full_queue(address: str, port: int) -> list[socket.socket]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(0)
    fillers = []
    for _ in range(_FILL):
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.setblocking(False)
        filler.connect_ex((address, port))
        fillers.append(filler)
    return [listener, *fillers]


def _close_all(sockets: list[socket.socket]) -> Stop:
    async def stop() -> None:
        for one in sockets:
            one.close()

    return stop
