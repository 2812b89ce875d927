"""What is bad, check by check, in the lab's own words: a sight in, yes or no out.

Each rule names the table that its check is about, when it applies, when it fails, and on whose completeness either verdict rests. None is
"cannot be told from what is shown". The parameters that matter here are the checks' defaults, said once below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from plumbline.lab.files.by_hand import Answer, Result
from plumbline.lab.fleet import Device
from plumbline.lab.services import Coap, Cookie, Ftp, HostKey, Modbus, Mqtt, Odd, Page, Rtsp, Snmp, Ssh, Telnet, Tls, Web
from plumbline.lab.truth import people
from plumbline.lab.truth.captures import Flow, Hello, MqttClient, Request
from plumbline.lab.truth.edge import Deployment, Module
from plumbline.lab.truth.fleets import Fix
from plumbline.lab.truth.hub import Hub, Identity, Policy
from plumbline.lab.truth.images import Account, Image, Key
from plumbline.lab.truth.imports import Opened, Told
from plumbline.lab.truth.services import Announced, Endpoint, Shown
from plumbline.lab.truth.systems import ENGINE, Part
from plumbline.lab.truth.updates import Running, Sample
from plumbline.lab.truth.world import World
from plumbline.model.words import Verdict

T = TypeVar("T")
Says = Callable[[T, World], bool | None]

CERTIFICATE_WARNING = timedelta(days=30)
SAS_PERCENT = 5
_VERSION = re.compile(r"/\d")


@dataclass(frozen=True, slots=True)
class Rule:
    """How one check judges a sight; needs are `rig.<table>` or `asset.<table>`."""

    table: str
    fails: Callable[[Any, World], bool | None]
    applies: Callable[[Any, World], bool | None]
    pass_needs: tuple[str, ...]
    fail_needs: tuple[str, ...]


def _always(_thing: object, _world: World) -> bool:
    return True


def _rule(
    table: str,
    _of: type[T],
    fails: Says[T],
    applies: Says[T] = _always,
    *,
    pass_needs: tuple[str, ...] = (),
    fail_needs: tuple[str, ...] = (),
) -> Rule:
    return Rule(table, fails, applies, pass_needs, fail_needs)


def rules() -> Mapping[str, Rule]:
    """Give the rule of every shipped check, by the check's id."""
    return {**_device(), **_communication(), **_gateway(), **_systems(), **_firmware(), **_cloud(), **_rig(), **_people(), **_update()}


def _device() -> dict[str, Rule]:
    web = ("http_service", Web)
    return {
        "device.telnet_service": _rule("service", object, _speaks_telnet),
        "device.banner_shows_version": _rule("service", object, _shows_version),
        "device.shell_without_login": _rule("telnet_service", Telnet, lambda s, _: s.shell),
        "device.ftp_anonymous": _rule("ftp_service", Ftp, lambda s, _: s.anonymous),
        "device.ftp_without_tls": _rule("ftp_service", Ftp, lambda s, _: s.auth_tls is None),
        "device.snmp_public_community": _rule("snmp_agent", Snmp, lambda s, _: s.public),
        "device.http_login_in_clear": _rule(*web, lambda s, _: s.page is Page.LOGIN, _in_clear),
        "device.basic_auth_in_clear": _rule(
            *web, lambda s, _: s.page is Page.BASIC, lambda s, _: s.tls is None and s.page in (Page.BASIC, Page.DIGEST)
        ),
        "device.admin_page_without_login": _rule(*web, lambda s, _: s.page is Page.ADMINISTRATION),
        "device.directory_listing": _rule(*web, lambda s, _: s.page is Page.LISTING),
        "device.cookie_without_flags": _rule(*web, lambda s, _: s.cookie is Cookie.BARE, lambda s, _: s.cookie is not Cookie.NONE),
        "device.cors_any_origin": _rule(*web, lambda s, _: s.cors_any_origin),
        "device.ssh_protocol_1": _rule("ssh_service", Ssh, lambda s, _: s.protocol_version != "2.0"),
        "device.ssh_weak_algorithms": _rule("ssh_service", Ssh, lambda s, _: s.weak_algorithms),
        "device.ssh_weak_host_key": _rule("ssh_host_key", HostKey, lambda k, _: k.kind == "rsa-1024"),
        "device.rtsp_stream_without_login": _rule("rtsp_service", Rtsp, lambda s, _: not s.login),
        "device.coap_resource_readable": _rule("coap_service", Coap, lambda s, _: s.readable),
        "device.modbus_open_to_anyone": _rule("modbus_device", Modbus, lambda s, _: s.identification),
        "device.opcua_endpoint_without_security": _rule("opcua_endpoint", Endpoint, lambda e, _: e.unsecured),
        "device.upnp_gateway_control": _rule(
            "announcement", Announced, lambda a, _: a.gateway_control, lambda a, _: a.gateway_control is not None
        ),
        "device.announcement_leaks_data": _rule("announcement", Announced, lambda a, _: a.leaks),
    }


