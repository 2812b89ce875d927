"""Each switch moved by itself: an audit of what it belongs to changes in the rows that it is about, and in no other."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from plumbline.checks.registry import load_registry
from plumbline.lab.fleet import fleet
from plumbline.lab.switches import SWITCHES, Switches
from plumbline.lab.truth import Expected, Key, compare, truth
from plumbline.model.words import Verdict
from tests.lab.auditing import audit
from tests.lab.conftest import free_base

# The devices to sweep beside the one that the switch is named after; files are read in every audit.
SWEPT_TOO = {
    "camera.shared_host_key": {"gateway"},
    "printer.shared_certificate": {"gateway"},
    "image.private_key_in_image": {"camera"},
    "hub.identity_without_device": {"sensor"},  # any device will do: nobody is missed where nobody was looked for
    "rig.undeclared_device": {"stranger"},
    "import.service_unseen_by_us": {"router"},
    "declaration.contradicted": {"camera"},
    "rig.declared_device_not_seen": {"absent", "sensor"},  # likewise
}
# Switches that show only while another one stands at safe.
MASKED_BY = {"hub.device_sas_allowed": "hub.sas_share_too_high"}
# Switches that only a catalogue can tell of; the others are moved without one, which takes less time.
CATALOGUED = {
    *("camera.version_mismatch", "controller.firmware_unsupported", "gateway.firmware_behind"),
    *("printer.firmware_retracted", "sensor.firmware_vulnerable"),
}
# A port that says nothing takes twelve seconds to give up on, so the camera's stands open in its own test only.
SLOW = "camera.debug_port_open"

# The checks whose fails go away, where they are others than the one that bears the switch's name.
CLEARED = {
    "camera.telnet_open": {"device.telnet_service", "device.shell_without_login"},
    "camera.version_mismatch": {"rig.version_mismatch", "update.version_claims_disagree"},
    "camera.debug_port_open": set(),  # no check judges what an open port is for
    "camera.undeclared_open_port": set(),
    "router.telnet_open": {"device.telnet_service"},
    "router.tls_old_version_accepted": {"communication.tls_old_version_accepted", "communication.tls_old_suite_accepted"},
    "plc.modbus_identification_open": {"device.modbus_open_to_anyone"},
    "controller.firmware_unsupported": {"update.firmware_unsupported", "update.firmware_behind"},
    "controller.modbus_identification_open": {"device.modbus_open_to_anyone"},
    "sensor.firmware_vulnerable": {
        *("update.firmware_vulnerable", "update.firmware_behind"),
        *("update.population_out_of_date", "update.fix_not_rolled_out"),
    },
    "broker.mqtt_without_tls": {
        *("communication.mqtt_without_tls", "gateway.broker_accepts_anonymous"),
        *("gateway.broker_grants_wildcard", "gateway.broker_shows_sys"),
    },
    "broker.accepts_anonymous": {"gateway.broker_accepts_anonymous", "gateway.broker_grants_wildcard", "gateway.broker_shows_sys"},
    "printer.firmware_retracted": {"update.firmware_retracted", "update.firmware_behind"},
    "printer.shared_certificate": {"rig.shared_certificate", "communication.certificate_expiring"},
    "image.private_key_in_image": {"firmware.private_key_in_image", "rig.image_key_on_wire"},
    "image.shared_password_hash": {"firmware.shared_password_hash", "firmware.password_hash_in_image"},
    "image.weak_password_hash": {"firmware.weak_password_hash", "firmware.password_hash_in_image"},
    "edge.docker_socket_mounted": {"gateway.docker_socket_mounted", "gateway.sensitive_host_path_mounted"},
    "rig.undeclared_device": {"rig.undeclared_device", "communication.mqtt_without_tls"},
    "rig.declared_device_not_seen": set(),  # not seen is not judged, rather than wrong
}
# The checks whose fails come instead.
APPEARING = {
    # The hub then takes keys that no device uses, and the controller, which logs in to the broker in clear, has a certificate.
    "hub.sas_share_too_high": {"cloud.hub_device_sas_allowed", "rig.plain_mqtt_from_x509_device"},
    "rig.undeclared_device": {"communication.mqtt_without_tls"},  # the stranger's, under the name that it is declared by
}


@pytest.fixture(scope="module")
def base() -> str:
    return free_base()


def cleared(name: str) -> set[str]:
    """Name the checks whose fails go away when a switch moves to safe: by the table, else the check of that name."""
    place, _, weakness = name.partition(".")
    named = {check for check in load_registry().checks if check.partition(".")[2] in (weakness, f"{place}_{weakness}")}
    return CLEARED.get(name, named)


def fails(ledger: Mapping[Key, Expected]) -> set[Key]:
    return {key for key, said in ledger.items() if said.verdict is Verdict.FAIL}


# All switches are judged at once, at both positions, in test_lab_audit.py and truth/test_supplied_files.py. One by one they are moved in
# `make test-full`; in `make test` the first of each device.
FILES = {"image", "edge", "hub", "capture", "import", "system", "manual", "declaration"}
FIRST = {switch.device: name for name, switch in reversed(SWITCHES.items()) if switch.device not in FILES}
EACH = [pytest.param(name, marks=() if name in FIRST.values() else pytest.mark.full) for name in SWITCHES]


@pytest.mark.parametrize("name", EACH)
def test_moving_one_switch_changes_its_rows_alone(name: str, base: str, tmp_path: Path) -> None:
    at_safe = {MASKED_BY.get(name, SLOW)} - {name}
    before, after = Switches().turn(*at_safe, weak=False), Switches().turn(name, *at_safe, weak=False)
    swept = {SWITCHES[name].device, *SWEPT_TOO.get(name, ())}
    catalogue = name in CATALOGUED
    audited = audit(after, tmp_path, base, swept, catalogue=catalogue)
    was = truth(fleet(before, audited.fleet.at, base), swept, catalogue=catalogue)
    assert [str(one) for one in compare(truth(audited.fleet, swept, catalogue=catalogue), audited.ledger)] == []
    assert compare(was, audited.ledger) != []
    assert {check for check, _, _ in fails(was) - fails(audited.ledger)} == cleared(name)
    assert {check for check, _, _ in fails(audited.ledger) - fails(was)} == APPEARING.get(name, set())
    assert audited.watch.harms == []
