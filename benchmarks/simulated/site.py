"""The hosts of a simulated site as values: at every address six open ports of twenty, two of the six where nobody expects that protocol.

Both scanners are held to `truth`: what really speaks on each open port.
"""

from __future__ import annotations

from dataclasses import dataclass

USUAL_PORTS = (21, 22, 23, 80, 443, 502, 554, 1883, 8080, 8443, 8554, 8883)
ODD_PORTS = (5000, 7070, 8000, 9000, 10022, 10554, 21883, 34567)
PORTS = (*USUAL_PORTS, *ODD_PORTS)
OPEN_PORTS = 6

# Kind of device: what it serves where. The last two of each stand at odd ports.
KINDS: dict[str, dict[int, str]] = {
    "camera": {23: "telnet", 80: "http", 443: "https", 554: "rtsp", 10022: "ssh", 34567: "http"},
    "gateway": {80: "http", 443: "https", 1883: "mqtt", 8883: "mqtts", 7070: "http", 10022: "ssh"},
    "router": {22: "ssh", 23: "telnet", 80: "http", 443: "https", 8000: "telnet", 10022: "ssh"},
    "recorder": {21: "ftp", 80: "http", 8443: "https", 8554: "rtsp", 10554: "rtsp", 34567: "telnet"},
    "printer": {21: "ftp", 23: "telnet", 80: "http", 443: "https", 9000: "ftp", 5000: "https"},
    "sensor hub": {22: "ssh", 80: "http", 1883: "mqtt", 8080: "http", 21883: "mqtt", 10022: "ssh"},
    "controller": {21: "ftp", 23: "telnet", 80: "http", 502: "modbus", 5000: "http", 9000: "telnet"},
}
_TURN = ("camera", "gateway", "router", "recorder", "printer", "sensor hub")
_CONTROLLER_EVERY = 32  # industrial hosts are few where cameras and printers stand


@dataclass(frozen=True, slots=True)
class Speaks:
    """What an open port speaks."""

    protocol: str
    tls: bool


@dataclass(frozen=True, slots=True)
class Host:
    """One host: its number decides everything about it."""

    number: int
    kind: str
    address: str

    @property
    def services(self) -> dict[int, str]:
        """What it serves, by port."""
        return KINDS[self.kind]


def hosts(base: str, count: int) -> list[Host]:
    """The site's hosts; `base` is the first two octets of their addresses."""
    return [Host(number, _kind(number), f"{base}.{1 + number // 200}.{10 + number % 200}") for number in range(count)]


def truth(base: str, count: int) -> dict[tuple[str, int], Speaks]:
    """What speaks on each open port of the site."""
    return {
        (host.address, port): Speaks({"https": "http", "mqtts": "mqtt"}.get(word, word), tls=word in ("https", "mqtts"))
        for host in hosts(base, count)
        for port, word in host.services.items()
    }


def _kind(number: int) -> str:
    return "controller" if number % _CONTROLLER_EVERY == _CONTROLLER_EVERY - 1 else _TURN[number % len(_TURN)]
