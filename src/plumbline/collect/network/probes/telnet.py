"""Telnet: listen to what the server says, refuse every option, and look whether it asks for a login.

Exchanges: one connection and one answer to the options, so 2. Nothing is typed.
"""

from __future__ import annotations

import asyncio

from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import HungUpError, ProtocolError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.connection import Connection
from plumbline.protocols.telnet import Decoder, Negotiation, Prompt, encode_refusals, plain_text, prompt_of

LISTEN_S = 3.0  # BusyBox telnetd prompts at once; slow login programs were seen to take 2 s
QUIET_S = 0.4  # after what looks like a prompt: a banner that comes in pieces may look like one where it was cut
HEARD_BYTES = 16 * 1024  # no banner is longer; what goes on after it is no prompt
BANNER_CHARACTERS = 256


async def run(visit: Visit) -> None:
    """Listen, and write one row."""
    heard, options = bytearray(), set[int]()
    connection = await visit.connect()
    try:
        closed = await _listen(connection, heard, options)
    finally:
        await connection.close()
    text = plain_text(bytes(heard))
    prompt = prompt_of(text)
    if not heard:
        raise HungUpError("closed the connection and said nothing") if closed else SilentError("said nothing")
    if not options and prompt is None:
        raise ProtocolError("neither options nor a prompt came")
    visit.row(
        "telnet_service",
        raw=visit.keep(bytes(heard)),
        port=visit.port,
        login_prompt=None if prompt is None else prompt in (Prompt.LOGIN, Prompt.PASSWORD),
        shell_prompt=None if prompt is None else prompt is Prompt.SHELL,
        banner=visit.redacted(" ".join(text.split()))[:BANNER_CHARACTERS] or None,
        options=[str(option) for option in sorted(options)],
    )


async def _listen(connection: Connection, heard: bytearray, options: set[int]) -> bool:
    """Hear the server out until it waits for us, refusing every option that it offers or asks for; says whether it closed."""
    loop, decoder, refused = asyncio.get_running_loop(), Decoder(), False
    deadline = loop.time() + LISTEN_S
    while len(heard) < HEARD_BYTES and (left := deadline - loop.time()) > 0:
        prompted = prompt_of(decoder.pending) is not None
        try:
            data = await connection.receive(timeout_s=min(left, QUIET_S) if prompted else left)
        except SilentError:
            return False
        if not data:
            return True
        heard += data
        events = decoder.feed(data)
        options |= {event.option for event in events if isinstance(event, Negotiation)}
        answer = encode_refusals(events)
        if answer and not refused:
            await connection.request(answer)
            refused = True
        elif answer:
            await connection.send(answer)
    return False


PROBE = Probe(
    protocol="telnet",
    tables=("telnet_service",),
    transport=Transport.TCP,
    ports=frozenset({23, 2323}),
    intrusion=Intrusion.QUERY,
    exchanges=2,
    run=run,
)