def _communication() -> dict[str, Rule]:
    shown, tls, broker = ("certificate", Shown), ("tls_endpoint", Tls), ("mqtt_broker", Mqtt)
    return {
        "communication.certificate_expired": _rule(*shown, _expired),
        "communication.certificate_expiring": _rule(
            *shown, lambda s, w: s.certificate.not_after < w.fleet.at + CERTIFICATE_WARNING, lambda s, w: not _expired(s, w)
        ),
        "communication.certificate_weak_key": _rule(*shown, lambda s, _: s.certificate.key_kind == "rsa-1024"),
        # An authority's own signature over itself proves nothing, so it weakens nothing.
        "communication.certificate_weak_signature": _rule(
            *shown, lambda s, _: s.certificate.signature_hash == "sha1", lambda s, _: s.position == 0
        ),
        "communication.tls_old_version_accepted": _rule(*tls, lambda t, _: t.oldest == "tls1.0"),
        "communication.tls_old_suite_accepted": _rule(*tls, lambda t, _: t.oldest == "tls1.0"),
        "communication.tls_weak_suite_accepted": _rule(*tls, lambda t, _: t.null_suite),
        "communication.mqtt_without_tls": _rule(*broker, lambda s, _: s.tls is None),
        "communication.credential_in_clear": _rule("flow", Flow, lambda f, _: f.credentials),
        "communication.clear_flow_to_outside": _rule("flow", Flow, lambda f, _: not f.encrypted, lambda f, _: f.external),
        "communication.client_offers_old_tls": _rule("tls_client", Hello, lambda h, _: h.old),
        "communication.client_offers_weak_suites": _rule("tls_client", Hello, lambda h, _: h.weak_suites),
        "update.firmware_fetched_in_clear": _rule("http_client", Request, lambda r, _: r.firmware),
    }


def _gateway() -> dict[str, Rule]:
    broker = ("mqtt_broker", Mqtt)
    modules = (
        *("docker_socket_mounted", "module_excess_capability", "module_log_unbounded", "module_privileged", "module_root_writable"),
        *("module_shares_host_namespace", "module_without_limits", "mutable_image_reference", "secret_in_module_environment"),
        "sensitive_host_path_mounted",
    )
    return {
        "gateway.broker_accepts_anonymous": _rule(*broker, lambda s, _: s.anonymous),
        "gateway.broker_grants_wildcard": _rule(*broker, lambda s, _: s.anonymous and s.wildcard and bool(s.topics)),
        "gateway.broker_shows_sys": _rule(*broker, lambda s, _: s.anonymous and s.sys),
        "gateway.old_tls_in_edge_hub": _rule("edge_deployment", Deployment, lambda d, _: d.weak("edge.old_tls_in_edge_hub")),
        "gateway.registry_password_in_manifest": _rule(
            "edge_registry", Deployment, lambda d, _: d.weak("edge.registry_password_in_manifest")
        ),
        **{f"gateway.{name}": _rule("edge_module", Module, _module_has(name)) for name in modules},
    }


