"""IoT Hub resources as Azure Resource Manager writes them, in every form in which customers keep them.

| form | shape |
|---|---|
| `az iot hub show` | one resource |
| `az iot hub list`, a REST list answer | an array; {value: [...]} |
| `az iot hub certificate list` | {value: [certificate...]}, the hub's name in each id |
| ARM template | {resources: [...]}, children nested or named HUB/CHILD, nested deployments |
| `az iot hub state export` | {arm: template, ...} |

Not a template engine: `[parameters('x')]` is followed to a plain default value where it names a hub, every other expression is a value
that was not observed (kept as written where null would say "not set"). Rules: keys and connection strings are looked at only to say
that they are there (law 8).
Source: Microsoft.Devices/IotHubs, API 2018-04-01 to 2023-06-30.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from plumbline.collect.azure.times import minutes
from plumbline.collect.json_text import flag_of, list_of, object_of, text_of
from plumbline.model.errors import ProtocolError

HUB_TYPE = "microsoft.devices/iothubs"
CERTIFICATE_TYPE = HUB_TYPE + "/certificates"
BUILT_IN_POLICIES = frozenset({"iothubowner", "service", "device", "registryRead", "registryReadWrite"})
RESOURCES_MAX = 10_000
DEPTH_MAX = 8

_PARAMETER = re.compile(r"\[parameters\('([^']{1,200})'\)\]")
_IN_ID = re.compile(r"/iothubs/([^/]{1,200})", re.IGNORECASE)
_ENDPOINT_KINDS = (
    "serviceBusQueues",
    "serviceBusTopics",
    "eventHubs",
    "storageContainers",
    "cosmosDBSqlContainers",
    "cosmosDBSqlCollections",
)


@dataclass(slots=True)
class HubResource:
    """One hub of a file; `properties` is None when only certificates of it were found."""

    name: str
    properties: dict[str, Any] | None = None
    sku: str | None = None
    certificates: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def policies(self) -> list[dict[str, Any]] | None:
        """Its shared access policies; None when the file does not carry them."""
        found = (self.properties or {}).get("authorizationPolicies")
        return [object_of(one) for one in found] if isinstance(found, list) and found else None


def read_hubs(document: object, fallback: str) -> list[HubResource]:
    """Find the hubs of a parsed file; one whose name is an expression is called `fallback`. Raises ProtocolError when there is none."""
    hubs: dict[str, HubResource] = {}
    for count, (resource, parent, parameters) in enumerate(_resources(document)):
        if count >= RESOURCES_MAX:
            raise ProtocolError(f"more than {RESOURCES_MAX} resources")
        kind = (text_of(resource.get("type")) or "").casefold()
        if kind == HUB_TYPE or (not kind and "eventHubEndpoints" in object_of(resource.get("properties"))):
            name = _name(resource.get("name"), parameters) or fallback
            hub = hubs.setdefault(name, HubResource(name))
            hub.properties = object_of(resource.get("properties"))
            hub.sku = _plain(object_of(resource.get("sku")).get("name"))
        elif kind == CERTIFICATE_TYPE or (kind == "certificates" and parent is not None):
            said, own = _owner(resource, parent, parameters)
            owner = said or (next(iter(hubs)) if len(hubs) == 1 else fallback)
            hub = hubs.setdefault(owner, HubResource(owner))
            hub.certificates.append((own or f"certificate-{len(hub.certificates) + 1}", object_of(resource.get("properties"))))
    if not hubs:
        raise ProtocolError("no IoT Hub resource in it")
    return list(hubs.values())


def hub_columns(hub: HubResource) -> dict[str, Any]:
    """Take the columns of table `hub` out of a hub with properties."""
    given = hub.properties or {}
    rules = given.get("networkRuleSets")
    rule_set = object_of(rules)
    connections = given.get("privateEndpointConnections")
    upload = object_of(object_of(given.get("storageEndpoints")).get("$default"))
    return {
        "name": hub.name,
        "host_name": _plain(given.get("hostName")),
        "sku": hub.sku,
        "public_network_access": _plain(given.get("publicNetworkAccess")),
        "min_tls_version": text_of(given.get("minTlsVersion")),
        "disable_local_auth": flag_of(given.get("disableLocalAuth")),
        "disable_device_sas": flag_of(given.get("disableDeviceSAS")),
        "disable_module_sas": flag_of(given.get("disableModuleSAS")),
        "default_action": text_of(rule_set.get("defaultAction")),
        "ip_rules": _ip_rules(given),
        "applies_to_builtin_endpoint": flag_of(rule_set.get("applyToBuiltInEventHubEndpoint")),
        "private_endpoints": _approved(connections) if isinstance(connections, list) else None,
        "key_based_endpoints": _key_based(given),
        "restrict_outbound": flag_of(given.get("restrictOutboundNetworkAccess")),
        "upload_sas_minutes": minutes(upload.get("sasTtlAsIso8601")),
    }


def policy_columns(policy: dict[str, Any]) -> dict[str, Any] | None:
    """Take the columns of table `hub_policy` out of one policy; None when it has no name."""
    name = text_of(policy.get("keyName"))
    if name is None:
        return None
    rights = policy.get("rights")
    words = rights.split(",") if isinstance(rights, str) else [one for one in list_of(rights) if isinstance(one, str)]
    return {
        "name": name,
        "rights": sorted({word.strip() for word in words if word.strip()}) or None,
        "built_in": name in BUILT_IN_POLICIES,
    }


def _ip_rules(given: dict[str, Any]) -> list[str] | None:
    filters, networks = given.get("ipFilterRules"), object_of(given.get("networkRuleSets")).get("ipRules")
    if not isinstance(filters, list) and not isinstance(networks, list):
        return None
    allowed = [object_of(rule).get("ipMask") for rule in list_of(filters) if object_of(rule).get("action") == "Accept"]
    allowed += [object_of(rule).get("ipMask") for rule in list_of(networks) if object_of(rule).get("action", "Allow") == "Allow"]
    return sorted({mask for mask in map(text_of, allowed) if mask})


def _approved(connections: list[Any]) -> int:
    states = [object_of(object_of(one).get("properties")).get("privateLinkServiceConnectionState") for one in connections]
    return sum(object_of(state).get("status") == "Approved" for state in states)


def _key_based(given: dict[str, Any]) -> list[str] | None:
    routing, storage = object_of(given.get("routing")).get("endpoints"), given.get("storageEndpoints")
    if not isinstance(routing, dict) and not isinstance(storage, dict):
        return None
    found: set[str] = set()
    for kind in _ENDPOINT_KINDS:
        found |= {_plain(one.get("name")) or kind for one in map(object_of, list_of(object_of(routing).get(kind))) if _with_key(one)}
    # The hub always lists `$default`; without a container it is not set up.
    found |= {name for name, one in object_of(storage).items() if object_of(one).get("containerName") and _with_key(object_of(one))}
    return sorted(found)


def _with_key(endpoint: dict[str, Any]) -> bool:
    kind = endpoint.get("authenticationType")
    return kind.casefold() == "keybased" if isinstance(kind, str) else bool(endpoint.get("connectionString"))


def _resources(document: object) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]]:
    """Yield resources with the hub that they stand in, if any, and the parameters of their template."""
    stack: list[tuple[object, dict[str, Any] | None, dict[str, Any], int]] = [(document, None, {}, 0)]
    while stack:
        node, parent, parameters, depth = stack.pop()
        if depth > DEPTH_MAX:
            continue
        if isinstance(node, list):
            stack.extend((one, parent, parameters, depth + 1) for one in reversed(node))
            continue
        if not isinstance(node, dict):
            continue
        template = object_of(object_of(node.get("properties")).get("template"))
        is_template = "resources" in node and "type" not in node
        if not is_template:
            yield node, parent, parameters
        below = object_of(node.get("parameters")) if is_template else parameters
        inside = node if not is_template else None
        children = [(node.get("arm"), None, {}), (node.get("value"), parent, parameters), (template, None, {})]
        resources = node.get("resources")
        # Since language version 2.0 a template's resources are an object of symbolic names.
        children.append((list(resources.values()) if isinstance(resources, dict) else resources, inside, below))
        stack.extend((child, owner, known, depth + 1) for child, owner, known in reversed(children) if child)


def _plain(value: object) -> str | None:
    text = text_of(value)
    return None if text is None or text.startswith("[") else text


def _name(value: object, parameters: dict[str, Any]) -> str | None:
    text = text_of(value)
    match = _PARAMETER.fullmatch(text) if text else None
    return _plain(object_of(parameters.get(match[1])).get("defaultValue") if match else text)


def _owner(resource: dict[str, Any], parent: dict[str, Any] | None, parameters: dict[str, Any]) -> tuple[str | None, str | None]:
    """Name the hub of a certificate, and the certificate."""
    name = _name(resource.get("name"), parameters)
    if parent is not None:
        return _name(parent.get("name"), parameters), name.rpartition("/")[2] if name else None
    in_id = _IN_ID.search(text_of(resource.get("id")) or "")
    if in_id:
        return in_id[1], name.rpartition("/")[2] if name else None
    owner, slash, own = (name or "").partition("/")
    return (owner or None, own or None) if slash else (None, name)
