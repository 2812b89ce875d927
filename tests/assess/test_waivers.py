"""Waivers and reviews as files: what stands, what is refused and how it is said, and whom each means."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plumbline.assess.overlay_files import ENTRIES_MAX, load_reviews, load_waivers
from plumbline.assess.reviews import Action
from plumbline.assess.scope import Scope, State, state_at
from plumbline.assess.waivers import DAYS_MAX
from plumbline.evidence.engine import connect
from plumbline.model.errors import InputError
from plumbline.model.words import Severity

WAIVER = """
[[waiver]]
id = "w-1"
check = "gateway.*"
asset = "dock-*"
owner = "Head of operations"
reason = "Replaced in spring."
from = 2026-11-01
until = 2027-03-31
"""
REVIEW = """
[[review]]
finding = "device.telnet_service|host:s/10.0.0.9|tcp/23"
action = "false_positive"
who = "A. Smith"
why = "A honeypot of ours."
until = 2027-05-31
"""


@pytest.fixture
def waivers(tmp_path: Path) -> Callable[[str], Any]:
    def load(text: str) -> Any:
        (tmp_path / "waivers.toml").write_text(text, encoding="utf-8")
        return load_waivers(tmp_path / "waivers.toml")

    return load


@pytest.fixture
def reviews(tmp_path: Path) -> Callable[[str], Any]:
    def load(text: str) -> Any:
        (tmp_path / "review.toml").write_text(text, encoding="utf-8")
        return load_reviews(tmp_path / "review.toml")

    return load


def test_a_waiver(waivers: Callable[[str], Any]) -> None:
    [one] = waivers(WAIVER)
    assert (one.id, one.owner, one.scope) == ("w-1", "Head of operations", Scope("gateway.*", "dock-*", "*"))
    assert (one.begins, one.until) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC))


def test_a_file_without_entries_waives_nothing(waivers: Callable[[str], Any], reviews: Callable[[str], Any]) -> None:
    assert waivers("") == reviews("# nothing yet\n") == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("without an owner", 'owner = "Head of operations"\n', "", "waivers.toml:2: waiver[0].owner: is missing"),
        ("an empty owner", '"Head of operations"', '" "', "waivers.toml:6: waiver[0].owner: wants 1 to 200 printable"),
        ("without a reason", 'reason = "Replaced in spring."\n', "", "waiver[0].reason: is missing"),
        ("an empty reason", '"Replaced in spring."', '""', "waiver[0].reason: wants 1 to 1000"),
        ("without an end", "until = 2027-03-31\n", "", "waiver[0].until: is missing"),
        ("without a beginning", "from = 2026-11-01\n", "", "waiver[0].from: is missing"),
        ("ends before it begins", "2027-03-31", "2026-10-01", "waivers.toml:9: waiver[0].until: ends before it begins"),
        ("a day too long", "2027-03-31", "2027-12-07", f"lasts longer than {DAYS_MAX} days"),
        ("a time without an offset", "2027-03-31", "2027-03-31T00:00:00", "has no offset from UTC"),
        ("a date as text", "2027-03-31", '"2027-03-31"', "waiver[0].until"),
        ("a year that cannot be", "2027-03-31", "9999-12-31", "is not a date with a time"),
        ("no check", 'check = "gateway.*"\n', "", "waiver[0].check: is missing"),
        ("every finding", 'check = "gateway.*"\nasset = "dock-*"', 'check = "*"', "means every finding of the rig"),
        (
            "every check, said otherwise",
            'check = "gateway.*"\nasset = "dock-*"',
            'check = "*.*"\nasset = "*:*/*"',
            "means every finding of the rig",
        ),
        ("every check, by what is in all ids", 'check = "gateway.*"\nasset = "dock-*"', 'check = "*_*"', "means every finding of the rig"),
        ("every layer, by a letter", 'check = "gateway.*"\nasset = "dock-*"', 'check = "*e*"', "means every finding of the rig"),
        ("an unknown key", 'asset = "', 'assets = "', "did you mean 'asset'?"),
        ("an unknown table", "[[waiver]]", "[[waivers]]", "a file of this kind holds [[waiver]]"),
        ("one table", "[[waiver]]", "[waiver]", "write [[waiver]], with two brackets"),
        ("no TOML", "[[waiver]]", "[[waiver", "waivers.toml:2: is not TOML"),
        ("control characters", '"dock-*"', '"dock\\u001b*"', "waiver[0].asset"),
    ],
)
def test_a_waiver_that_cannot_stand(waivers: Callable[[str], Any], name: str, old: str, new: str, words: str) -> None:
    assert old in WAIVER
    with pytest.raises(InputError) as caught:
        waivers(WAIVER.replace(old, new))
    assert words in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once(waivers: Callable[[str], Any]) -> None:
    with pytest.raises(InputError) as caught:
        waivers(WAIVER + WAIVER.replace("2027-03-31", "2020-01-01"))
    assert str(caught.value).splitlines() == [
        "waivers.toml:12: waiver[1].id: 'w-1' stands twice (give each waiver its own id)",
        "waivers.toml:18: waiver[1].until: ends before it begins (correct one of the two)",
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path, waivers: Callable[[str], Any]) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_waivers(tmp_path / "none.toml")
    with pytest.raises(InputError, match=f"at most {ENTRIES_MAX}"):
        waivers("[[waiver]]\n" * (ENTRIES_MAX + 1))
    (tmp_path / "w.toml").write_bytes(b"\xff")
    with pytest.raises(InputError, match="is not UTF-8"):
        load_waivers(tmp_path / "w.toml")


def test_reviews_of_each_kind(reviews: Callable[[str], Any]) -> None:
    more = """
