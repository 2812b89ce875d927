"""The truth about itself: every check has a rule, every switch shows, and hardened twins are silent."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.checks.registry import load_registry
from plumbline.evidence.specs import load_tables
from plumbline.lab.fleet import Fleet, fleet
from plumbline.lab.switches import SWITCHES, Switches
from plumbline.lab.truth import Difference, Expected, Key, compare, differences, truth
from plumbline.lab.truth.rules import rules
from plumbline.model.words import Verdict
from tests.lab.conftest import AT

# Switches that need another one at weak before they show, and what they show then.
TOGETHER = {
    "camera.shell_without_login": "camera.telnet_open",
    "broker.grants_wildcard": "broker.accepts_anonymous",
    "broker.shows_sys": "broker.accepts_anonymous",
    "camera.image_key_on_wire": "image.private_key_in_image",
    "declaration.contradicted": "camera.telnet_open",
}
# Switches that no shipped check judges: they are there for the evidence that they make.
UNJUDGED = {"camera.debug_port_open", "camera.undeclared_open_port", "rig.declared_device_not_seen"}

# Checks of what is derived with reference data; the lab's own speaks of its products, and of no component inside them.
DERIVED = {name for name, rule in rules().items() if load_tables()[rule.table].derived is not None}


def made(switches: Switches) -> Fleet:
    return fleet(switches, AT, "127.32")


def fails(switches: Switches) -> set[Key]:
    return {key for key, expected in truth(made(switches)).items() if expected.verdict is Verdict.FAIL}


def test_every_shipped_check_has_a_rule_about_its_own_table() -> None:
    shipped = {check.id: check.subjects for check in load_registry().checks.values()}
    assert {name: rule.table for name, rule in rules().items()} == shipped


def test_nothing_is_wrong_with_hardened_twins_and_their_files() -> None:
    for switches in (Switches(), Switches.safe()):
        hardened = [key for key in fails(switches) if any(word in key[1] for word in ("hardened", "terminal", "cam-4"))]
        assert hardened == []


def test_a_safe_lab_has_only_what_is_not_switched() -> None:
    """The stranger's broker is hidden, not hardened."""
    assert fails(Switches.safe()) == {("communication.mqtt_without_tls", "declared:/stranger", "tcp/21883")}


# Checks whose pass needs everything in the rig to have been asked: the lab hides devices, so they pass in a part of it only.
WHOLE_RIG = {"rig.image_key_on_wire", "rig.shared_certificate", "rig.shared_host_key"}
# That the hub takes keys which no device uses shows only where no device does.
POSITIONS = (Switches(), Switches.safe(), Switches().turn("hub.sas_share_too_high", weak=False))


@pytest.fixture(scope="module")
def verdicts() -> dict[str, set[Verdict]]:
    """Every verdict that each check gives anywhere; those that need the whole rig in a rig of one camera too."""
    ledgers = [truth(made(switches)) for switches in POSITIONS]
    ledgers.append({key: said for key, said in truth(made(Switches()), {"camera"}).items() if key[0] in WHOLE_RIG})
    found: dict[str, set[Verdict]] = {}
    for ledger in ledgers:
        for (check, _, _), said in ledger.items():
            found.setdefault(check, set()).add(said.verdict)
    return found


# The lab shows no component that a feed speaks of, no fleet that only its hub knows, no runtime that its catalogue knows, and no system
# from inside.
HIDDEN = ("component_", "edge_runtime", "fleet_currency", "system")
SHOWN = sorted(name for name, rule in rules().items() if not rule.table.startswith(HIDDEN))


@pytest.mark.parametrize("check", SHOWN)
def test_every_check_has_something_to_fail_and_something_to_pass(check: str, verdicts: dict[str, set[Verdict]]) -> None:
    assert verdicts[check] >= {Verdict.FAIL, Verdict.PASS}


def test_without_reference_data_what_is_derived_from_it_is_inconclusive() -> None:
    said = {key[0]: expected for key, expected in truth(made(Switches()), catalogue=False).items() if key[0] in DERIVED}
    assert set(said) == DERIVED
    assert set(said.values()) == {Expected(Verdict.INCONCLUSIVE, "not_attempted")}


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_moves_a_row(name: str) -> None:
    before = Switches().turn("hub.sas_share_too_high", weak=name == "hub.sas_share_too_high")
    assert compare(truth(made(before)), truth(made(before.turn(name, weak=False))))


