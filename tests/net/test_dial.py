"""What the kernel says of a connect, told as whose fault it is."""

from __future__ import annotations

import errno
import os

import pytest

from plumbline.model.errors import EnvironmentFault, PlumblineError, RefusedError, SilentError, UnreachableError
from plumbline.net.dial import fault

CASES: dict[str, tuple[int, type[PlumblineError]]] = {
    "a reset": (errno.ECONNREFUSED, RefusedError),
    "no answer that the kernel waited for": (errno.ETIMEDOUT, SilentError),
    "no host": (errno.EHOSTUNREACH, UnreachableError),
    "a node without TCP": (errno.ENOPROTOOPT, UnreachableError),
    "a firewall between": (errno.EACCES, UnreachableError),
    "too many open files": (errno.EMFILE, EnvironmentFault),
    "no IPv6 here": (errno.EAFNOSUPPORT, EnvironmentFault),
}


@pytest.mark.parametrize("name", CASES)
def test_faults(name: str) -> None:
    code, kind = CASES[name]
    told = fault(OSError(code, os.strerror(code)), "10.0.0.1 port 80")
    assert type(told) is kind
    assert "10.0.0.1 port 80" in str(told)