[[review]]
check = "gateway.*"
subject = ""
action = "rate"
severity = "low"
who = "B. Jones"
why = "The port is closed at the switch."
until = 2027-05-31T12:00:00+02:00
[[review]]
check = "cloud.stale_device_enabled"
action = "confirm"
who = "B. Jones"
why = "Seen."
"""
    false, rated, confirmed = reviews(REVIEW + more)
    assert (false.action, false.scope.finding) == (Action.FALSE_POSITIVE, "device.telnet_service|host:s/10.0.0.9|tcp/23")
    assert (rated.action, rated.severity, rated.scope) == (Action.RATE, Severity.LOW, Scope("gateway.*", "*", ""))
    assert rated.until == datetime(2027, 5, 31, 10, tzinfo=UTC)
    assert (confirmed.number, confirmed.until) == (3, None)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("nobody says it", 'who = "A. Smith"\n', "", "review[0].who: is missing"),
        ("no reason", 'why = "A honeypot of ours."\n', "", "review[0].why: is missing"),
        ("without an end", "until = 2027-05-31\n", "", "say when it is to be looked at again"),
        ("an unknown action", '"false_positive"', '"ignore"', "choose from confirm, false_positive, rate"),
        ("an action that is no text", '"false_positive"', '["rate"]', "is no action"),
        ("a rating without a severity", '"false_positive"', '"rate"', "belongs to the action 'rate'"),
        ("a severity without a rating", "until", 'severity = "low"\nuntil', "belongs to the action 'rate'"),
        ("an unknown severity", 'action = "false_positive"', 'action = "rate"\nseverity = "mild"', "is no severity"),
        ("no finding's id", "|host:s/10.0.0.9|tcp/23", "", "is no finding's id"),
        ("an id and patterns", "action", 'asset = "x"\naction', "wants either a finding's id or patterns"),
        ("nothing meant", 'finding = "device.telnet_service|host:s/10.0.0.9|tcp/23"\n', "", "wants either a finding's id or patterns"),
        ("every check, said otherwise", 'finding = "device.telnet_service|host:s/10.0.0.9|tcp/23"', 'check = "**.*"', "wants a check"),
        ("every layer, by a letter", 'finding = "device.telnet_service|host:s/10.0.0.9|tcp/23"', 'check = "*e*"', "wants a check"),
        ("every check", 'finding = "device.telnet_service|host:s/10.0.0.9|tcp/23"', 'check = "*"\nasset = "x"', "wants a check"),
    ],
)
def test_a_review_that_cannot_stand(reviews: Callable[[str], Any], name: str, old: str, new: str, words: str) -> None:
    assert old in REVIEW
    with pytest.raises(InputError) as caught:
        reviews(REVIEW.replace(old, new))
    assert words in str(caught.value)


def test_a_review_takes_no_weight_from_a_finding_for_ever(tmp_path: Path) -> None:
    path, as_of = tmp_path / "review.toml", datetime(2026, 11, 21, tzinfo=UTC)
    path.write_text(REVIEW.replace("2027-05-31", "2199-12-31"), encoding="utf-8")
    with pytest.raises(InputError, match=r"review\[0\]\.until: is more than 1100 days after what is judged"):
        load_reviews(path, as_of)
    path.write_text(REVIEW.replace("2027-05-31", "2029-11-25"), encoding="utf-8")
    assert load_reviews(path, as_of)
    path.write_text(REVIEW.replace('"false_positive"', '"confirm"').replace("2027-05-31", "2199-12-31"), encoding="utf-8")
    assert load_reviews(path, as_of), "a confirmation takes no weight"


BEGIN, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "as_of", "begins", "until", "expected"),
    [
        ("a moment before", BEGIN - timedelta(microseconds=1), BEGIN, END, State.NOT_YET),
        ("at its beginning", BEGIN, BEGIN, END, State.ACTIVE),
        ("within its last second", END + timedelta(microseconds=999_999), BEGIN, END, State.ACTIVE),
        ("a second after", END + timedelta(seconds=1), BEGIN, END, State.ENDED),
        ("without a beginning", datetime(2000, 1, 1, tzinfo=UTC), None, END, State.ACTIVE),
        ("without an end", datetime(2199, 1, 1, tzinfo=UTC), BEGIN, None, State.ACTIVE),
    ],
)
def test_its_state(name: str, as_of: datetime, begins: datetime | None, until: datetime | None, expected: State) -> None:
    assert state_at(as_of, begins, until) is expected


EVERYTHING = string.printable + "\u00e9\U0001f600"
FINDINGS = [
    ("gateway.broker", "declared:s/dock-cam-1", "tcp/1883"),
    ("gateway.broker", "declared:s/dock-cam-1", ""),
    ("gateway.broker", "host:s/10.0.0.5", "tcp/1883"),
    ("gateway.broker", "identity:hub/a/b", "module/x"),
    ("device.telnet", "host:s/dock|cam", "a|b"),
    ("device.telnet", "no-slash", "line\nfeed"),
    ("device.telnet", f"host:s/{EVERYTHING}", EVERYTHING),
]


@pytest.mark.parametrize(
    ("name", "scope", "meant"),
    [
        ("a check", Scope("gateway.broker"), {0, 1, 2, 3}),
        ("a pattern of checks", Scope("*.tel*"), {4, 5, 6}),
        ("by the declared id", Scope("gateway.broker", "dock-cam-1"), {0, 1}),
        ("by the whole id", Scope("gateway.broker", "declared:s/dock-cam-1"), {0, 1}),
        ("by a part of it, nothing", Scope("gateway.broker", "dock-cam"), set()),
        ("a pattern of assets", Scope("*", "dock*"), {0, 1, 4}),
        ("a point is a point", Scope("*", "10x0x0x5"), set()),
        ("a question mark is itself", Scope("*", "10.0.0.?"), set()),
        ("the whole asset", Scope("gateway.broker", "*", ""), {1}),
        ("a subject", Scope("*", "*", "tcp/*"), {0, 2}),
        ("by its id", Scope(finding="device.telnet|host:s/dock|cam|a|b"), {4}),
        ("a line feed is text too", Scope("*", "*", "line*"), {5}),
        ("any text means itself", Scope("*", f"*{EVERYTHING.replace('*', '')[:40]}*", EVERYTHING), {6}),
        ("a key with a slash", Scope("*", "a/b"), {3}),
        ("ends that would share text", Scope("*", "dock-cam-1*cam-1"), set()),
        ("stars without end", Scope("*", "*a" * 150), set()),
    ],
)
def test_whom_it_means_in_python_and_in_sql(name: str, scope: Scope, meant: set[int]) -> None:
    assert {n for n, finding in enumerate(FINDINGS) if scope.has(*finding)} == meant
    connection = connect(threads=1)
    found = set()
    for n, (check, asset, subject) in enumerate(FINDINGS):
        if scope.has_check(check):
            row = "select $asset as asset, $subject as subject"
            [[meant_too]] = connection.execute(f"select {scope.sql(check)} from ({row})", {"asset": asset, "subject": subject}).fetchall()
            found |= {n} if meant_too else set()
    assert found == meant