def _systems() -> dict[str, Rule]:
    account, setting, update = ("system_account", Part), ("system_setting", Part), ("system_update", Part)
    needs = ("asset.system_firewall",)

    def named(*names: str) -> Says[Part]:
        return lambda part, _: part.name in names

    return {
        "gateway.account_without_password": _rule(*account, lambda p, _: p.has("support", "account_without_password")),
        "gateway.firewall_open": _rule(
            "system_firewall", Part, lambda p, _: p.has("firewall", "firewall_open"), pass_needs=needs, fail_needs=needs
        ),
        "gateway.internal_service_on_network": _rule(
            "system_socket", Part, lambda p, _: p.has("store", "internal_service_on_network"), named("store")
        ),
        "gateway.engine_socket_open_to_all": _rule(*setting, lambda p, _: p.has(ENGINE, "engine_socket_open_to_all"), named(ENGINE)),
        **{
            f"gateway.ssh_{what}_login_allowed": _rule(*setting, _part_has(name, f"ssh_{what}_login_allowed"), named(name))
            for what, name in (("root", "ssh.permitrootlogin"), ("password", "ssh.passwordauthentication"))
        },
        **{
            f"gateway.{name}": _rule(*update, _part_has("updates", name))
            for name in ("package_source_unverified", "security_updates_waiting", "updates_not_automatic")
        },
    }


def _firmware() -> dict[str, Rule]:
    account = ("image_account", Account)
    files = (
        *("authorized_key_in_image", "debug_tool_in_image", "setuid_unexpected", "telnet_started_in_image", "world_writable_file"),
        *("private_key_in_image", "ssh_host_key_in_image", "shell_on_console", "cloud_secret_in_image", "program_without_hardening"),
    )
    needs = {"private_key_in_image": "image_key", "ssh_host_key_in_image": "image_key"}
    needs |= {"cloud_secret_in_image": "image_secret", "program_without_hardening": "image_program"}
    # The lab's feeds speak of its products, and of no component.
    components = {"exploited": "exposure", "vulnerable": "exposure", "unsupported": "support"}
    return {
        **{f"firmware.component_{name}": _rule(f"component_{about}", object, lambda _, __: None) for name, about in components.items()},
        "firmware.empty_password_in_image": _rule(*account, lambda a, _: a.state == "empty"),
        "firmware.password_hash_in_image": _rule(*account, lambda a, _: a.state == "hash"),
        "firmware.certificate_expired_in_image": _rule("image_certificate", Image, _image_has("certificate_expired_in_image")),
        "firmware.kernel_without_protections": _rule("image_kernel", Image, _image_has("kernel_without_protections")),
        "update.client_fetches_in_clear": _rule("image_update", Image, _image_has("client_fetches_in_clear")),
        "update.client_without_trust_anchor": _rule("image_update", Image, _image_has("client_without_trust_anchor")),
        "update.image_unsigned": _rule(
            "image", Image, _image_has("image_unsigned"), fail_needs=("asset.image_signature", "asset.image_part")
        ),
        "firmware.bill_of_materials_incomplete": _rule("sbom", Image, _image_has("bill_of_materials_incomplete")),
        "firmware.shared_password_hash": _rule(
            *account, lambda a, _: a.shared, lambda a, _: a.state == "hash", pass_needs=("rig.image_account",)
        ),
        "firmware.weak_password_hash": _rule(*account, lambda a, _: a.weak_scheme, lambda a, _: a.state == "hash"),
        **{
            f"firmware.{name}": _rule("image", Image, _image_has(name), pass_needs=(f"asset.{needs.get(name, 'image_file')}",))
            for name in files
        },
    }


