"""Telnet: listen to what the server says, refuse every option, and look whether it asks for a login.

Exchanges: one connection and one answer to the options, so 2. Nothing is typed.
"""

from __future__ import annotations

import asyncio

from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import ProtocolError, SilentError
from plumbline.model.words import Intrusion, Transport
from plumbline.protocols.telnet import Decoder, Negotiation, Prompt, encode_refusals, plain_text, prompt_of

LISTEN_S = 3.0  # BusyBox telnetd prompts at once; slow login programs were seen to take 2 s
BANNER_CHARACTERS = 256


async def run(visit: Visit) -> None:
    """Listen, and write one row."""
    decoder, heard, options, refused = Decoder(), bytearray(), list[str](), False
    connection = await visit.connect()
    try:
        deadline = asyncio.get_running_loop().time() + LISTEN_S
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                data = await connection.receive(timeout_s=left)
            except SilentError:
                break
            if not data:
                break
            heard += data
            events = decoder.feed(data)
            options += [str(event.option) for event in events if isinstance(event, Negotiation)]
            answer = encode_refusals(events)
            if answer and not refused:
                await connection.request(answer)
                refused = True
            elif answer:
                await connection.send(answer)
            if prompt_of(plain_text(bytes(heard))) is not None:
                break
    finally:
        await connection.close()
    text = plain_text(bytes(heard))
    prompt = prompt_of(text)
    if not heard:
        raise SilentError("a Telnet server that said nothing")
    if not options and prompt is None:
        raise ProtocolError("neither options nor a prompt came")
    visit.row(
        "telnet_service",
        raw=visit.keep(bytes(heard)),
        port=visit.port,
        login_prompt=None if prompt is None else prompt in (Prompt.LOGIN, Prompt.PASSWORD),
        shell_prompt=None if prompt is None else prompt is Prompt.SHELL,
        banner=visit.redacted(" ".join(text.split())[:BANNER_CHARACTERS]) or None,
        options=sorted(set(options), key=int),
    )


PROBE = Probe(
    protocol="telnet",
    tables=("telnet_service",),
    transport=Transport.TCP,
    ports=frozenset({23, 2323}),
    intrusion=Intrusion.QUERY,
    exchanges=2,
    run=run,
)
