"""What becomes of findings: the whole truth table, and the cases that it has no room for."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.assess.changes import Became, Change, Changes, compare, read_changes
from plumbline.model.errors import InputError
from plumbline.model.words import Severity
from tests.assess.two_audits import BROKER, CVSS, EARLIER, LATER, TELNET, UNMET, Audit

# (verdict, reason) at the finding's place; None: the ledger says nothing there.
OLD = {
    "fail": ("fail", None),
    "pass": ("pass", None),
    "inconclusive": ("inconclusive", "refused"),
    "absent": ("not_applicable", "absent"),
    "nothing": None,
}
NEW = {
    "fail": ("fail", None),
    "pass": ("pass", None),
    "timeout": ("inconclusive", "timeout"),
    "unreachable": ("inconclusive", "unreachable"),
    "refused": ("inconclusive", "refused"),
    "not_attempted": ("inconclusive", "not_attempted"),
    "absent": ("not_applicable", "absent"),
    "does_not_apply": ("not_applicable", None),
    "nothing": None,
}
IDENTITY = ("same", "other_address", "renamed", "replaced")
REACH = ("present", "silent", "not_looked_at")


def expected(old: str, new: str, identity: str, reach: str) -> Became | None:
    """Say what the issue asks for, written without a look at the SQL; None: neither audit has a finding there."""
    if reach != "present" or identity == "replaced":
        new_here = None  # nothing of this device is in the later audit
    else:
        new_here = new
    if old == "fail":
        if reach == "silent":
            return Became.UNREACHABLE
        if reach == "not_looked_at":
            return Became.NOT_JUDGED
        if identity == "replaced":
            return Became.GONE
        if new_here == "pass":
            return Became.FIXED
        if new_here == "fail":
            return Became.OPEN if identity == "same" else Became.MOVED
        if new_here in ("timeout", "unreachable"):
            return Became.UNREACHABLE
        return Became.GONE if new_here in ("absent", "does_not_apply") else Became.NOT_JUDGED
    if reach != "present" or new != "fail":
        return None
    if identity == "replaced":
        return Became.NEW
    return {"pass": Became.REGRESSED, "inconclusive": Became.NEWLY_JUDGED, "absent": Became.NEW, "nothing": Became.NEWLY_JUDGED}[old]


COMBINATIONS = tuple(product(OLD, NEW, IDENTITY, REACH))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str, str], set[Became]]:
    """All combinations in one pair of audits, each on an asset of its own."""
    before, after = Audit(EARLIER), Audit(LATER)
    after.asset("network:s/n", "network")
    places: dict[str, tuple[str, str, str, str]] = {}
    for number, (old, new, identity, reach) in enumerate(COMBINATIONS):
        site = "elsewhere" if reach == "not_looked_at" else "s"
        address, mac = f"10.0.{number // 250}.{number % 250}", f"02:00:00:00:{number // 250:02x}:{number % 250:02x}"
        one = f"declared:{site}/d{number}" if identity == "renamed" else f"host:{site}/{address}"
        before.asset(one, mac=mac, ip=f"{site}/{address}")
        places[one] = old, new, identity, reach
        if OLD[old]:
            before.verdict(one, *OLD[old])
        before.verdict(one, "pass", check=BROKER, subject="tcp/1883")
        if reach != "present":
            continue
        other = {"other_address": f"host:s/10.9.{number // 250}.{number % 250}", "renamed": f"declared:s/renamed{number}"}.get(
            identity, one
        )
        after.asset(other, mac=mac.replace("02:", "06:", 1) if identity == "replaced" else mac, ip=f"s/{other.partition('/')[2]}")
        places[other] = old, new, identity, reach
        if NEW[new]:
            after.verdict(other, *NEW[new])
        after.verdict(other, "pass", check=BROKER, subject="tcp/1883")
    folder = tmp_path_factory.mktemp("audits")
    changes = compare(before.write(folder / "old"), after.write(folder / "new"))
    found: dict[tuple[str, str, str, str], set[Became]] = {combination: set() for combination in COMBINATIONS}
    for change in changes.changes:
        found[places[change.asset]].add(change.word)
    assert sum(changes.counts.values()) == len(changes.changes)
    return found


@pytest.mark.parametrize(("identity", "reach"), tuple(product(IDENTITY, REACH)))
def test_every_combination_becomes_what_was_specified(
    told: dict[tuple[str, str, str, str], set[Became]], identity: str, reach: str
) -> None:
    for old, new in product(OLD, NEW):
        words = set(told[old, new, identity, reach])
        if old == "fail" and new == "fail" and identity == "replaced" and reach == "present":
            assert words == {Became.GONE, Became.NEW}, "the old device left, and the one in its place fails too"
            continue
        wanted = expected(old, new, identity, reach)
        assert words == ({wanted} if wanted else set()), (old, new, identity, reach)


def test_nothing_is_fixed_by_silence(told: dict[tuple[str, str, str, str], set[Became]]) -> None:
    fixed = {combination for combination, words in told.items() if Became.FIXED in words}
    assert fixed == {("fail", "pass", identity, "present") for identity in IDENTITY if identity != "replaced"}


def changes_of(tmp_path: Path, before: Audit, after: Audit) -> Changes:
    return compare(before.write(tmp_path / "old"), after.write(tmp_path / "new"))


def only(changes: Changes) -> Change:
    [change] = changes.changes
    return change


def test_a_check_that_the_later_release_has_not_judges_nothing(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail")
    after = Audit(LATER, checks=(BROKER,)).asset("host:s/a").verdict("host:s/a", "pass", check=BROKER, subject="tcp/1883")
    change = only(changes_of(tmp_path, before, after))
    assert (change.word, change.why) == (Became.NOT_JUDGED, "check_unknown")


@pytest.mark.parametrize(
    ("told", "word", "why"),
    [
        (("pass", None), Became.NOT_JUDGED, "other_parameters"),
        (("not_applicable", None), Became.NOT_JUDGED, "other_parameters"),
        (("not_applicable", "absent"), Became.GONE, "absent"),
        (("fail", None), Became.OPEN, None),
        (("inconclusive", "timeout"), Became.UNREACHABLE, "timeout"),
    ],
)
def test_other_parameters_close_nothing(tmp_path: Path, told: tuple[str, str | None], word: Became, why: str | None) -> None:
    before = Audit(EARLIER, parameters={"days": 90}).asset("host:s/a").verdict("host:s/a", "fail")
    after = Audit(LATER, parameters={"days": 900}).asset("host:s/a").verdict("host:s/a", *told)
    change = only(changes_of(tmp_path, before, after))
    assert (change.word, change.why) == (word, why)


def test_a_check_that_the_earlier_release_had_not_judges_newly(tmp_path: Path) -> None:
    before = Audit(EARLIER, checks=(BROKER,)).asset("host:s/a").verdict("host:s/a", "pass", check=BROKER, subject="tcp/1883")
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", "fail")
    assert only(changes_of(tmp_path, before, after)).word is Became.NEWLY_JUDGED


def test_a_finding_on_an_asset_that_was_not_there_is_new(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a", ip="s/a").verdict("host:s/a", "pass")
    after = Audit(LATER).asset("host:s/b", ip="s/b").verdict("host:s/b", "fail")
    assert only(changes_of(tmp_path, before, after)).word is Became.NEW


@pytest.mark.parametrize(
    ("subject", "verdict", "word"),
    [
        ("", ("not_applicable", "absent"), Became.NOT_JUDGED),  # of its usual ports: this one may only have kept silent
        ("", ("inconclusive", "timeout"), Became.UNREACHABLE),
        ("", ("inconclusive", "not_attempted"), Became.NOT_JUDGED),
        ("", ("pass", None), Became.NOT_JUDGED),
        ("tcp/443", ("not_applicable", "absent"), Became.GONE),
        ("tcp/44", ("not_applicable", "absent"), Became.NOT_JUDGED),
    ],
)
def test_what_is_said_of_the_whole_counts_for_its_parts_but_for_a_pass(
    tmp_path: Path, subject: str, verdict: tuple[str, str | None], word: Became
) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail", subject="tcp/443/chain/1")
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", *verdict, subject=subject)
    assert only(changes_of(tmp_path, before, after)).word is word


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        ([("telnet_service",), ("host", "tcp/22", "tcp/23")], Became.GONE),
        ([("telnet_service",), ("service", "tcp/23")], Became.GONE),
        ([("telnet_service",), ("host", "tcp/22"), ("service", "tcp/8023")], Became.NOT_JUDGED),
        ([("telnet_service",)], Became.NOT_JUDGED),
        ([("host", "tcp/23")], Became.NOT_JUDGED),  # closed, but for all we know the table was not wanted, or cut short
        ([("service",), ("host", "tcp/23")], Became.NOT_JUDGED),
    ],
)
def test_where_the_ledger_is_silent_a_port_is_gone_only_if_it_was_seen_closed_or_otherwise_used(
    tmp_path: Path, seen: list[tuple[str, ...]], word: Became
) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail")
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", "pass", check=BROKER, subject="tcp/1883")
    for table, *ports in seen:
        after.saw("host:s/a", table, *ports)
    assert only(changes_of(tmp_path, before, after)).word is word


@pytest.mark.parametrize(("closed", "word"), [("tcp/2323", Became.GONE), ("tcp/23", Became.NOT_JUDGED)])
def test_nothing_of_the_kind_at_the_usual_ports_says_nothing_of_a_port_that_kept_silent(tmp_path: Path, closed: str, word: Became) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail", subject="tcp/2323")
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", "not_applicable", "absent", subject="")
    after.saw("host:s/a", "telnet_service").saw("host:s/a", "host", closed)
    assert only(changes_of(tmp_path, before, after)).word is word


def test_a_part_of_something_that_was_wholly_read_is_gone_when_it_is_not_in_it(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("image:/cam").verdict("image:/cam", "fail", subject="component/busybox")
    after = Audit(LATER).asset("image:/cam").verdict("image:/cam", "pass", subject="component/openssl").saw("image:/cam", "telnet_service")
    assert only(changes_of(tmp_path, before, after)).word is Became.GONE


@pytest.mark.parametrize("told", [None, ("not_applicable", "absent")])
def test_what_people_stated_is_not_gone_because_a_sheet_leaves_it_out(tmp_path: Path, told: tuple[str, str] | None) -> None:
    before, after = Audit(EARLIER, checks=(UNMET,)), Audit(LATER, checks=(UNMET,))
    before.asset("rig:/t", "rig").verdict("rig:/t", "fail", check=UNMET, subject="etsi-en-303-645/5.3-1")
    after.asset("rig:/t", "rig").saw("rig:/t", "declaration")
    if told is not None:
        after.verdict("rig:/t", *told, check=UNMET, subject="")
    else:
        after.verdict("rig:/t", "pass", check=UNMET, subject="etsi-en-303-645/5.1-4")
    assert only(changes_of(tmp_path, before, after)).word is Became.NOT_JUDGED


def test_a_service_on_another_port_has_moved(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail")
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", "not_applicable", "absent").verdict("host:s/a", "fail", subject="tcp/2323")
    change = only(changes_of(tmp_path, before, after))
    assert (change.word, change.subject, change.new_subject) == (Became.MOVED, "tcp/23", "tcp/2323")


def test_two_services_that_came_for_one_are_not_guessed_at(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail")
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", "not_applicable", "absent")
    after.verdict("host:s/a", "fail", subject="tcp/2323").verdict("host:s/a", "fail", subject="tcp/2324")
    counts = changes_of(tmp_path, before, after).counts
    assert (counts[Became.GONE], counts[Became.NEWLY_JUDGED], counts[Became.MOVED]) == (1, 2, 0)


def test_two_devices_that_swapped_their_names_are_followed_by_their_hardware(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("declared:s/one", mac="02:00:00:00:00:01", declared_id="one")
    before.asset("declared:s/two", mac="02:00:00:00:00:02", declared_id="two").verdict("declared:s/one", "fail").verdict(
        "declared:s/two", "pass"
    )
    after = Audit(LATER).asset("declared:s/one", mac="02:00:00:00:00:02", declared_id="one")
    after.asset("declared:s/two", mac="02:00:00:00:00:01", declared_id="two").verdict("declared:s/one", "pass").verdict(
        "declared:s/two", "fail"
    )
    change = only(changes_of(tmp_path, before, after))
    assert (change.word, change.asset, change.new_asset, change.by) == (Became.MOVED, "declared:s/one", "declared:s/two", "mac")


def test_two_devices_whose_labels_were_swapped_mend_nothing(tmp_path: Path) -> None:
    before, after = Audit(EARLIER), Audit(LATER).asset("network:s/n", "network")
    for name, key, verdict in (("cam", "one", "fail"), ("lock", "two", "pass")):
        before.asset(f"declared:s/{name}", declared_id=name, public_key=key).verdict(f"declared:s/{name}", verdict)
    for name, key, verdict in (("cam", "two", "pass"), ("lock", "one", "fail")):
        after.asset(f"declared:s/{name}", declared_id=name, public_key=key).verdict(f"declared:s/{name}", verdict)
    changes = {change.asset: (change.word, change.why) for change in changes_of(tmp_path, before, after).changes}
    assert changes == {"declared:s/cam": (Became.NOT_JUDGED, "unclear"), "declared:s/lock": (Became.NEW, None)}


def test_two_devices_that_are_one_now_and_one_that_is_two_mend_nothing(tmp_path: Path) -> None:
    two = Audit(EARLIER).asset("host:s/10.0.0.5", ip="s/10.0.0.5", mac="m").asset("host:s/10.0.0.6", ip="s/10.0.0.6", mac="n")
    one = Audit(LATER).asset("network:s/n", "network")
    for address, mac in (("10.0.0.5", "m"), ("10.0.0.6", "n")):
        two.verdict(f"host:s/{address}", "fail")
        one.asset("declared:s/cam", declared_id="cam", ip=f"s/{address}", mac=mac)
    one.verdict("declared:s/cam", "pass")
    merged = changes_of(tmp_path, two, one).changes
    assert {(change.word, change.why) for change in merged} == {(Became.NOT_JUDGED, "unclear")}
    one.as_of, one.rows = EARLIER, []
    one.verdict("declared:s/cam", "fail")
    left = Audit(LATER).asset("network:s/n", "network").asset("declared:s/cam", declared_id="cam", mac="m", ip="s/10.0.0.5")
    left.asset("host:s/10.0.0.6", mac="n", ip="s/10.0.0.6").verdict("declared:s/cam", "pass").verdict("host:s/10.0.0.6", "fail")
    parted = {(change.asset, change.word) for change in changes_of(tmp_path, one, left).changes}
    assert parted == {("declared:s/cam", Became.NOT_JUDGED), ("host:s/10.0.0.6", Became.NEW)}


def test_a_finding_follows_a_key_to_another_address_and_not_the_address_to_another_key(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/10.0.0.5", public_key="one", ip="s/10.0.0.5").verdict("host:s/10.0.0.5", "fail")
    after = Audit(LATER).asset("host:s/10.0.0.5", public_key="two", ip="s/10.0.0.5").verdict("host:s/10.0.0.5", "pass")
    after.asset("host:s/10.0.0.6", public_key="one", ip="s/10.0.0.6").verdict("host:s/10.0.0.6", "fail")
    change = only(changes_of(tmp_path, before, after))
    assert (change.word, change.new_asset, change.by) == (Became.MOVED, "host:s/10.0.0.6", "public_key")


def test_a_device_that_took_the_address_of_one_that_nobody_can_name_mends_nothing_there(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/10.0.0.5", ip="s/10.0.0.5").verdict("host:s/10.0.0.5", "fail")
    before.asset("host:s/10.0.0.6", ip="s/10.0.0.6", mac="m").verdict("host:s/10.0.0.6", "pass")
    after = Audit(LATER).asset("network:s/n", "network")
    after.asset("host:s/10.0.0.5", ip="s/10.0.0.5", mac="m").verdict("host:s/10.0.0.5", "pass")
    changes = changes_of(tmp_path, before, after)
    assert (only(changes).word, only(changes).why, only(changes).new_asset) == (Became.NOT_JUDGED, "unclear", None)
    assert (changes.lost, changes.gained) == (0, 0)


@pytest.mark.parametrize("then", ["fail", "pass"])
@pytest.mark.parametrize("now", ["fail", "pass"])
def test_a_finding_of_a_stranger_at_an_address_that_a_device_left_is_new(tmp_path: Path, then: str, now: str) -> None:
    before = Audit(EARLIER).asset("host:s/10.0.0.5", ip="s/10.0.0.5", mac="m").verdict("host:s/10.0.0.5", then)
    after = Audit(LATER).asset("host:s/10.0.0.6", ip="s/10.0.0.6", mac="m").verdict("host:s/10.0.0.6", now)
    after.asset("host:s/10.0.0.5", ip="s/10.0.0.5").verdict("host:s/10.0.0.5", "fail")
    words = {(change.new_asset, change.word) for change in changes_of(tmp_path, before, after).changes}
    of_device = {"fail": {"fail": Became.MOVED, "pass": Became.FIXED}, "pass": {"fail": Became.REGRESSED, "pass": None}}[then][now]
    assert words == {("host:s/10.0.0.5", Became.NEW), *([("host:s/10.0.0.6", of_device)] if of_device else [])}


def test_behind_a_router_that_answers_for_all_no_device_is_gone(tmp_path: Path) -> None:
    before, after = Audit(EARLIER), Audit(LATER)
    for number in (5, 6):
        asset = f"host:s/10.0.0.{number}"
        before.asset(asset, ip=f"s/10.0.0.{number}", mac=f"m{number}").verdict(asset, "fail")
        after.asset(asset, ip=f"s/10.0.0.{number}", mac="router").verdict(asset, "inconclusive", "timeout")
    assert {change.word for change in changes_of(tmp_path, before, after).changes} == {Became.UNREACHABLE}


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        ([("address", "10.0.0.0/24")], Became.UNREACHABLE),
        ([("address", "10.0.0.4/32", "10.0.0.5/32")], Became.UNREACHABLE),
        ([("address", "10.0.1.0/24")], Became.NOT_JUDGED),
        ([("address", "10.0.0.0/24"), ("left_out", "10.0.0.5/32")], Became.NOT_JUDGED),
        ([], Became.NOT_JUDGED),
    ],
)
def test_a_device_gave_no_answer_only_where_its_address_was_asked(tmp_path: Path, seen: list[tuple[str, ...]], word: Became) -> None:
    before = Audit(EARLIER).asset("mac:/m", "host", mac="m", ip="s/10.0.0.5").verdict("mac:/m", "fail")
    after = Audit(LATER)
    for table, *ranges in seen:
        after.saw("network:s/n", table, *ranges)
    assert only(changes_of(tmp_path, before, after)).word is word


def test_an_identifier_that_two_assets_share_leads_nowhere(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a", public_key="aa").verdict("host:s/a", "fail")
    after = Audit(LATER).asset("host:s/b", public_key="aa").asset("host:s/c", public_key="aa").verdict("host:s/b", "pass")
    assert only(changes_of(tmp_path, before, after)).word is Became.NOT_JUDGED


def test_a_renewed_key_makes_no_other_device(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a", public_key="aa", ip="s/a").verdict("host:s/a", "fail")
    after = Audit(LATER).asset("host:s/a", public_key="bb", ip="s/a").verdict("host:s/a", "pass")
    assert only(changes_of(tmp_path, before, after)).word is Became.FIXED


@pytest.mark.parametrize(
    ("hub_read", "word"),
    [("whole", Became.GONE), ("in part", Became.NOT_JUDGED), ("not at all", Became.NOT_JUDGED), ("not given", Became.NOT_JUDGED)],
)
def test_an_identity_is_gone_only_where_its_whole_hub_was_read(tmp_path: Path, hub_read: str, word: Became) -> None:
    before = Audit(EARLIER).asset("hub:/north", "hub").verdict("identity:north/cam", "fail", subject="")
    after = Audit(LATER, unjudged=["hub:/north"] if hub_read == "not at all" else [])
    if hub_read != "not given":
        after.asset("hub:/north", "hub")
    if hub_read == "in part":
        after.verdict("hub:/north", "inconclusive", "partial", subject="")
    after.verdict("identity:north/other", "pass", subject="")
    assert only(changes_of(tmp_path, before, after)).word is word


LESSER = CVSS.replace("C:H/I:H/A:H", "C:L/I:N/A:N")


@pytest.mark.parametrize(
    ("then", "now", "verdict", "severity"),
    [
        (LESSER, None, "fail", Severity.CRITICAL),
        (None, LESSER, "fail", Severity.MEDIUM),
        (LESSER, None, "pass", Severity.MEDIUM),  # what was fixed is told as what it was
    ],
)
def test_what_is_still_wrong_is_as_severe_as_it_is_now(
    tmp_path: Path, then: str | None, now: str | None, verdict: str, severity: Severity
) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail", cvss=then)
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", verdict, cvss=now)
    assert only(changes_of(tmp_path, before, after)).severity is severity


def test_passes_that_were_lost_and_gained_are_counted(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "pass").verdict("host:s/a", "inconclusive", "timeout", check=BROKER)
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", "inconclusive", "timeout").verdict("host:s/a", "pass", check=BROKER)
    changes = changes_of(tmp_path, before, after)
    assert (changes.lost, changes.gained, changes.changes) == (1, 1, ())


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail").verdict("host:s/a", "fail", check=BROKER)
    after = Audit(LATER).asset("host:s/a").verdict("host:s/a", "pass").verdict("host:s/a", "fail", check=BROKER)
    changes = changes_of(tmp_path, before, after)
    changes.write(tmp_path)
    assert read_changes(tmp_path) == changes
    assert changes.severities == {Became.OPEN: {Severity.CRITICAL: 1}, Became.FIXED: {Severity.CRITICAL: 1}}
    assert read_changes(tmp_path / "old") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"rig": 1}', '{"rig": "t", "old": {"as_of": 3}}'])
def test_a_file_that_is_none_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "changes.json").write_text(text)
    with pytest.raises(InputError, match=r"changes\.json"):
        read_changes(tmp_path)


@pytest.mark.parametrize("file", ["ledger.parquet", "looked.parquet", "identity.parquet"])
@pytest.mark.parametrize("damage", ["cut short", "another table"])
def test_an_audit_with_a_damaged_file_is_refused_with_its_name(tmp_path: Path, file: str, damage: str) -> None:
    old, new = (Audit(moment).asset("host:s/a").verdict("host:s/a", "fail").write(tmp_path / f"{moment:%m}") for moment in (EARLIER, LATER))
    if damage == "cut short":
        (new / file).write_bytes((new / file).read_bytes()[:-20])
    else:
        pq.write_table(pa.table({"asset": pa.array([1.5, None])}), new / file)
    with pytest.raises(InputError, match=rf"{file}.*assess its bundles again"):
        compare(old, new)


@pytest.mark.parametrize(("network", "ranges"), [("network:s/n", "10.0.0.300/24"), ("network:n", "10.0.0.0/24")])
def test_an_audit_that_asked_in_networks_that_are_none_is_refused(tmp_path: Path, network: str, ranges: str) -> None:
    old, new = (Audit(moment).saw(network, "address", ranges).write(tmp_path / f"{moment:%m}") for moment in (EARLIER, LATER))
    with pytest.raises(InputError, match=r"looked\.parquet: cannot be read.*assess its bundles again"):
        compare(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"checks"', '"tests"'),
        ('"subjects"', '"about"'),
        ('"unjudged_sources"', '"unread"'),
        ("00Z", "00"),
        ('"sessions"', '"runs"'),
        ('"sessions": [{', '"sessions": [], "x": [{'),
        ('"kinds"', '"kind"'),
    ],
)
def test_an_assessment_of_another_form_is_refused(tmp_path: Path, old: str, new: str) -> None:
    before, after = (Audit(moment).asset("host:s/a").write(tmp_path / f"{moment:%m}") for moment in (EARLIER, LATER))
    text = (after / "assessment.json").read_text(encoding="utf-8")
    assert old in text
    (after / "assessment.json").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match="not of the form that this release reads"):
        compare(before, after)


def test_audits_of_two_rigs_or_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    old, new = Audit(EARLIER).write(tmp_path / "old"), Audit(LATER, rig="other").write(tmp_path / "new")
    with pytest.raises(InputError, match="one rig"):
        compare(old, new)
    with pytest.raises(InputError, match="earlier audit first"):
        compare(Audit(LATER).write(tmp_path / "late"), old)
    with pytest.raises(InputError, match="collected at an earlier time"):  # old evidence, judged anew
        compare(Audit(EARLIER).write(tmp_path / "old"), Audit(LATER, collected=EARLIER - timedelta(days=1)).write(tmp_path / "new"))
    (old / "identity.parquet").unlink()
    with pytest.raises(InputError, match="assess its bundles again"):
        compare(old, Audit(LATER).write(tmp_path / "new"))


def test_what_was_seen_earlier_and_judged_later_is_refused_with_a_remedy_that_helps(tmp_path: Path) -> None:
    rejudged = Audit(LATER, collected=EARLIER).write(tmp_path / "rejudged")
    late = Audit(EARLIER, collected=EARLIER + timedelta(days=1)).write(tmp_path / "late")
    for pair in ((rejudged, late), (late, rejudged)):  # neither order will do
        with pytest.raises(InputError, match=r"again as of 2026-11-01T00:00:00\+00:00 or later"):
            compare(*pair)
    mended = Audit(LATER, collected=EARLIER + timedelta(days=1)).write(tmp_path / "late")
    assert compare(rejudged, mended).new.as_of == LATER
    with pytest.raises(InputError, match="earlier audit first"):
        compare(mended, rejudged)


def test_findings_and_titles_are_named_as_in_the_audit(tmp_path: Path) -> None:
    before = Audit(EARLIER).asset("host:s/a").verdict("host:s/a", "fail")
    change = only(changes_of(tmp_path, before, Audit(LATER).asset("host:s/a").verdict("host:s/a", "fail")))
    assert (change.finding, change.title, change.asset_name) == (f"{TELNET}|host:s/a|tcp/23", "Shell without login", "the host:s/a")
