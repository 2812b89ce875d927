"""TLS handshakes per endpoint: at most 20 over the audit, one after the other (law 5). Not the handshake itself.

Handshakes are dear to small devices: an RSA-2048 signature takes a Cortex-M4 about a second.
"""

from __future__ import annotations

import asyncio

from plumbline.model.errors import NotPermittedError, StoppedError
from plumbline.net.dial import plain_text
from plumbline.rig.permits import Refusal


class _Endpoint:
    def __init__(self) -> None:
        self.begun = 0
        self.lock = asyncio.Lock()


class Handshakes:
    """The count and the order of handshakes, by address and port."""

    def __init__(self, limit: int, turn_s: float) -> None:
        self._limit = limit
        self._turn_s = turn_s
        self._endpoints: dict[tuple[str, int], _Endpoint] = {}

    async def begin(self, address: str, port: int) -> asyncio.Lock:
        """Wait for the endpoint's other handshakes to end and count one more; the caller releases the lock when its own has ended.

        Raises NotPermittedError (`budget`) when all are used up: what rests on further handshakes is then `partial`.
        """
        endpoint = self._endpoints.setdefault((plain_text(address), port), _Endpoint())
        self._check(endpoint, address, port)
        try:
            async with asyncio.timeout(self._turn_s):
                await endpoint.lock.acquire()
        except TimeoutError as late:
            raise StoppedError(f"{address} port {port}: another handshake did not end within {self._turn_s:g} s") from late
        try:
            self._check(endpoint, address, port)
        except NotPermittedError:
            endpoint.lock.release()
            raise
        endpoint.begun += 1
        return endpoint.lock

    def left(self, address: str, port: int) -> int:
        """How many handshakes an endpoint may still be asked for."""
        endpoint = self._endpoints.get((plain_text(address), port))
        return self._limit - (endpoint.begun if endpoint else 0)

    def _check(self, endpoint: _Endpoint, address: str, port: int) -> None:
        if endpoint.begun >= self._limit:
            raise NotPermittedError(f"{address} port {port}: all {self._limit} handshakes are used up (law 5)", reason=Refusal.BUDGET)
