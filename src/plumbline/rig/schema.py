"""The shape of rig.toml: every table and key, its type, and its value when it is left out.

Not the typed rig (`models`) and not what tables mean to each other (`crosschecks`). Rules: nothing is coerced; unknown keys are refused;
single values are read by `values`. Tables of a later release (`LATER`) are known by name, so that they are refused as "not yet".
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from plumbline.rig import values
from plumbline.rig.addresses import Address, IPNetwork
from plumbline.rig.ports import PortSet, named_sets

Text = Annotated[str, PlainValidator(values.text)]
Identifier = Annotated[str, PlainValidator(values.identifier)]
Site = Annotated[str, PlainValidator(values.site)]
AddressValue = Annotated[Address, PlainValidator(values.address)]
NetworkValue = Annotated[IPNetwork, PlainValidator(values.network)]
Instant = Annotated[datetime, PlainValidator(values.instant)]
Mac = Annotated[str, PlainValidator(values.mac)]

EXCHANGES_PER_SECOND_MAX = 5_000

# Tables that the design names and a later release reads: what each is for.
LATER = {
    "login": "logins given by the customer",
    "population": "populations of which a sample is examined",
    "import": "imports of other tools' results",
}


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