@pytest.mark.parametrize("name", sorted(SWITCHES.keys() - UNJUDGED))
def test_every_switch_shows_alone_or_with_its_companion(name: str) -> None:
    before = Switches.only([TOGETHER[name]] if name in TOGETHER else [])
    new = fails(before.turn(name, weak=True)) - fails(before)
    assert new, name


@pytest.mark.parametrize("name", sorted(UNJUDGED))
def test_switches_without_a_check_fail_nothing(name: str) -> None:
    assert fails(Switches.only([name])) == fails(Switches.safe())


@pytest.mark.parametrize(
    ("check", "asset", "subject", "verdict", "reason"),
    [
        ("device.telnet_service", "declared:/camera", "tcp/2323", Verdict.FAIL, None),
        ("device.telnet_service", "declared:/tarpit", "tcp/8080", Verdict.INCONCLUSIVE, "protocol_error"),
        ("device.telnet_service", "declared:/hangup", "tcp/8080", Verdict.INCONCLUSIVE, "refused"),
        ("device.telnet_service", "declared:/absent", "", Verdict.INCONCLUSIVE, "timeout"),
        ("device.telnet_service", "declared:/relay", "", Verdict.INCONCLUSIVE, "not_permitted"),
        ("device.telnet_service", "declared:/controller", "", Verdict.INCONCLUSIVE, "not_permitted"),
        ("device.telnet_service", "declared:/controller", "tcp/5020", Verdict.PASS, None),
        ("device.http_login_in_clear", "declared:/camera", "tcp/8443", Verdict.NOT_APPLICABLE, None),
        ("device.http_login_in_clear", "declared:/sensor", "", Verdict.NOT_APPLICABLE, "absent"),
        ("rig.shared_certificate", "declared:/camera", "tcp/8443", Verdict.INCONCLUSIVE, "not_permitted"),
        ("rig.version_mismatch", "declared:/gateway", "", Verdict.INCONCLUSIVE, "not_observed"),
        ("rig.undeclared_device", "network:/silent things", "", Verdict.NOT_APPLICABLE, "absent"),
        ("update.firmware_fetched_in_clear", "capture:/terminal.pcap", "", Verdict.NOT_APPLICABLE, "absent"),
        ("cloud.shared_credential", "declared:/gateway", "", Verdict.NOT_APPLICABLE, None),
        ("update.firmware_behind", "declared:/router", "", Verdict.INCONCLUSIVE, "not_observed"),
        ("update.firmware_behind", "declared:/camera", "", Verdict.INCONCLUSIVE, "not_observed"),
        ("update.firmware_retracted", "declared:/sensor", "", Verdict.PASS, None),
        ("update.firmware_vulnerable", "declared:/printer", "", Verdict.PASS, None),
        ("update.firmware_unsupported", "declared:/router", "", Verdict.PASS, None),
        ("update.population_out_of_date", "rig:/plumbline-lab", "model/northwind/sensor-4", Verdict.PASS, None),
    ],
)
def test_rows_that_only_care_finds(check: str, asset: str, subject: str, verdict: Verdict, reason: str | None) -> None:
    assert truth(made(Switches()))[check, asset, subject] == Expected(verdict, reason)


KEY = ("a.b", "declared:/x", "tcp/1")
FAIL = Expected(Verdict.FAIL)
SILENT = Expected(Verdict.INCONCLUSIVE, "timeout")


def test_comparison_names_what_is_missing_wrong_and_too_much() -> None:
    assert compare({KEY: FAIL}, {KEY: FAIL}) == []
    assert compare({KEY: FAIL}, {}) == [Difference(KEY, FAIL, None)]
    assert compare({}, {KEY: FAIL}) == [Difference(KEY, None, FAIL)]
    [wrong] = compare({KEY: FAIL}, {KEY: SILENT})
    assert str(wrong) == "a.b of declared:/x, tcp/1: inconclusive (timeout), the truth is fail"


def test_a_ledger_file_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "ledger.parquet"
    row = {"check": "a.b", "asset": "declared:/x", "subject": "tcp/1", "verdict": "inconclusive", "reason": "timeout", "detail": None}
    pq.write_table(pa.Table.from_pylist([row]), path)
    assert differences({KEY: SILENT}, path) == []
    assert differences({KEY: FAIL}, path) == [Difference(KEY, FAIL, SILENT)]
