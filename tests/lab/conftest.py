"""One lab for all tests of the lab: weak twins weak, hardened twins safe, on addresses that no other test process uses."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab, running

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)  # certificates are relative to it; nothing here compares with the machine's clock

_CLAIM_PORT = 20999  # the lab uses no such port, nor the last address of a base
_claims: list[socket.socket] = []  # held for as long as this process lives


def free_base() -> str:
    """Claim two octets of 127.0.0.0/8 for this process, by binding a socket at their end."""
    for number in range(100, 250):
        claim = socket.socket()
        try:
            claim.bind((f"127.{number}.255.254", _CLAIM_PORT))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return f"127.{number}"
    raise RuntimeError("every base is taken")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with running(at=AT, base=free_base()) as started:
        yield started


class Twins:
    """Gives devices of the running lab by name."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __getitem__(self, name: str) -> Device:
        return self._lab.fleet.by_name[name]


@pytest.fixture(scope="session")
def devices(lab: Lab) -> Twins:
    return Twins(lab)
