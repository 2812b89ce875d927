"""The running lab: starts every service of the fleet in one event loop, and stops them without leftovers.

    async with Lab(Switches(), at=now) as lab:      # in an event loop of one's own
    with running(Switches(), at=now) as lab:        # in a thread, for callers that block

Rules: all or nothing: when one port is taken, what was started is stopped again. The servers' libraries say nothing while it runs.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from collections.abc import Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime
from typing import Self

from plumbline.lab.fleet import BASE, Device, fleet
from plumbline.lab.servers.streams import Stop
from plumbline.lab.services import Service
from plumbline.lab.switches import Switches
from plumbline.lab.watch import Watch
from plumbline.model.errors import EnvironmentFault, InputError

_TALKATIVE = ("amqtt", "transitions", "asyncua", "aiocoap", "plumbline.lab.coap", "pymodbus", "asyncssh", "pyftpdlib", "plumbline.lab")
_START_S = 60.0  # far over what it takes; a machine that needs longer is not fit to be audited from either


class Lab:
    """A lab that runs inside `async with`.

    `at` is the instant that certificates and activity times are relative to; `base` the first two octets of its addresses; `subset` the
    names of the devices to start, None for all. Raises InputError for an unknown name, EnvironmentFault when a port is taken.
    """

    def __init__(self, switches: Switches | None = None, *, at: datetime, base: str = BASE, subset: Collection[str] | None = None) -> None:
        self.fleet = fleet(Switches() if switches is None else switches, at, base)
        self.watch = Watch()
        unknown = sorted(set(subset or ()) - self.fleet.by_name.keys())
        if unknown:
            raise InputError(f"no such device: {', '.join(unknown)}", remedy=f"choose from {', '.join(self.fleet.by_name)}")
        self.devices = [device for device in self.fleet.devices if subset is None or device.name in subset]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.enter_context(_quiet())
            for device in self.devices:
                for service in device.services:
                    stack.push_async_callback(await self._start(device, service))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self, device: Device, service: Service) -> Stop:
        """Start a service by the module named after its type; importing late keeps a small subset quick."""
        module = importlib.import_module(f"plumbline.lab.servers.{type(service).__name__.lower()}")
        place = f"{service.transport.value} {device.address}:{service.port}"
        try:
            stop: Stop = await module.start(device, service, self.watch)
        except OSError as error:
            remedy = "stop the other lab, or give this one another base (--base)"
            raise EnvironmentFault(f"{device.name} cannot listen on {place}: {error.strerror or error} ({remedy})") from error
        return stop


@contextmanager
def running(switches: Switches | None = None, *, at: datetime, base: str = BASE, subset: Collection[str] | None = None) -> Iterator[Lab]:
    """Run a lab in a thread of its own, so that the caller may block; raises as `Lab` does."""
    lab = Lab(switches, at=at, base=base, subset=subset)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab", daemon=True)
    thread.start()
    try:
        starting = asyncio.run_coroutine_threadsafe(lab.__aenter__(), loop)
        try:
            starting.result(_START_S)
            yield lab
        finally:
            starting.cancel()  # by Ctrl-C before it was up; once it is, this does nothing
            asyncio.run_coroutine_threadsafe(_wind_down(lab), loop).result(_START_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _wind_down(lab: Lab) -> None:
    """Stop the lab and whatever its libraries left running."""
    await lab.__aexit__(None, None, None)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the libraries: what a probe makes them complain about is the visitor's business, and recorded there."""
    before = {name: logging.getLogger(name).level for name in _TALKATIVE}
    for name in before:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
