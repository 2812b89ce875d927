"""How often and how widely the door may press on one device and on the whole rig (law 5). Not whether it may: that is a permit.

An exchange is a connection, a datagram, a request within a connection, or a TLS handshake. Each takes one turn, and a turn
is granted at the moment of sending, never ahead of it: a stalled loop cannot save turns up and spend them at once.

The rates are exact. With a rate of R exchanges a second, the burst is b = max(1, R // n) and at most b turns fall in any
1 / (R // b) seconds; so any whole second holds at most R. For a device n is 20. An `it` device at 40/s: 2 in any 50 ms. An `ot`
device at 5/s: 1 in any 200 ms. For the whole audit, whose turns go to many devices, n is 5, so that a loop held up for a moment
does not lose its rate. At 500/s: 100 in any 200 ms.

Waiting is first come, first served, per device and then for the audit, and bounded by `Limits.turn_s`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from plumbline.model.errors import InternalError, StoppedError
from plumbline.model.words import DeviceClass
from plumbline.net.clock import Clock
from plumbline.net.dial import plain_text

LAW_CONNECTIONS = 2
LAW_EXCHANGES_PER_S = 40
LAW_OT_CONNECTIONS = 1
LAW_OT_EXCHANGES_PER_S = 5
LAW_HANDSHAKES = 20
DEVICE_SPANS = 20  # into which a second is cut, each with its share of the turns
AUDIT_SPANS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of one door; each may be lower than law 5 says, none higher (ValueError)."""

    connections: int = LAW_CONNECTIONS  # at a time, per `it` device; an open datagram line counts as one
    exchanges_per_s: int = LAW_EXCHANGES_PER_S  # per `it` device
    ot_connections: int = LAW_OT_CONNECTIONS
    ot_exchanges_per_s: int = LAW_OT_EXCHANGES_PER_S
    handshakes: int = LAW_HANDSHAKES  # per TLS endpoint, over the door's life
    received_bytes: int = 1 << 20  # per connection; the largest honest answer, an OPC UA endpoint list, is a tenth of it
    sweep_lanes: int = 400  # connects under way at once in a sweep; below the usual limit of 1024 open files
    resolve_s: float = 2.0  # for each answer of a resolver; on the rig's own network one takes milliseconds
    turn_s: float = 3600.0  # the longest wait for a turn: a queue of a whole /24 at one exchange a second fits

    def __post_init__(self) -> None:
        """Hold each cap to the law."""
        for name, law in (
            ("connections", LAW_CONNECTIONS),
            ("exchanges_per_s", LAW_EXCHANGES_PER_S),
            ("ot_connections", LAW_OT_CONNECTIONS),
            ("ot_exchanges_per_s", LAW_OT_EXCHANGES_PER_S),
            ("handshakes", LAW_HANDSHAKES),
        ):
            value = getattr(self, name)
            if not 1 <= value <= law:
                raise ValueError(f"{name} must lie between 1 and {law} (law 5), not {value}")


SHIPPED = Limits()


