"""The lab's switches: every weakness that it can show, each with a safe and a weak position.

A switch moves one thing on one weak device, or in one file. Hardened twins have no switches: they stand at safe for ever, and a check
that speaks up about one of them is wrong. What follows from a position is said by `fleet`, `files` and `truth`, not here.

Rules: names are `<place>.<bad state>`; a new weakness is one line of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Switch:
    """One weakness: what it is about, and the words for its two positions."""

    name: str
    about: str
    safe: str
    weak: str

    @property
    def device(self) -> str:
        """The place that it moves: a device of the lab, or one of its files."""
        return self.name.partition(".")[0]


_TABLE = (
    # name, about, safe, weak
    ("camera.telnet_open", "Telnet on tcp/2323", "closed", "open"),
    ("camera.shell_without_login", "what Telnet greets with, where it is open", "a login prompt", "a root shell"),
    ("camera.http_login_in_clear", "the page on tcp/8080", "a redirect to HTTPS", "the login form"),
    ("camera.banner_shows_version", "the Server header", "the product alone", "product and exact version"),
    ("camera.cookie_without_flags", "the session cookie on tcp/8443", "Secure, HttpOnly, SameSite", "no attribute"),
    ("camera.rtsp_stream_without_login", "DESCRIBE on tcp/8554", "401 with a Digest challenge", "200 with a session description"),
    ("camera.certificate_expired", "the certificate of tcp/8443", "valid", "ended 40 days ago"),
    ("camera.debug_port_open", "Android Debug Bridge's port, tcp/5555", "closed", "open"),
    ("camera.undeclared_open_port", "a second web server on tcp/7070 that nobody declared", "closed", "open"),
    ("camera.image_key_on_wire", "the key of tcp/8443", "made by the unit", "the one in the firmware image"),
    ("camera.shared_host_key", "the SSH host key", "made by the unit", "the gateway's"),
    ("camera.version_mismatch", "the firmware version in its twin", "the one that its page states", "1.5.0, which was never released"),
    ("router.telnet_open", "Telnet on tcp/2323, with a login prompt", "closed", "open"),
    ("router.basic_auth_in_clear", "what tcp/8080 answers", "a redirect to HTTPS", "401 with a Basic challenge"),
    ("router.tls_old_version_accepted", "the oldest TLS of tcp/8443", "1.2", "1.0"),
    ("router.tls_weak_suite_accepted", "suites of tcp/8443", "authenticated encryption only", "one without encryption too"),
    ("router.certificate_weak_key", "the key of tcp/8443", "P-256", "RSA with 1024 bits"),
    ("router.ssh_weak_algorithms", "algorithms on tcp/2222", "current ones", "group1, 3DES, MD5 too"),
    ("router.ssh_protocol_1", "the version on tcp/2222", "2.0", "1.99: 2.0 and 1.x"),
    ("router.ssh_weak_host_key", "the host key on tcp/2222", "Ed25519", "RSA with 1024 bits"),
    ("router.snmp_public_community", "communities on udp/1161", "none: SNMPv3 only", "public may read"),
    ("router.ftp_anonymous", "anonymous logins on tcp/2121", "refused", "accepted"),
    ("router.ftp_without_tls", "AUTH TLS on tcp/2121", "offered", "not offered"),
    ("router.upnp_gateway_control", "UPnP on udp/1900 and tcp/5000", "closed", "offers WANIPConnection"),
    ("plc.modbus_identification_open", "device identification on tcp/5020", "no path through the gateway in front", "answered"),
    ("controller.firmware_unsupported", "the release that it runs", "1.4.2, of a supported branch", "1.2.0, of a branch without fixes"),
    ("controller.opcua_endpoint_without_security", "endpoints on tcp/4840", "SignAndEncrypt only", "None with Anonymous too"),
    ("controller.modbus_identification_open", "device identification on tcp/5020", "no path through the gateway in front", "answered"),
    ("broker.mqtt_without_tls", "the listener on tcp/1883", "closed", "open"),
    ("broker.accepts_anonymous", "clients without a user name", "refused", "accepted"),
    ("broker.grants_wildcard", "a subscription to #", "refused", "granted"),
    ("broker.shows_sys", "a subscription to $SYS/#", "refused", "granted and served"),
    ("broker.certificate_weak_signature", "the signature of tcp/8883's certificate", "SHA-256", "SHA-1"),
    ("sensor.firmware_vulnerable", "the release that it runs", "1.4.2, the newest", "1.3.0, which an advisory calls affected"),
    ("sensor.coap_resource_readable", "resources on udp/5683", "4.01 without security", "readable by anyone"),
    ("gateway.firmware_behind", "the release that it runs", "1.4.2, the newest", "1.4.0, when the newest has been out for 120 days"),
    ("gateway.certificate_expiring", "the certificate of tcp/8443 and tcp/8883", "valid for years", "ends in 10 days"),
    ("gateway.cors_any_origin", "foreign origins on tcp/8443", "not allowed", "mirrored, with credentials"),
    ("printer.firmware_retracted", "the release that it runs", "1.4.2, the newest", "1.4.1, which its maker took back"),
    ("printer.admin_page_without_login", "the page on tcp/8000", "a redirect to HTTPS", "administration for all"),
    ("printer.directory_listing", "the page on tcp/8081", "a plain page", "a listing of files"),
    ("printer.snmp_public_community", "communities on udp/1161", "none: SNMPv3 only", "public may read"),
    ("printer.announcement_leaks_data", "what its announcement on udp/5353 tells", "the model", "serial number and location too"),
    ("printer.shared_certificate", "the certificate of tcp/8443", "its own", "the gateway's, with its key"),
    ("image.private_key_in_image", "/etc/ssl/private/server.key", "made at first start", "in the image"),
    ("image.ssh_host_key_in_image", "/etc/ssh/ssh_host_ed25519_key", "made at first start", "in the image"),
    ("image.password_hash_in_image", "root in /etc/shadow", "locked", "a SHA-512 hash"),
    ("image.weak_password_hash", "the account 'service' in /etc/shadow", "locked", "an MD5 hash"),
    ("image.empty_password_in_image", "the account 'support' in /etc/shadow", "locked", "an empty password"),
    ("image.authorized_key_in_image", "/root/.ssh/authorized_keys", "absent", "holds a key"),
    ("image.telnet_started_in_image", "telnetd in /etc/init.d/rcS", "not started", "started"),
    ("image.setuid_unexpected", "the mode of /usr/bin/netcfg", "0755", "4755, root"),
    ("image.world_writable_file", "the mode of /etc/network.conf", "0644", "0666"),
    ("image.shared_password_hash", "the accounts 'installer' and 'upgrade' in /etc/shadow", "locked", "one SHA-512 hash for both"),
    ("image.shell_on_console", "the console in /etc/inittab", "not used", "a shell without a login"),
    ("image.cloud_secret_in_image", "/etc/hub.conf", "names the hub alone", "a device's connection string"),
    ("image.program_without_hardening", "how /usr/bin/netcfg was built", "as everything else", "without protection of memory"),
    ("image.certificate_expired_in_image", "the end of /etc/northwind/updates.pem", "in years", "ten days ago"),
    ("image.kernel_without_protections", "STACKPROTECTOR_STRONG in the kernel's configuration", "on", "not set"),
    ("image.image_unsigned", "the signature of the update package", "the maker's", "none"),
    ("image.client_fetches_in_clear", "the address in /etc/swupdate.cfg", "of HTTPS", "of HTTP"),
    ("image.client_without_trust_anchor", "public-key-file in /etc/swupdate.cfg", "the maker's key", "not set"),
    ("image.bill_of_materials_incomplete", "components in the bill of materials", "each with a package URL", "by their names alone"),
    ("image.debug_tool_in_image", "/usr/bin/gdbserver", "absent", "present"),
    ("edge.module_privileged", "HostConfig.Privileged of a module", "unset", "true"),
    ("edge.module_shares_host_namespace", "HostConfig.NetworkMode and PidMode", "bridge", "host"),
    ("edge.module_excess_capability", "HostConfig.CapAdd", "none", "SYS_ADMIN"),
    ("edge.sensitive_host_path_mounted", "HostConfig.Binds", "a data folder, read-only", "/etc, writable"),
    ("edge.docker_socket_mounted", "the container engine's socket", "not mounted", "mounted"),
    ("edge.mutable_image_reference", "a module's image", "by digest", "by the tag latest"),
    ("edge.registry_password_in_manifest", "a registry's password", "a placeholder", "in the manifest"),
    ("edge.secret_in_module_environment", "a module's environment", "no secret", "a password"),
    ("edge.module_without_limits", "memory and process limits", "set", "none"),
    ("edge.module_log_unbounded", "the container log", "bounded", "without bounds"),
    ("edge.module_root_writable", "the root file system", "read-only", "writable"),
    ("edge.old_tls_in_edge_hub", "SslProtocols of edgeHub", "tls1.2", "tls1.0 too"),
    ("system.account_without_password", "the account 'support' of the gateway", "locked", "without a password"),
    ("system.ssh_password_login_allowed", "logins by password over the gateway's SSH", "off", "on"),
    ("system.ssh_root_login_allowed", "root over the gateway's SSH", "not let in", "let in"),
    ("system.firewall_open", "the gateway's packet filter", "drops by default", "no rules"),
    ("system.internal_service_on_network", "where the gateway's store listens", "on the loopback interface", "on every address"),
    ("system.engine_socket_open_to_all", "the rights of the container engine's socket", "root and its group", "everybody"),
    ("system.updates_not_automatic", "unattended updates of the gateway", "on", "off"),
    ("system.package_source_unverified", "signatures of the gateway's packages", "verified", "not verified"),
    ("system.security_updates_waiting", "security updates of the gateway that wait", "none", "one"),
    ("manual.test_failed", "the test by hand of how the camera's password is changed", "passed", "failed"),
    ("declaration.provision_declared_unmet", "what the owner says of a policy on vulnerabilities", "there is one", "there is none"),
    ("declaration.contradicted", "what the owner says of the camera's encryption", "nothing", "that all it sends is encrypted"),
    ("capture.credential_in_clear", "logins in the capture", "inside TLS", "HTTP Basic, FTP and MQTT in clear"),
    ("capture.clear_flow_to_outside", "what the camera sends outside", "TLS", "HTTP in clear"),
    ("capture.client_offers_old_tls", "the highest TLS that the sensor offers", "1.3", "1.0"),
    ("capture.client_offers_weak_suites", "suites that the controller offers", "current ones", "RC4 and 3DES too"),
    ("capture.plain_mqtt_from_x509_device", "how the sensor, an X.509 identity, reports", "MQTT inside TLS", "MQTT in clear"),
    ("capture.firmware_fetched_in_clear", "how the camera fetches firmware", "HTTPS", "HTTP"),
    ("hub.open_to_internet", "public access without rules", "disabled", "enabled"),
    ("hub.ip_rule_too_wide", "an allowed range", "a /29", "a /8"),
    ("hub.service_keys_allowed", "disableLocalAuth", "true", "false"),
    ("hub.device_sas_allowed", "disableDeviceSAS", "true", "false"),
    ("hub.min_tls_not_set", "minTlsVersion", "1.2", "not set"),
    ("hub.key_based_endpoint", "a routing endpoint", "by identity", "by key"),
    ("hub.builtin_endpoint_uncovered", "applyToBuiltInEventHubEndpoint", "true", "false"),
    ("hub.policy_over_broad", "a policy of the owner's", "ServiceConnect", "every right"),
    ("hub.ca_unverified", "possession of a CA's key", "proved", "not proved"),
    ("hub.ca_expiring", "the end of a CA", "in years", "in 10 days"),
    ("hub.sas_share_too_high", "how camera and controller prove who they are", "certificates", "symmetric keys"),
    ("hub.shared_credential", "the credentials of camera and controller", "different", "the same"),
    ("hub.primary_equals_secondary", "the controller's two credentials", "different", "the same"),
    ("hub.stale_device_enabled", "the controller's last activity", "an hour ago", "400 days ago"),
    ("hub.secret_in_twin", "the camera's desired properties", "no secret", "a Wi-Fi password"),
    ("hub.twin_drift", "the camera's telemetry interval", "as desired", "not as desired"),
    ("hub.identity_without_device", "an identity that no device has", "absent", "present"),
    ("hub.device_without_identity", "the printer's identity, which the rig file names", "present", "absent"),
    ("import.imported_finding_open", "a setting of the router, in another scanner's file", "passed", "failed"),
    ("import.service_unseen_by_us", "a second web server of the router, in another scanner's file", "not there", "open"),
    ("rig.undeclared_device", "the stranger with services on odd ports", "declared", "not declared"),
    ("rig.declared_device_not_seen", "a declared camera at a silent address", "not declared", "declared"),
)

SWITCHES: Mapping[str, Switch] = {row[0]: Switch(*row) for row in _TABLE}


@dataclass(frozen=True)
class Switches(Mapping[str, bool]):
    """A position for every switch: True is weak. The default is the lab as it is shown: all weak."""

    at_safe: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        unknown = sorted(self.at_safe - SWITCHES.keys())
        if unknown:
            raise KeyError(f"no such switch: {', '.join(unknown)}")

    @classmethod
    def safe(cls) -> Switches:
        """Every switch at safe."""
        return cls(frozenset(SWITCHES))

    @classmethod
    def only(cls, names: Iterable[str]) -> Switches:
        """The named switches at weak, all others at safe; raises KeyError for an unknown name."""
        return cls.safe().turn(*names, weak=True)

    def turn(self, *names: str, weak: bool) -> Switches:
        """The same positions but for the named ones; raises KeyError for an unknown name."""
        unknown = [name for name in names if name not in SWITCHES]
        if unknown:
            raise KeyError(f"no such switch: {', '.join(unknown)}")
        return Switches(self.at_safe - set(names) if weak else self.at_safe | set(names))

    def __getitem__(self, name: str) -> bool:
        return SWITCHES[name].name not in self.at_safe

    def __iter__(self) -> Iterator[str]:
        return iter(SWITCHES)

    def __len__(self) -> int:
        return len(SWITCHES)
