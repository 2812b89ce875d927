"""Listening on UDP for the lab's own small servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from plumbline.lab.servers.streams import Stop


async def serve(address: str, port: int, protocol: Callable[[], asyncio.DatagramProtocol]) -> Stop:
    """Listen until the returned function is called. Raises OSError when the port is taken."""
    # A desktop's own responders listen at every address of these ports; where both sides reuse, the more exact address gets the packet.
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind((address, port))
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(protocol, sock=bound)
    except BaseException:
        bound.close()
        raise

    async def stop() -> None:
        transport.close()

    return stop
