"""The rig as the rest of Plumbline sees it: typed, resolved, frozen.

Not the shape of the file (that is `schema`) and not how it is read (`loading`): by the time a `Rig` exists, its addresses are
addresses, its paths are absolute and exist, and its times are aware and UTC.

Rules: nothing here changes after loading; None means that the customer did not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from plumbline.model.words import Criticality, DeviceClass, Intrusion, Transport
from plumbline.rig.addresses import Address, AddressSet, IPNetwork, is_public_range, unscoped
from plumbline.rig.secret_references import SecretReference
from plumbline.rig.signature import SignatureInfo
from plumbline.rig.windows import Window

Scalar = str | int | float | bool | datetime
Parameter = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A neighbour whose MAC proves that this is the right site; `mac` is lower case with colons."""

    address: Address
    mac: str


@dataclass(frozen=True)
class Authorisation:
    """Who allowed what, on which networks, how hard, from when until when."""

    reference: str
    granted_by: str
    emergency_contact: str
    valid_from: datetime
    valid_until: datetime
    windows: tuple[Window, ...]
    networks: tuple[IPNetwork, ...]
    public: bool
    exclude: tuple[IPNetwork, ...]
    never_touch: tuple[IPNetwork, ...]  # by address; assets and MACs of the list are resolved in Rig
    never_touch_macs: frozenset[str]
    intrusion: Intrusion
    exchanges_per_second: int
    source: str | None
    anchors: tuple[Anchor, ...]
    resolvers: tuple[Address, ...]
    hosts: frozenset[str]  # lower case, no final dot
    discovery: tuple[str, ...]  # names of `discovery.GROUPS`

    @cached_property
    def authorised(self) -> AddressSet:
        """Every address that may be contacted at all, before exclusions."""
        return AddressSet(self.networks)

    @cached_property
    def excluded(self) -> AddressSet:
        """The addresses that the authorisation excludes."""
        return AddressSet(self.exclude)

    @property
    def public_networks(self) -> tuple[IPNetwork, ...]:
        """The authorised networks that hold public addresses."""
        return tuple(network for network in self.networks if is_public_range(network))

    @property
    def needs_signature(self) -> bool:
        """Default logins and public ranges need the owner's signature."""
        return self.intrusion >= Intrusion.CREDENTIAL or bool(self.public_networks)


@dataclass(frozen=True)
class Network:
    """A part of the rig that is swept: its ranges, and the only ports that are ever contacted there."""

    name: str
    site: str
    ranges: tuple[IPNetwork, ...]
    ports: tuple[int, ...]  # TCP, ascending
    udp_ports: tuple[int, ...]  # ascending

    @cached_property
    def addresses(self) -> AddressSet:
        """Every address of the ranges."""
        return AddressSet(self.ranges)

    @cached_property
    def ends(self) -> AddressSet:
        """First and last address of each IPv4 range of four or more: names of the subnet and its broadcast, not of devices."""
        wide = [r for r in self.ranges if r.version == 4 and r.prefixlen <= 30]
        return AddressSet.of(end for r in wide for end in (r.network_address, r.broadcast_address))

    def lists(self, transport: Transport, port: int) -> bool:
        """Say whether a port may be contacted here."""
        return port in self._listed[transport]

    @cached_property
    def _listed(self) -> Mapping[Transport, frozenset[int]]:
        return {Transport.TCP: frozenset(self.ports), Transport.UDP: frozenset(self.udp_ports)}


@dataclass(frozen=True, slots=True)
class Asset:
    """What the customer says exists; collectors confirm or contradict it."""

    id: str
    name: str
    site: str | None
    addresses: tuple[Address, ...]
    mac: str | None
    model: str | None
    hub_device_id: str | None
    device_class: DeviceClass | None
    criticality: Criticality | None
    safety: bool
    never_touch: bool  # said here, or by the authorisation's list with its id or MAC

    @property
    def untouchable(self) -> bool:
        """`safety` implies `never_touch` (law 5)."""
        return self.safety or self.never_touch


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture file that the customer supplied."""

    path: Path


@dataclass(frozen=True, slots=True)
class Firmware:
    """One firmware image and the model that it is for, where the customer says so."""

    path: Path
    model: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    """One gateway's deployment manifest; `device` is the id under which a hub knows the gateway."""

    manifest: Path
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Hub:
    """One cloud hub by its exports; at least one of the two paths is set."""

    kind: str
    resource: Path | None
    devices: Path | None