def _cloud() -> dict[str, Rule]:
    hub, identity, twin, every = ("hub", Hub), ("hub_identity", Identity), ("hub_twin", Identity), ("rig.hub_identity",)
    plain = (
        *("hub_builtin_endpoint_uncovered", "hub_ip_rule_too_wide", "hub_key_based_endpoint", "hub_min_tls_not_set"),
        *("hub_open_to_internet", "hub_service_keys_allowed"),
    )
    return {
        **{f"cloud.{name}": _rule(*hub, _hub_has(name.removeprefix("hub_"))) for name in plain},
        "cloud.hub_device_sas_allowed": _rule(
            *hub, lambda h, _: h.weak("hub.device_sas_allowed") and not any(i.by_key for i in h.identities), fail_needs=every
        ),
        "cloud.sas_share_too_high": _rule(
            *hub,
            lambda h, _: sum(i.by_key for i in h.identities) * 100 > len(h.identities) * SAS_PERCENT,
            pass_needs=every,
            fail_needs=every,
        ),
        "cloud.hub_policy_over_broad": _rule(
            "hub_policy", Policy, lambda p, _: p.weak("hub.policy_over_broad"), lambda p, _: p.name == "backend"
        ),
        "cloud.hub_ca_expiring": _rule("hub_certificate", Hub, _hub_has("ca_expiring")),
        "cloud.hub_ca_unverified": _rule("hub_certificate", Hub, _hub_has("ca_unverified")),
        "cloud.primary_equals_secondary": _rule(
            *identity, lambda i, _: i.kind == "controller" and i.weak("hub.primary_equals_secondary"), lambda i, _: not i.by_authority
        ),
        "cloud.shared_credential": _rule(
            *identity,
            lambda i, _: i.kind in ("camera", "controller") and i.weak("hub.shared_credential"),
            lambda i, _: not i.by_authority,
            pass_needs=every,
        ),
        "cloud.stale_device_enabled": _rule(*identity, lambda i, _: i.kind == "controller" and i.weak("hub.stale_device_enabled")),
        "cloud.secret_in_twin": _rule(*twin, lambda i, _: i.kind == "camera" and i.weak("hub.secret_in_twin")),
        "cloud.twin_drift": _rule(*twin, lambda i, _: i.kind == "camera" and i.weak("hub.twin_drift")),
    }


def _rig() -> dict[str, Rule]:
    return {
        "rig.undeclared_device": _rule("host", Device, lambda d, _: not d.declared, fail_needs=("rig.declared_asset",)),
        "rig.device_without_identity": _rule(
            *("declared_asset", Device),
            lambda d, w: not any(isinstance(i, Identity) and i.device == d for _, i in w.things("hub_identity")),
            lambda d, _: d.hub_device_id is not None,
            fail_needs=("rig.hub_identity",),
        ),
        "rig.identity_without_device": _rule(
            "hub_identity", Identity, lambda i, w: i.device is None or not w.is_there(i.device), fail_needs=("rig.host",)
        ),
        "rig.image_key_on_wire": _rule("image_key", Key, lambda k, _: k.on_wire, pass_needs=("rig.certificate", "rig.ssh_host_key")),
        "rig.imported_finding_open": _rule(
            "imported_finding", Told, lambda t, _: t.verdict is Verdict.FAIL, lambda t, _: t.verdict is not None
        ),
        "rig.service_unseen_by_us": _rule(
            "imported_service", Opened, lambda o, _: not o.served if o.asked else None, fail_needs=("asset.service",)
        ),
        "rig.plain_mqtt_from_x509_device": _rule("mqtt_client", MqttClient, lambda c, _: not c.by_key, pass_needs=("rig.hub_identity",)),
        "rig.shared_certificate": _rule(
            *("certificate", Shown), _certificate_shared, lambda s, _: s.position == 0, pass_needs=("rig.certificate",)
        ),
        "rig.shared_host_key": _rule(
            "ssh_host_key", HostKey, lambda k, w: _assets(w, "ssh_host_key", lambda other: other == k) > 1, pass_needs=("rig.ssh_host_key",)
        ),
        "rig.version_mismatch": _rule(
            "hub_twin", Identity, _version_differs, lambda i, _: i.reported_version is not None, pass_needs=("asset.http_service",)
        ),
    }


