"""Telnet as BusyBox's telnetd begins it: negotiation, a banner, then a login prompt or, on the weakest devices, a shell.

Nobody gets in: every login fails. A line typed into the shell is noted as harm, whatever it says, and answered as an unknown command.
"""

from __future__ import annotations

import asyncio
from functools import partial

from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop, serve
from plumbline.lab.services import Telnet
from plumbline.lab.watch import Watch

IAC, SE, SB, WILL, DO = 255, 240, 250, 251, 253  # RFC 854
_OFFERS = bytes((IAC, DO, 1, IAC, DO, 31, IAC, WILL, 1, IAC, WILL, 3))  # echo, window size, echo, suppress go-ahead: as BusyBox


async def start(device: Device, service: Telnet, watch: Watch) -> Stop:
    """Serve the prompt."""
    return await serve(device.address, service.port, partial(_talk, device, service, watch))


async def _talk(device: Device, service: Telnet, watch: Watch, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    prompt = "/ # " if service.shell else "login: "
    writer.write(_OFFERS + f"\r\n{service.banner}\r\n\r\n{prompt}".encode())
    asked = prompt
    while line := await _line(reader):
        if service.shell:
            watch.harm(device.name, "a command was typed into its shell")
            writer.write(f"\r\nsh: not found\r\n{prompt}".encode())
        elif asked == "login: ":
            asked = "Password: "
            writer.write(f"\r\n{asked}".encode())
        else:
            watch.login(device.name, "telnet")
            asked = "login: "
            writer.write(f"\r\nLogin incorrect\r\n{asked}".encode())
        await writer.drain()
        if len(line) > 1024:
            return


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Read one typed line without its negotiation; empty at the end of the stream."""
    typed = bytearray()
    while data := await reader.read(1):
        if data[0] == IAC:
            verb = (await reader.readexactly(1))[0]
            if verb == SB:
                await reader.readuntil(bytes((IAC, SE)))
            elif verb > SB:
                await reader.readexactly(1)
        elif data in b"\r\n":
            if typed:
                return bytes(typed)
        elif data != b"\x00":
            typed += data
    return b""