@dataclass(frozen=True, slots=True)
class Sbom:
    """One bill of materials, and the model or the declared asset that it is about."""

    path: Path
    model: str | None
    asset: str | None


@dataclass(frozen=True, slots=True)
class Hostkit:
    """One output of `plumbline hostkit`, and the declared asset on which it ran; None: the file itself tells."""

    path: Path
    asset: str | None


@dataclass(frozen=True, slots=True)
class UpdateService:
    """One export of an update service."""

    kind: str
    path: Path


@dataclass(frozen=True, slots=True)
class Import:
    """One file with another tool's results; `site` is where its addresses lie, `asset` the declared asset that it is about."""

    kind: str
    path: Path
    site: str | None
    asset: str | None


@dataclass(frozen=True, slots=True)
class Manual:
    """One file with results of tests by hand."""

    path: Path


@dataclass(frozen=True, slots=True)
class Declaration:
    """One file with the owner's answers."""

    path: Path


@dataclass(frozen=True, slots=True)
class Custom:
    """A part that the customer had made: firmware images, an edge module, or code; one of the three is set."""

    name: str
    firmware: tuple[Path, ...]
    module: str | None
    code: Path | None


@dataclass(frozen=True, slots=True)
class Login:
    """A login that the customer gives for some declared assets, by id; the secrets are references, read when they are needed."""

    kind: str  # ssh, snmp
    assets: tuple[str, ...]
    user: str
    secret: SecretReference
    port: int
    host_key: str | None
    auth: str | None
    privacy: str | None
    privacy_secret: SecretReference | None


@dataclass(frozen=True, slots=True)
class Population:
    """How many devices of a model there are; `random` says that the examined ones were drawn at random."""

    model: str
    size: int
    random: bool


@dataclass(frozen=True)
class Rig:
    """Everything that a customer owns and that is audited together; `sha256` is that of the file's exact bytes."""

    id: str
    name: str
    owner: str
    authorisation: Authorisation
    networks: tuple[Network, ...]
    captures: tuple[Capture, ...]
    firmware: tuple[Firmware, ...]
    edges: tuple[Edge, ...]
    hubs: tuple[Hub, ...]
    assets: tuple[Asset, ...]
    parameters: Mapping[str, Parameter]
    standards: tuple[str, ...]
    path: Path
    sha256: str
    signature: SignatureInfo | None
    sboms: tuple[Sbom, ...] = ()
    hostkits: tuple[Hostkit, ...] = ()
    update_services: tuple[UpdateService, ...] = ()
    imports: tuple[Import, ...] = ()
    manuals: tuple[Manual, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    customs: tuple[Custom, ...] = ()
    logins: tuple[Login, ...] = ()
    populations: tuple[Population, ...] = ()
    text: str = field(repr=False, compare=False, default="")

    @cached_property
    def untouchable(self) -> AddressSet:
        """Every address under `never_touch`: listed, or of an asset that is listed or a matter of safety."""
        declared = AddressSet.of(address for asset in self.assets if asset.untouchable for address in asset.addresses)
        return declared | AddressSet(self.authorisation.never_touch)

    @cached_property
    def untouchable_macs(self) -> frozenset[str]:
        """Every MAC under `never_touch`."""
        declared = {asset.mac for asset in self.assets if asset.untouchable and asset.mac}
        return self.authorisation.never_touch_macs | declared

    @cached_property
    def _by_address(self) -> Mapping[Address, Asset]:
        return {address: asset for asset in reversed(self.assets) for address in asset.addresses}

    def asset_at(self, address: Address) -> Asset | None:
        """Give the asset that the customer declares at an address; where two sites declare one, the first in the file."""
        return self._by_address.get(unscoped(address))

    def networks_of(self, address: Address) -> tuple[Network, ...]:
        """Give the networks whose ranges hold an address, in the file's order; several only where sites overlap."""
        return tuple(network for network in self.networks if address in network.addresses)
