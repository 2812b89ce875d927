"""Everything that can go wrong, by whose fault it is.

PlumblineError
├── InputError           the caller's: a rig file, an argument, a supplied file      exit 2
│   └── NotYetError      asked for by its right name, but built by a later release
├── DeviceError          the device's, or whoever wrote the bytes
│   ├── ProtocolError    bytes that break their format's rules (law 7)
│   ├── RefusedError     answered, and turned us away (RST, a closed port, a ban)
│   ├── SilentError      no answer before the deadline
│   ├── UnreachableError no route, no host
│   └── HungUpError      closed the connection before the answer was whole
├── NotPermittedError    ours by law: the authorisation does not cover this contact
├── StoppedError         the run was ended early: by the breaker, a deadline or `plumbline stop`   exit 3
├── EnvironmentFault     the machine's: disk full, no such interface, no memory
└── InternalError        ours: a defect in Plumbline                                 exit 4

Messages say what was wrong, where, what was seen and what to do.
"""

from __future__ import annotations


class PlumblineError(Exception):
    """The root; the command line catches this and nothing wider."""


class InputError(PlumblineError):
    """Something that the caller gave is wrong; `where` names file, line and key as far as they are known."""

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        self.message = message
        self.where = where
        self.remedy = remedy
        super().__init__(": ".join(part for part in (where, message) if part) + (f" ({remedy})" if remedy else ""))


class NotYetError(InputError):
    """A feature that the design names and this release does not have."""


class DeviceError(PlumblineError):
    """The other side misbehaved or did not answer."""


class ProtocolError(DeviceError):
    """Bytes break their format's rules; `offset` is where in the input, in bytes, or None when unknown."""

    def __init__(self, message: str, *, offset: int | None = None) -> None:
        self.offset = offset
        super().__init__(message if offset is None else f"{message} at byte {offset}")


class RefusedError(DeviceError):
    """The other side answered and turned us away."""


class SilentError(DeviceError):
    """No answer before the deadline."""


class UnreachableError(DeviceError):
    """The network says that there is no way there."""


class HungUpError(DeviceError):
    """The connection was closed before the answer was whole."""


class NotPermittedError(PlumblineError):
    """The authorisation does not cover this contact; `reason` is one of the words of `rig.permits`."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)


class StoppedError(PlumblineError):
    """The run was ended before its end; what was collected until then is kept."""


class EnvironmentFault(PlumblineError):  # noqa: N818 - a fault of the machine, told apart from errors of people and devices
    """The machine under us failed: a full disk, a missing interface."""


class InternalError(PlumblineError):
    """A defect of ours."""