class Pace:
    """At most `burst` turns in any `window_ns`; see the module's docstring for how they follow from the rate."""

    def __init__(self, per_second: int, spans: int = DEVICE_SPANS) -> None:
        burst = max(1, per_second // spans)
        self.window_ns = -(-1_000_000_000 // (per_second // burst))
        self._granted: deque[int] = deque(maxlen=burst)

    def wait_ns(self, now_ns: int) -> int:
        """How long until a turn may be granted, in nanoseconds; 0 is now."""
        granted = self._granted
        if len(granted) < (granted.maxlen or 1):
            return 0
        return max(0, granted[0] + self.window_ns - now_ns)

    def grant(self, now_ns: int) -> None:
        """Count one turn at this moment."""
        self._granted.append(now_ns)

    @property
    def latest_ns(self) -> int | None:
        """When the last turn was granted, or None before the first."""
        return self._granted[-1] if self._granted else None


class Slots:
    """A number of places, taken in the order in which they were asked for; the number may shrink while some are held."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Take a place, or wait in line for one; safe to cancel."""
        if self.held < self.limit and not self._waiters:
            self.held += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.release()  # the place came in the same moment as the cancellation: hand it on
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    def release(self) -> None:
        """Give a place back and let the next in line have it."""
        self.held -= 1
        while self._waiters and self.held < self.limit:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self.held += 1
                waiter.set_result(None)


class Device:
    """One device's places and pace, whatever address it is reached by."""

    def __init__(self, key: str, device_class: DeviceClass, limits: Limits) -> None:
        self.key = key
        self.turn = asyncio.Lock()
        self.holders: list[asyncio.Task[object] | None] = []  # the tasks that took its places
        self.queued = 0  # tasks in line for a turn: while there are any, nobody takes the short way past them
        self.slots = Slots(limits.connections)
        self.pace = Pace(limits.exchanges_per_s)
        self.device_class = DeviceClass.IT
        if device_class is DeviceClass.OT:
            self.become_ot(limits)

    def wait_ns(self, now_ns: int) -> int:
        """How long until its pace lets another exchange leave; asked anew each time, as the pace may have been changed meanwhile."""
        return self.pace.wait_ns(now_ns)

    def become_ot(self, limits: Limits) -> None:
        """Hold it to the caps of an `ot` device from now on; there is no way back within an audit."""
        if self.device_class is DeviceClass.OT:
            return
        self.device_class = DeviceClass.OT
        self.slots.limit = limits.ot_connections
        latest_ns = self.pace.latest_ns
        self.pace = Pace(limits.ot_exchanges_per_s)
        if latest_ns is not None:
            self.pace.grant(latest_ns)


class Place:
    """One of a device's places, taken; `release` gives it back, once."""

    def __init__(self, device: Device, holder: asyncio.Task[object] | None) -> None:
        self._device = device
        self._holder = holder
        device.holders.append(holder)

    def release(self) -> None:
        """Let the next in line have it."""
        self._device.holders.remove(self._holder)
        self._device.slots.release()


class Caps:
    """The caps of one audit: `groups` maps an address to its device's key where they differ; `check` raises when the run is stopped."""

    def __init__(
        self,
        limits: Limits,
        exchanges_per_second: int,
        clock: Clock,
        *,
        groups: Mapping[str, str] | None = None,
        ot: frozenset[str] = frozenset(),
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._check = check
        self._groups = {plain_text(address): key for address, key in (groups or {}).items()}
        self._ot = frozenset(map(plain_text, ot))
        self._pace = Pace(exchanges_per_second, AUDIT_SPANS)
        self._turn = asyncio.Lock()
        self._queued = 0
        self._devices: dict[str, Device] = {}

    def device(self, address: str) -> Device:
        """The device behind an address: a declared asset, or the address itself however it is written; made on first sight."""
        plain = plain_text(address)
        key = self._groups.get(plain, plain)
        device = self._devices.get(key)
        if device is None:
            device = self._devices[key] = Device(key, DeviceClass.OT if plain in self._ot else DeviceClass.IT, self.limits)
        return device

    def addresses(self, device: Device) -> tuple[str, ...]:
        """The addresses that are known to be the device's; none for one that is not declared."""
        return tuple(address for address, key in self._groups.items() if key == device.key)

    async def place(self, device: Device) -> Place:
        """Wait for one of the device's places; the caller gives it back.

        Raises StoppedError after `turn_s`, InternalError where the caller itself holds them all and would wait for ever.
        """
        task = asyncio.current_task()
        if len(device.holders) >= device.slots.limit and all(holder is task for holder in device.holders):
            raise InternalError(f"a probe that holds every connection to {device.key} asks for one more (law 5)")
        try:
            async with asyncio.timeout(self.limits.turn_s):
                await device.slots.acquire()
        except TimeoutError as late:
            raise StoppedError(f"no free connection to {device.key} within {self.limits.turn_s:g} s") from late
        return Place(device, task)

    async def turn(self, device: Device) -> bool:
        """Wait until one exchange with the device may leave now; tells whether it had to wait. Raises StoppedError."""
        if not device.queued and not self._queued:
            now_ns = self._clock.monotonic_ns()
            if not device.pace.wait_ns(now_ns) and not self._pace.wait_ns(now_ns):
                device.pace.grant(now_ns)
                self._pace.grant(now_ns)
                return False
        device.queued += 1
        try:
            async with asyncio.timeout(self.limits.turn_s), device.turn:
                await self._sit_out(device.wait_ns)
                await self._turn_of_the_audit(device)
        except TimeoutError as late:
            raise StoppedError(f"no turn for {device.key} within {self.limits.turn_s:g} s") from late
        finally:
            device.queued -= 1
        return True

    async def _turn_of_the_audit(self, device: Device) -> None:
        self._queued += 1
        try:
            async with self._turn:
                await self._sit_out(lambda now_ns: max(device.wait_ns(now_ns), self._pace.wait_ns(now_ns)))
                now_ns = self._clock.monotonic_ns()
                device.pace.grant(now_ns)
                self._pace.grant(now_ns)
        finally:
            self._queued -= 1

    async def _sit_out(self, wait_ns: Callable[[int], int]) -> None:
        while wait := wait_ns(self._clock.monotonic_ns()):
            self._check()
            await self._clock.sleep(wait / 1e9)
