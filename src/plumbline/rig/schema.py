"""The shape of rig.toml: every table and key, its type, and its value when it is left out.

Not the typed rig (`models`) and not what tables mean to each other (`crosschecks`). Rules: nothing is coerced; unknown keys are refused;
single values are read by `values`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from plumbline.rig import values
from plumbline.rig.addresses import Address, IPNetwork
from plumbline.rig.ports import PortSet, named_sets
from plumbline.rig.secret_references import SecretReference

Text = Annotated[str, PlainValidator(values.text)]
Identifier = Annotated[str, PlainValidator(values.identifier)]
Site = Annotated[str, PlainValidator(values.site)]
AddressValue = Annotated[Address, PlainValidator(values.address)]
NetworkValue = Annotated[IPNetwork, PlainValidator(values.network)]
Instant = Annotated[datetime, PlainValidator(values.instant)]
Mac = Annotated[str, PlainValidator(values.mac)]
SecretValue = Annotated[SecretReference, PlainValidator(values.secret)]

EXCHANGES_PER_SECOND_MAX = 5_000


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RigTable(_Table):
    """`[rig]`"""

    id: Annotated[str, PlainValidator(values.path_identifier)]
    name: Text | None = None
    owner: Text


class WindowTable(_Table):
    """One of `authorisation.windows`; times in minutes after midnight."""

    days: Annotated[list[Annotated[int, PlainValidator(values.day)]], Field(min_length=1)]
    opens: Annotated[int, PlainValidator(values.clock), Field(alias="from")]
    closes: Annotated[int, PlainValidator(values.clock), Field(alias="to")]
    timezone: Annotated[ZoneInfo, PlainValidator(values.timezone)]


class AnchorTable(_Table):
    """One of `authorisation.anchors`."""

    address: AddressValue
    mac: Mac


class AuthorisationTable(_Table):
    """`[authorisation]`"""

    reference: Text
    granted_by: Text
    emergency_contact: Text
    valid_from: Instant
    valid_until: Instant
    windows: list[WindowTable] = []
    networks: list[NetworkValue] = []
    public: bool = False
    exclude: list[Annotated[IPNetwork, PlainValidator(values.exclusion)]] = []
    never_touch: list[Annotated[IPNetwork | str, PlainValidator(values.never_touch)]] = []
    intrusion: Literal["passive", "query", "session", "credential"] = "passive"
    exchanges_per_second: Annotated[int, Field(ge=1, le=EXCHANGES_PER_SECOND_MAX)] = 500
    source: Annotated[str, PlainValidator(values.interface)] | None = None
    anchors: list[AnchorTable] = []
    resolvers: list[AddressValue] = []
    hosts: list[Annotated[str, PlainValidator(values.host)]] = []
    discovery: list[Annotated[str, PlainValidator(values.group)]] = []


class NetworkTable(_Table):
    """One of `[[network]]`."""

    name: Text
    site: Site = ""
    ranges: Annotated[list[Annotated[IPNetwork, PlainValidator(values.swept_range)]], Field(min_length=1)]
    ports: Annotated[PortSet, PlainValidator(values.ports)] = Field(default_factory=lambda: named_sets()["iot"])


class CaptureTable(_Table):
    """One of `[[capture]]`; `path` may be a pattern."""

    path: Text


class FirmwareTable(_Table):
    """One of `[[firmware]]`; `path` may be a pattern."""

    path: Text
    model: Text | None = None


class SbomTable(_Table):
    """One of `[[sbom]]`: what a firmware consists of; `path` may be a pattern, `model` or `asset` say what it is about."""

    path: Text
    model: Text | None = None
    asset: Identifier | None = None


class HostkitTable(_Table):
    """One of `[[hostkit]]`: what `plumbline hostkit` wrote on a device; `path` may be a pattern."""

    path: Text
    asset: Identifier | None = None


class UpdateServiceTable(_Table):
    """One of `[[update_service]]`: an export of what an update service holds of its devices."""

    kind: Literal["hawkbit", "device-update"]
    path: Text


class ImportTable(_Table):
    """One of `[[import]]`: what another tool found; `path` may be a pattern, `site` its addresses', `asset` what it is about."""

    kind: Literal["nmap", "nessus", "openvas", "nuclei", "sarif", "testrun"]
    path: Text
    site: Site | None = None
    asset: Identifier | None = None


class ManualTable(_Table):
    """One of `[[manual]]`: what people found by hand; `path` may be a pattern."""

    path: Text


class DeclarationTable(_Table):
    """One of `[[declaration]]`: what the owner answers of provisions; `path` may be a pattern."""

    path: Text


class CustomTable(_Table):
    """One of `[[custom]]`: a part that the customer had made; its firmware, its edge module, or a folder or archive with its code."""

    name: Text
    firmware: Text | None = None
    module: Text | None = None
    code: Text | None = None


class LoginTable(_Table):
    """One of `[[login]]`, given by the customer; `assets` are ids or patterns of ids, secrets are references."""

    kind: Literal["ssh", "snmp"]
    assets: Annotated[list[Text], Field(min_length=1)]
    user: Text
    secret: SecretValue
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    host_key: Text | None = None
    auth: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] | None = None
    privacy: Literal["des", "aes128", "aes192", "aes256"] | None = None
    privacy_secret: SecretValue | None = None


class PopulationTable(_Table):
    """One of `[[population]]`: how many of a model there are, where only a sample is examined."""

    model: Text
    size: Annotated[int, Field(ge=1, le=1_000_000_000)]
    drawn: Literal["random", "convenience"] = "convenience"


class EdgeTable(_Table):
    """One of `[[edge]]`; `manifest` may be a pattern, `device` is the id under which a hub knows the gateway."""

    manifest: Text
    device: Text | None = None


class HubTable(_Table):
    """One of `[[hub]]`."""

    kind: Literal["azure-iot-hub"]
    resource: Text | None = None
    devices: Text | None = None
    live: bool = False


class AssetTable(_Table):
    """One of `[[asset]]`."""

    id: Identifier
    name: Text | None = None
    site: Site | None = None
    address: Annotated[tuple[Address, ...], PlainValidator(values.addresses)] = ()
    mac: Mac | None = None
    model: Text | None = None
    hub_device_id: Text | None = None
    device_class: Literal["it", "ot"] | None = Field(default=None, alias="class")
    criticality: Literal["low", "medium", "high", "critical"] | None = None
    safety: bool = False
    never_touch: bool = False


class StandardsTable(_Table):
    """`[standards]`"""

    assess: list[Identifier] = []
