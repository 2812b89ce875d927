"""What stands between a wish and a packet: the stop flag, the anchors' word, the judge, the caps and the log. It opens no socket.

Every exchange passes here on its own: what was permitted a second ago is judged again, because a window may have closed while it
waited for its turn. A refusal is logged and raised; nothing else happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from plumbline.model.errors import (
    DeviceError,
    EnvironmentFault,
    HungUpError,
    InternalError,
    NotPermittedError,
    ProtocolError,
    RefusedError,
    SilentError,
    UnreachableError,
)
from plumbline.model.words import DeviceClass, Intrusion, Transport
from plumbline.net.caps import Caps, Device, Limits
from plumbline.net.clock import Clock
from plumbline.net.contacts import ContactLog
from plumbline.net.handshakes import Handshakes
from plumbline.net.stop import StopFlag
from plumbline.rig.models import Rig
from plumbline.rig.permits import Contact, Permit, Refusal

Stamp = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Errand:
    """One wish: the contact, the device behind it, and how to judge it at an instant."""

    contact: Contact
    device: Device
    judge: Callable[[datetime], Permit]
    anchor: bool = False  # the one kind of errand that passes before the gate is open


class Live(Protocol):
    """What the door must close in the end."""

    async def close(self) -> None:
        """Close it; twice does no harm."""
        ...


class Gate:
    """The rules of one audit, asked before each exchange."""

    def __init__(self, rig: Rig, log: ContactLog, clock: Clock, limits: Limits, stop: StopFlag) -> None:
        self.rig = rig
        self.log = log
        self.clock = clock
        self.limits = limits
        self.stop = stop
        self.caps = Caps(
            limits,
            rig.authorisation.exchanges_per_second,
            clock,
            groups={str(address): f"asset {asset.id}" for asset in reversed(rig.assets) for address in asset.addresses},
            ot=frozenset(str(a) for asset in rig.assets if asset.device_class is DeviceClass.OT for a in asset.addresses),
            check=stop.check,
        )
        self.handshakes = Handshakes(limits.handshakes, limits.turn_s)
        self.live: set[Live] = set()
        self.exchanges = 0
        self.shut: str | None = "the door was not opened"  # why nothing passes, or None

    def permit(self, errand: Errand) -> Permit:
        """Judge an errand now; logs and raises NotPermittedError, or raises StoppedError."""
        self.stop.check()
        try:
            if self.shut is not None and not errand.anchor:
                raise NotPermittedError(f"{errand.contact.address}: {self.shut}", reason=Refusal.WRONG_ANCHOR)
            return errand.judge(self.clock.now())
        except NotPermittedError as refusal:
            self.refuse(errand, refusal)
            raise

    async def turn(self, errand: Errand) -> Permit:
        """Wait until one exchange may leave, and judge it at that moment; raises NotPermittedError or StoppedError."""
        permit = self.permit(errand)
        if await self.caps.turn(errand.device):
            permit = self.permit(errand)
        self.exchanges += 1
        return permit

    def refuse(self, errand: Errand, refusal: NotPermittedError) -> None:
        """Log that a wish was turned down."""
        self.note("refused", errand, None, outcome=str(refusal.reason) or "not_permitted", detail=str(refusal))

    def turn_away(
        self, target: str, port: int | None, transport: Transport, intrusion: Intrusion, why: str, refusal: NotPermittedError
    ) -> None:
        """Log a wish that was turned down before it had an address to be judged by."""
        self.log.write(
            "refused",
            address=target[:255],
            port=port,
            transport=transport,
            why=why,
            permit="",
            intrusion=intrusion.word,
            outcome=str(refusal.reason),
            detail=str(refusal),
        )

    def note(
        self,
        event: str,
        errand: Errand,
        permit: Permit | None,
        *,
        outcome: str = "ok",
        sent: int = 0,
        received: int = 0,
        began: Stamp | None = None,
        detail: str = "",
    ) -> None:
        """Write one line of the contact log."""
        contact = errand.contact
        self.log.write(
            event,
            address=str(contact.address),
            port=contact.port,
            transport=contact.transport,
            why=contact.why,
            permit=permit.id if permit else "",
            site=permit.site if permit else "",
            intrusion=contact.intrusion.word,
            outcome=outcome,
            sent_bytes=sent,
            received_bytes=received,
            began=began,
            detail=detail,
        )


_OUTCOMES: tuple[tuple[type[BaseException], str], ...] = (
    (RefusedError, "refused"),
    (SilentError, "timeout"),
    (UnreachableError, "unreachable"),
    (HungUpError, "hung_up"),
    (ProtocolError, "protocol_error"),
    (DeviceError, "device_error"),
    (EnvironmentFault, "environment_fault"),
    (InternalError, "internal_error"),
)


def outcome_of(error: BaseException) -> str:
    """The contact log's word for an error; whatever is not the device's is `cancelled`."""
    return next((word for kind, word in _OUTCOMES if isinstance(error, kind)), "cancelled")
