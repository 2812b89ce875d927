"""The breaker of law 5: devices are alive before and after, canaries go first, and a few gone silent stop the whole audit.

It opens no socket: the collector finds out whether a device is alive, through the door, and says so here.

Rules: three devices, or 2 % of those known alive, whichever comes first, but at least one. So a rig of up to 50 devices stops at the
first, one of up to 100 at the second, a larger one at the third. A model whose canary fell silent is spared: its other devices are
not touched even where the audit goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plumbline.model.errors import NotPermittedError
from plumbline.net.stop import StopFlag
from plumbline.rig.permits import Refusal

GONE_MAX = 3
GONE_PERCENT = 2


@dataclass(frozen=True, slots=True)
class Waves:
    """Who goes first: one device per declared model, each to be finished and compared before any of `others` is begun."""

    canaries: tuple[str, ...]
    others: tuple[str, ...]


def waves(addresses: Iterable[str], models: Mapping[str, str]) -> Waves:
    """Split addresses, in their order: the first of each model is its canary; a model that is nobody else's has one all the same.

    `models` maps an address to its declared model; an address without one goes with the others.
    """
    first: dict[str, str] = {}
    others = []
    for address in dict.fromkeys(addresses):
        model = models.get(address)
        if model is None or model in first:
            others.append(address)
        else:
            first[model] = address
    return Waves(tuple(first.values()), tuple(others))


class Breaker:
    """Counts the devices that fell silent during the audit and trips the stop flag."""

    def __init__(self, stop: StopFlag, *, models: Mapping[str, str] | None = None) -> None:
        self._stop = stop
        self._models = models or {}
        self._alive: set[str] = set()
        self._gone: set[str] = set()

    @property
    def gone(self) -> frozenset[str]:
        """The devices that answered before and did not after."""
        return frozenset(self._gone)

    @property
    def tripped(self) -> bool:
        """Whether so many are gone that the audit must stop."""
        gone = len(self._gone)
        return gone >= GONE_MAX or (gone > 0 and gone * 100 >= GONE_PERCENT * len(self._alive))

    def expect(self, addresses: Iterable[str]) -> None:
        """Say which devices a sweep found alive; without it only those given to `before` count, and the 2 % are reached sooner."""
        self._alive.update(addresses)

    def may(self, address: str) -> None:
        """Ask before anything is sent to a device.

        Raises NotPermittedError (`stopped`) when its model is spared, StoppedError when the audit stops.
        """
        self._stop.check()
        if (canary := self.spared(address)) is not None:
            raise NotPermittedError(
                f"{address} is left alone: {canary}, of the same model, fell silent during its probes", reason=Refusal.STOPPED
            )

    def before(self, address: str, alive: bool) -> None:
        """Say whether a device answered just before its probes; raises as `may` does."""
        self.may(address)
        if alive:
            self._alive.add(address)
        elif address in self._alive:
            self._fell(address, "before its probes began, though the sweep had found it")

    def after(self, address: str, alive: bool) -> None:
        """Say whether a device answers after its probes; raises StoppedError when the audit stops by it."""
        if alive:
            self._gone.discard(address)
        elif address in self._alive:
            self._fell(address, "during its probes")

    def spared(self, address: str) -> str | None:
        """The silent device of the same model for whose sake this one is left alone, or None."""
        model = self._models.get(address)
        if model is None:
            return None
        return next((gone for gone in sorted(self._gone) if gone != address and self._models.get(gone) == model), None)

    def _fell(self, address: str, when: str) -> None:
        self._gone.add(address)
        if self.tripped:
            names = ", ".join(sorted(self._gone))
            self._stop.set(f"breaker: {address} fell silent {when}; {len(self._gone)} of {len(self._alive)} devices gone: {names}")
            self._stop.check()