def _people() -> dict[str, Rule]:
    return {
        people.HAND: _rule(
            "manual_result", Result, lambda r, _: _said(r.verdict, "fail", "pass"), lambda r, _: r.verdict != "not_applicable"
        ),
        people.DECLARED: _rule(
            *("declaration", Answer, lambda a, _: _said(a.met, "no", "yes")),
            lambda a, _: not (a.met == "not_applicable" and a.justification),
        ),
        people.LAST: _rule("declaration", Answer, people.contradicted, people.applies, pass_needs=("rig.provision_verdict",)),
    }


def _said(word: str, bad: str, good: str) -> bool | None:
    return True if word == bad else False if word == good else None


def _update() -> dict[str, Rule]:
    of = ("currency", Running)
    return {
        "update.firmware_behind": _rule(*of, lambda r, _: r.behind),
        "update.firmware_retracted": _rule(*of, lambda r, _: r.retracted),
        "update.firmware_unsupported": _rule(*of, lambda r, _: r.unsupported),
        "update.firmware_vulnerable": _rule(*of, lambda r, _: r.vulnerable),
        "update.version_claims_disagree": _rule(*of, lambda r, _: r.conflict),
        "update.population_out_of_date": _rule("population_bound", Sample, _some_bad),
        "update.fix_not_rolled_out": _rule("fleet_patch", Fix, _lacking),
        "gateway.edge_runtime_unsupported": _rule("edge_runtime", object, lambda _, __: None),
        "update.fleet_firmware_outdated": _rule("fleet_currency", object, lambda _, __: None),
    }


def _lacking(fix: Fix, _world: World) -> bool | None:
    """Of so few devices all must have a fix that came long ago, as those in the lab's catalogue did."""
    return True if False in fix.reached else None if None in fix.reached else False


def _some_bad(sample: Sample, _world: World) -> bool | None:
    """Of a population none may be bad, which can be told only when all were seen."""
    found = [one.bad for one in sample.seen]
    return True if any(found) else False if len(found) == sample.size and None not in found else None


def _in_clear(service: Web, _world: World) -> bool:
    return service.tls is None


def _speaks_telnet(service: object, _world: World) -> bool | None:
    return None if isinstance(service, Odd) else isinstance(service, Telnet)


def _shows_version(service: object, _world: World) -> bool | None:
    if isinstance(service, Odd):
        return None
    return isinstance(service, Web | Rtsp) and _VERSION.search(service.server) is not None


def _expired(shown: Shown, world: World) -> bool:
    return not shown.certificate.not_before <= world.fleet.at <= shown.certificate.not_after


def _module_has(name: str) -> Says[Module]:
    return lambda module, _: module.has(name)


def _part_has(part: str, weakness: str) -> Says[Part]:
    return lambda one, _: one.has(part, weakness)


def _image_has(name: str) -> Says[Image]:
    return lambda image, _: image.weak(f"image.{name}")


def _hub_has(name: str) -> Says[Hub]:
    return lambda hub, _: hub.weak(f"hub.{name}")


def _assets(world: World, table: str, same: Callable[[Any], bool]) -> int:
    """Count the assets with a sight like this one."""
    return len({asset for asset, thing in world.things(table) if same(thing)})


def _certificate_shared(shown: Shown, world: World) -> bool:
    key = (shown.certificate.key_kind, shown.certificate.key)
    return _assets(world, "certificate", lambda o: o.position == 0 and (o.certificate.key_kind, o.certificate.key) == key) > 1


def _version_differs(identity: Identity, world: World) -> bool | None:
    """Compare what the twin reports with what the device's pages state; None where no page states anything."""
    assert identity.device is not None
    asset = world.asset_of(identity.device)
    pages = [page for owner, page in world.things("http_service") if owner == asset and isinstance(page, Web)]
    stated = [page.firmware_version for page in pages if page.firmware_version is not None]
    return any(one != identity.reported_version for one in stated) if stated else None
