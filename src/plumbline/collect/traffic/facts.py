"""What a capture told, gathered under hard caps while it is read. Rows are made of it by `rows`; nothing here is a row yet.

Rules:
- Everything is kept once per thing, never per packet, so memory follows the rig and not the capture's size.
- Where a cap is reached, what is new is counted and dropped: `dropped` says how much, and coverage turns partial.
- Addresses are packed bytes; text from the wire is cut at the length that a report can show.
- A secret passes through `Notes.credential` only, and leaves it as a keyed digest (law 8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sized
from dataclasses import dataclass, field

from plumbline.collect.traffic.locality import Locality
from plumbline.collect.traffic.tcp import Place
from plumbline.model.words import Transport

CAPS = {
    "station": 20_000,
    "flow": 50_000,
    "clear_credential": 10_000,
    "dns_query": 50_000,
    "tls_client": 20_000,
    "mqtt_client": 10_000,
    "http_client": 20_000,
}
MAX_RECEIVERS = 70_000  # a scan of a /16 fits
MAX_TEXT = 256  # characters of one text from the wire
MAX_TOPICS = 200  # topic shapes of one client
MAX_VARIANTS = 16  # different values counted where one is shown
MAX_ADDRESSES_OF_MAC = 8  # an interface holds a few; a router is known long before


@dataclass(frozen=True, slots=True)
class Ends:
    """Who talks to whom: `station` is the local side that rows are about; `inbound` when the client is outside, so station is server."""

    station: bytes
    server: bytes
    port: int
    transport: Transport
    inbound: bool = False


@dataclass(slots=True)
class StationFacts:
    """Totals of one local address in one direction, in packets and in bytes on the wire."""

    packets: int = 0
    wire_bytes: int = 0
    last_ns: int = 0


@dataclass(slots=True)
class FlowFacts:
    """All connections between a station and one port of a server. `unread` are those with content that no reader understood to its end."""

    first_ns: int
    last_ns: int
    external: bool
    connections: int = 0
    packets: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    gaps: bool = False
    unread: int = 0
    protocols: dict[str, int] = field(default_factory=dict)
    clear: int = 0
    encrypted: int = 0
    read: int = 0
    credentials: frozenset[str] = frozenset()


@dataclass(slots=True)
class CredentialFacts:
    """Where one credential was first seen."""

    protocol: str
    place: Place


@dataclass(slots=True)
class DnsFacts:
    """Queries of one station for one name and type."""

    resolver: bytes
    count: int = 0
    answered: bool = False
    last_ns: int = 0


@dataclass(slots=True)
class TlsFacts:
    """Hellos of one station to one server; versions as on the wire."""

    names: Counter[str] = field(default_factory=Counter)
    offered: set[int] = field(default_factory=set)  # the highest version of each hello
    weak: set[str] = field(default_factory=set)
    chosen: set[tuple[int, int]] = field(default_factory=set)  # version and suite
    certificate_sha256: str | None = None
    hellos: int = 0
    last_ns: int = 0


@dataclass(slots=True)
class MqttFacts:
    """Connections of one client in one manner."""

    accepted: bool | None = None
    publishes: int = 0
    topics: set[str] = field(default_factory=set)
    last_ns: int = 0


@dataclass(slots=True)
class HttpFacts:
    """Requests of one kind."""

    user_agent: str | None = None
    firmware_download: bool = False
    requests: int = 0
    last_ns: int = 0


@dataclass(slots=True)
class Names:
    """What was said of names: by MAC in DHCP requests, by address in DHCP answers and mDNS."""

    host_by_mac: dict[bytes, str] = field(default_factory=dict)
    class_by_mac: dict[bytes, str] = field(default_factory=dict)
    host_by_address: dict[bytes, str] = field(default_factory=dict)
    mac_by_address: dict[bytes, bytes] = field(default_factory=dict)


MqttKey = tuple[Ends, str, str, bool, bool]
HttpKey = tuple[Ends, str, str, str]


class Notes:
    """The notebook of one capture. `digest` turns (kind, secret) into a keyed digest."""

    def __init__(self, digest: Callable[[str, bytes], str]) -> None:
        self._digest = digest
        self.stations: dict[bytes, StationFacts] = {}  # what each sent
        self.received: dict[bytes, StationFacts] = {}
        self.flows: dict[Ends, FlowFacts] = {}
        self.credentials: dict[tuple[Ends, str, str | None, str], CredentialFacts] = {}
        self.dns: dict[tuple[bytes, str, int], DnsFacts] = {}
        self.tls: dict[Ends, TlsFacts] = {}
        self.mqtt: dict[MqttKey, MqttFacts] = {}
        self.http: dict[HttpKey, HttpFacts] = {}
        self.names = Names()
        self.dropped: Counter[str] = Counter()
        self.unread_connections = 0  # in clear or not recognised, and not read to their end
        self._macs: dict[bytes, set[bytes]] = {}  # who sent from this MAC
        self._claimed: dict[bytes, set[bytes]] = {}  # MACs that ARP names for an address

    def moved(self, sender: bytes, receiver: bytes, packets: int, wire_bytes: int, last_ns: int, locality: Locality) -> None:
        """Count packets from one address to another; what is only sent to makes no station, or a scan would fill the rig with them."""
        if locality.is_local(sender) and (station := self.station(sender)) is not None:
            station.packets += packets
            station.wire_bytes += wire_bytes
            station.last_ns = max(station.last_ns, last_ns)
        if receiver != sender and locality.is_local(receiver) and (receiver in self.received or len(self.received) < MAX_RECEIVERS):
            totals = self.received.setdefault(receiver, StationFacts())
            totals.packets += packets
            totals.wire_bytes += wire_bytes
            totals.last_ns = max(totals.last_ns, last_ns)

    def station(self, address: bytes) -> StationFacts | None:
        """Give a local address's totals, None when there are too many stations."""
        found = self.stations.get(address)
        if found is None and self._room("station", self.stations):
            found = self.stations[address] = StationFacts()
        return found

    def flow(self, ends: Ends, first_ns: int, *, external: bool) -> FlowFacts | None:
        """Give a flow's facts, None when there are too many flows."""
        found = self.flows.get(ends)
        if found is None and self._room("flow", self.flows):
            found = self.flows[ends] = FlowFacts(first_ns, first_ns, external)
        return found

    def credential(self, ends: Ends, kind: str, protocol: str, user: bytes | None, secret: bytes, secret_kind: str, place: Place) -> None:
        """Note a credential by its digests; the same one to the same server counts once, where it came first."""
        user_digest = None if user is None else self._digest("user", user)
        key = (ends, kind, user_digest, self._digest(secret_kind, secret))
        if key not in self.credentials and self._room("clear_credential", self.credentials):
            self.credentials[key] = CredentialFacts(protocol, place)

    def query(self, ends: Ends, name: str, kind: int, place: Place, *, answered: bool = False) -> None:
        """Note a DNS question, or that one was answered."""
        key = (ends.station, cut(name.lower()), kind)
        found = self.dns.get(key)
        if found is None:
            if not self._room("dns_query", self.dns):
                return
            found = self.dns[key] = DnsFacts(ends.server, count=int(answered))  # an answer without its question: the question was missed
        found.count += not answered
        found.answered |= answered
        found.last_ns = max(found.last_ns, place.time_ns)

    def tls_client(self, ends: Ends, place: Place) -> TlsFacts | None:
        """Give the facts of a station's TLS to a server, None when there are too many."""
        found = self.tls.get(ends)
        if found is None and self._room("tls_client", self.tls):
            found = self.tls[ends] = TlsFacts()
        if found is not None:
            found.last_ns = max(found.last_ns, place.time_ns)
        return found

    def mqtt_client(self, key: MqttKey, place: Place) -> MqttFacts | None:
        """Give the facts of an MQTT client, None when there are too many."""
        found = self.mqtt.get(key)
        if found is None and self._room("mqtt_client", self.mqtt):
            found = self.mqtt[key] = MqttFacts()
        if found is not None:
            found.last_ns = max(found.last_ns, place.time_ns)
        return found

    def http_request(self, key: HttpKey, user_agent: str | None, place: Place) -> HttpFacts | None:
        """Count a request of one kind and give its facts, None when there are too many."""
        found = self.http.get(key)
        if found is None and self._room("http_client", self.http):
            found = self.http[key] = HttpFacts(None if user_agent is None else cut(user_agent))
        if found is not None:
            found.requests += 1
            found.last_ns = max(found.last_ns, place.time_ns)
        return found

    def sent(self, mac: bytes, address: bytes) -> None:
        """Note that a packet from `address` came from `mac` on the segment."""
        seen = self._macs.get(mac)
        if seen is None:
            if len(self._macs) >= CAPS["station"]:
                return
            seen = self._macs[mac] = set()
        if len(seen) < MAX_ADDRESSES_OF_MAC:
            seen.add(address)

    def claimed(self, address: bytes, mac: bytes) -> None:
        """Note that ARP names `mac` for `address`."""
        if address in self._claimed or len(self._claimed) < CAPS["station"]:
            seen = self._claimed.setdefault(address, set())
            if len(seen) < MAX_ADDRESSES_OF_MAC:
                seen.add(mac)

    def macs(self, is_local: Callable[[bytes], bool]) -> dict[bytes, bytes]:
        """Say which address has which MAC. ARP decides where it speaks; else the sender's, unless that MAC forwards for others."""
        found: dict[bytes, set[bytes]] = {}
        for mac, addresses in self._macs.items():
            v4 = [address for address in addresses if len(address) == 4]
            forwards = len(v4) > 1 or len(addresses) >= MAX_ADDRESSES_OF_MAC or not all(map(is_local, addresses))
            for address in () if forwards else addresses:
                found.setdefault(address, set()).add(mac)
        found.update(self._claimed)
        return {address: next(iter(macs)) for address, macs in found.items() if len(macs) == 1}

    def _room(self, table: str, held: Sized) -> bool:
        if len(held) < CAPS[table]:
            return True
        self.dropped[table] += 1
        return False


def cut(text: str) -> str:
    """Cut a text from the wire at the length that is kept."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


def counted(counter: Counter[str], value: str) -> None:
    """Count a value, unless it would be one more of too many different ones."""
    if value in counter or len(counter) < MAX_VARIANTS:
        counter[value] += 1
