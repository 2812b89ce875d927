"""Each state of a device, each reason for none, and who is believed: a whole rig, judged once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plumbline.updates.judging import Reason, State
from tests.assess.making import Row
from tests.updates.making import DAY, NOW, catalogue, derived, device, feed, judged

OWN = """
[[product]]
vendor = "Northwind"
model = "Cam-3"
[[release]]
product = "northwind/cam-3"
version = "1.4.2"
released_at = 2026-06-01
[[release]]
product = "northwind/cam-3"
version = "1.4.9"
released_at = 2026-07-01
state = "retracted"
[[release]]
product = "northwind/cam-3"
version = "1.5.0"
released_at = 2026-08-13
fixes = ["CVE-2026-0001"]
[[release]]
product = "northwind/cam-3"
version = "2.0.1"
released_at = 2026-09-01
[[release]]
product = "northwind/cam-3"
version = "2.1.0"
released_at = 2026-12-24
[[release]]
product = "northwind/cam-3"
version = "2.1.0-rc1"
released_at = 2026-10-01
channel = "beta"
[[product]]
vendor = "Northwind"
model = "Old"
[[release]]
product = "northwind/old"
version = "3.0"
[[support]]
product = "northwind/old"
security_ends_at = 2025-12-31
[[product]]
vendor = "Northwind"
model = "Bare"
[[product]]
vendor = "Northwind"
model = "Rev"
[[release]]
product = "northwind/rev"
version = "1.0"
hardware = ["A"]
[[release]]
product = "northwind/rev"
version = "1.1"
hardware = ["B"]
[[product]]
vendor = "Northwind"
model = "Same"
[[product]]
vendor = "Contoso"
model = "Same"
"""
STALE = """
as_of = 2026-01-01
[[product]]
vendor = "Northwind"
model = "Unread"
[[release]]
product = "northwind/unread"
version = "1.0"
"""
IMAGE: Row = ("image", "image:/cam.bin", "", {"path": "cam.bin", "model": "northwind/cam-3", "os_version": "1.4.2"})

Expected = Mapping[str, Any]
CASES: dict[str, tuple[list[Row], State, Reason | None, Expected]] = {
    "newest": (
        device("newest", "northwind/cam-3", page="2.0.1"),
        State.CURRENT,
        None,
        {"behind": False, "latest": "2.0.1", "vulnerable": False},
    ),
    "older": (
        device("older", "northwind/cam-3", page="1.5.0"),
        State.BEHIND,
        None,
        {"releases_behind": 1, "days_behind": 81, "latest": "2.0.1", "retracted": False, "vulnerable": False, "installed": "1.5.0"},
    ),
    "exploited": (
        device("exploited", "northwind/cam-3", page="1.4.2"),
        State.VULNERABLE,
        None,
        {
            "behind": True,
            "releases_behind": 2,
            "advisories": ["CVE-2026-0001"],
            "exploited": ["CVE-2026-0001"],
            "fixed_in": "1.5.0",
            "remedies": ["Update."],
            "cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        },
    ),
    "taken-back": (device("taken-back", "northwind/cam-3", page="1.4.9"), State.RETRACTED, None, {"retracted": True, "behind": True}),
    "ended": (device("ended", "northwind/old", page="3.0"), State.UNSUPPORTED, None, {"behind": False, "vulnerable": None}),
    "ended-silent": (device("ended-silent", "northwind/old"), State.UNSUPPORTED, None, {"installed": None, "behind": None}),
    "beta": (device("beta", "northwind/cam-3", page="2.1.0-rc1"), State.CURRENT, None, {"latest": "2.1.0-rc1"}),
    "in-between": (device("in-between", "northwind/cam-3", page="1.9"), State.BEHIND, None, {"releases_behind": 1, "retracted": None}),
    "nameless": (device("nameless", page="1.0"), State.UNKNOWN, Reason.NO_MODEL, {"installed": "1.0"}),
    "unheard-of": (device("unheard-of", "ghost/cam", page="1.0"), State.UNKNOWN, Reason.PRODUCT_UNKNOWN, {"model": "ghost/cam"}),
    "either": (device("either", page="1.0", page_model="Same"), State.UNKNOWN, Reason.PRODUCT_AMBIGUOUS, {}),
    "silent": (device("silent", "northwind/cam-3"), State.UNKNOWN, Reason.NO_VERSION, {"latest": "2.0.1", "behind": None}),
    "bare": (device("bare", "northwind/bare", page="1.0"), State.UNKNOWN, Reason.NO_RELEASES, {"product": "northwind/bare"}),
    "stale": (device("stale", "northwind/unread", page="1.0"), State.UNKNOWN, Reason.STALE, {"behind": None}),
    "words": (device("words", "northwind/cam-3", page="blue"), State.UNKNOWN, Reason.NOT_COMPARABLE, {"vulnerable": None}),
    "newer": (device("newer", "northwind/cam-3", page="3.0"), State.UNKNOWN, Reason.NEWER, {"behind": None}),
    "revision": (device("revision", "northwind/rev", page="1.0"), State.UNKNOWN, Reason.HARDWARE, {"behind": None}),
    "liar": (
        device("liar", "northwind/cam-3", page="1.5.0", twin="2.0.1"),
        State.UNKNOWN,
        Reason.DISAGREE,
        {"conflict": True, "conflict_words": "its web page says 1.5.0, the hub's twin says 2.0.1", "installed": "1.5.0 or 2.0.1"},
    ),
    "liar-behind": (
        device("liar-behind", "northwind/cam-3", page="1.4.2", twin="1.5.0"),
        State.BEHIND,
        None,
        {"conflict": True, "vulnerable": None, "releases_behind": 1, "advisories": []},
    ),
    "of-one-mind": (
        device("of-one-mind", "northwind/cam-3", page="v2.0.1", twin="2.0.1"),
        State.CURRENT,
        None,
        {"conflict": False, "claims": 2},
    ),
    "from-inside": (
        [
            *device("from-inside", "northwind/cam-3", page="2.0.1"),
            ("system", "declared:s/from-inside", "", {"vendor": "Northwind", "model": "Cam-3", "firmware": "1.5.0"}),
        ],
        State.BEHIND,
        None,
        {"conflict": True, "installed": "1.5.0", "believed_by": "host_evidence"},
    ),
    "by-its-package": (
        [
            *device("by-its-package", "northwind/cam-3"),
            ("system", "declared:s/by-its-package", "", {"source": "hostkit", "seen_at": NOW - DAY}),
            ("component", "declared:s/by-its-package", "component/cam-3", {"name": "cam-3", "version": "1:1.5.0-2", "manager": "dpkg"}),
        ],
        State.BEHIND,
        None,
        {"installed": "1.5.0", "believed_by": "host_evidence"},
    ),
    "on-a-computer": (
        [
            *device("on-a-computer", "northwind/cam-3", page="2.0.1"),
            ("system", "declared:s/on-a-computer", "", {"vendor": "Contoso", "model": "Box", "firmware": "F12"}),
        ],
        State.CURRENT,
        None,
        {"conflict": None, "claims": 1},
    ),
    "by-its-own-word": (
        device("by-its-own-word", page="1.5.0", page_model="Northwind/Cam-3"),
        State.BEHIND,
        None,
        {"product": "northwind/cam-3"},
    ),
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("currency")
    store = catalogue(folder, own=OWN, stale=STALE)
    said = {
        "vulnerability": "CVE-2026-0001",
        "vendor": "northwind",
        "product": "cam-3",
        "upper": "1.5.0",
        "fixed_in": "1.5.0",
        "remedy": "Update.",
    }
    feed(store, [said], exploited=["CVE-2026-0001"])
    judged(folder, [row for rows, *_ in CASES.values() for row in rows], store)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_what_is_made_of_a_device(rig: Path, name: str) -> None:
    [found] = [row for row in derived(rig, "currency") if row["entity"] == f"declared:s/{name}"]
    _, state, reason, expected = CASES[name]
    assert (found["state"], found["reason"]) == (state.value, reason.value if reason else None)
    assert {column: found[column] for column in expected} == expected
    assert found["words"]


def test_every_device_has_one_row_and_each_state_and_reason_a_case(rig: Path) -> None:
    rows = derived(rig, "currency")
    assert len(rows) == len(CASES)
    assert {row["state"] for row in rows} == set(State)
    assert {row["reason"] for row in rows} - {None} == set(Reason) - {Reason.IMAGE_ONLY, Reason.ORDER, Reason.NOT_JUDGED, Reason.REFUSED}


def test_words_say_it(rig: Path) -> None:
    words = {row["entity"].partition("/")[2]: row["words"] for row in derived(rig, "currency")}
    assert words["newest"] == "runs 2.0.1, the newest release"
    newer = "2.0.1 is the newest release, and something newer has been out for"
    assert words["exploited"] == f"runs 1.4.2, which has 1 known vulnerability (1 exploited), mended in 1.5.0; {newer} 100 days"
    assert (
        words["taken-back"]
        == f"runs 1.4.9, which its maker took back, which has 1 known vulnerability (1 exploited), mended in 1.5.0; {newer} 100 days"
    )
    assert words["ended"] == "runs 3.0, whose support ended on 2025-12-31"
    assert words["ended-silent"] == "runs a version that nobody says, whose support ended on 2025-12-31"
    assert words["silent"] == "nothing says which version it runs"


def test_claims_are_kept_with_the_rows_that_say_them(rig: Path) -> None:
    claims = [row for row in derived(rig, "version_claim") if row["entity"] == "declared:s/liar"]
    assert [(row["subject"], row["version"], row["method"], row["counts"]) for row in claims] == [
        ("claim/declared", None, "declared", False),
        ("claim/twin/liar", "2.0.1", "own_word", True),
        ("claim/web_page/tcp/80", "1.5.0", "own_word", True),
    ]
    assert all(row["sources"] for row in claims)


def test_steps_lead_to_the_newest_release_or_say_why_none_does(rig: Path) -> None:
    steps = {row["entity"].partition("/")[2]: row for row in derived(rig, "update_step")}
    assert (steps["exploited"]["from_version"], steps["exploited"]["version"], steps["exploited"]["number"]) == ("1.4.2", "2.0.1", 1)
    assert (steps["exploited"]["mends"], steps["exploited"]["opens"]) == (["CVE-2026-0001"], [])
    assert (steps["ended"]["version"], steps["ended"]["reason"]) == (None, "nothing_newer")
    assert steps["liar-behind"]["reason"] == "several_versions"
    assert not steps.keys() & {"newest", "silent", "liar"}


def test_a_supplied_image_of_the_target_is_named(tmp_path: Path) -> None:
    own = OWN.replace('version = "2.0.1"', f'version = "2.0.1"\nsha256 = "{"ab" * 32}"')
    image: Row = ("image", "image:/new.bin", "", {"path": "new.bin", "sha256": "ab" * 32})
    signature: Row = ("image_signature", "image:/new.bin", "", {"scheme": "fit"})
    judged(tmp_path, [*device("a", "northwind/cam-3", page="1.4.2"), image, signature], catalogue(tmp_path, own=own))
    [step] = derived(tmp_path, "update_step")
    assert (step["sha256"], step["image"], step["signed"]) == ("ab" * 32, "new.bin", True)


def test_an_image_says_nothing_of_the_device(tmp_path: Path) -> None:
    store = catalogue(tmp_path, own=OWN)
    judged(tmp_path, [*device("a", "northwind/cam-3"), IMAGE], store)
    [row] = derived(tmp_path, "currency")
    assert (row["state"], row["reason"], row["installed"], row["behind"]) == ("unknown", "image_only", "1.4.2", None)


@pytest.mark.parametrize("backwards", [False, True], ids=["as given", "the other way round"])
def test_of_parts_that_lie_equally_deep_the_first_by_name_says_the_version(tmp_path: Path, backwards: bool) -> None:
    image: Row = ("image", "image:/cam.bin", "", {"path": "cam.bin", "model": "northwind/cam-3"})
    parts: list[Row] = [
        ("image_part", "image:/cam.bin", path, {"path": path, "version": version}) for path, version in (("b", "2.0.1"), ("a", "1.4.2"))
    ]
    judged(tmp_path, [*device("a", "northwind/cam-3"), image, *(reversed(parts) if backwards else parts)], catalogue(tmp_path, own=OWN))
    assert [row["installed"] for row in derived(tmp_path, "currency")] == ["1.4.2"]


def test_without_a_catalogue_nothing_is_derived(tmp_path: Path) -> None:
    judged(tmp_path, device("a", "northwind/cam-3", page="1.0"), None)
    assert derived(tmp_path, "currency") == derived(tmp_path, "version_claim") == []


AGES = {"fresh": (timedelta(), "current", False), "a month later": (31 * DAY, "unknown", None)}


@pytest.mark.parametrize(("later", "state", "vulnerable"), AGES.values(), ids=AGES)
def test_old_reference_data_never_says_that_all_is_well(tmp_path: Path, later: timedelta, state: str, vulnerable: bool | None) -> None:
    store = catalogue(tmp_path, own=OWN)
    feed(store, [{"vulnerability": "CVE-1", "vendor": "northwind", "product": "cam-3", "upper": "1.0"}])
    judged(tmp_path, device("a", "northwind/cam-3", page="2.0.1"), store, as_of=NOW + later)
    [row] = derived(tmp_path, "currency")
    assert (row["state"], row["vulnerable"]) == (state, vulnerable)


HARDWARE: dict[str, tuple[str, bool | None]] = {
    "the device itself, as NVD writes it": ("cpe:2.3:h:northwind:cam-3:-:*:*:*:*:*:*:*", True),
    "the device itself, by its key": ("h:northwind:cam-3", True),
    "the device itself, by vendor and model": ("Northwind Cam-3", True),
    "one revision of it": ("cpe:2.3:h:northwind:cam-3:b2:*:*:*:*:*:*:*", None),
    "another": ("cpe:2.3:h:northwind:cam-4:-:*:*:*:*:*:*:*", None),
}


@pytest.mark.parametrize(("hardware", "vulnerable"), HARDWARE.values(), ids=HARDWARE)
def test_what_runs_on_certain_hardware_is_in_the_device_that_is_that(tmp_path: Path, hardware: str, vulnerable: bool | None) -> None:
    store = catalogue(tmp_path, own=OWN)
    feed(store, [{"vulnerability": "CVE-1", "vendor": "northwind", "product": "cam-3", "upper": "3.0", "hardware": [hardware]}])
    judged(tmp_path, device("a", "northwind/cam-3", page="2.0.1"), store)
    assert [row["vulnerable"] for row in derived(tmp_path, "currency")] == [vulnerable]


def test_the_fresh_advisory_of_another_vendor_does_not_say_that_all_is_well(tmp_path: Path) -> None:
    store = catalogue(tmp_path, own=OWN)
    long_ago = NOW - 60 * DAY
    feed(store, [{"vulnerability": "CVE-1", "vendor": "northwind", "product": "cam-3", "upper": "1.0"}], read_at=long_ago)
    feed(store, [{"vulnerability": "CVE-2", "vendor": "other", "product": "thing", "upper": "1.0"}], source="other")
    judged(tmp_path, device("a", "northwind/cam-3", page="2.0.1"), store)
    [row] = derived(tmp_path, "currency")
    assert (row["state"], row["vulnerable"]) == ("current", None)


def test_where_a_release_was_refused_nothing_is_known_to_be_the_newest(tmp_path: Path) -> None:
    own = OWN.replace('version = "2.0.1"', 'version = "2.0.1"\nsha256 = "odd"')
    rows = [*device("a", "northwind/cam-3", page="1.5.0"), *device("b", "northwind/cam-3", page="1.4.2")]
    judged(tmp_path, rows, catalogue(tmp_path, own=own))
    assert [(row["state"], row["reason"]) for row in derived(tmp_path, "currency")] == [
        ("unknown", "catalogue_refused"), ("behind", None),
    ]  # fmt: skip


def test_what_an_old_twin_says_does_not_contradict(tmp_path: Path) -> None:
    rows = device("a", "northwind/cam-3", page="2.0.1", twin="1.5.0")
    rows = [(t, e, s, {**c, "last_activity_at": NOW - 30 * DAY} if t == "hub_twin" else c) for t, e, s, c in rows]
    judged(tmp_path, rows, catalogue(tmp_path, own=OWN))
    [row] = derived(tmp_path, "currency")
    assert (row["state"], row["conflict"]) == ("current", None)


def test_an_update_service_is_one_more_claim(tmp_path: Path) -> None:
    served: Row = (
        "update_service_device",
        "rig:/t",
        "export.json/device/a",
        {"service": "hawkbit", "device_id": "a", "installed": "2.0.1", "reported": "1.4.2", "status": "in_sync", "compliant": True},
    )
    stranger: Row = (
        "update_service_device",
        "rig:/t",
        "export.json/device/z",
        {"service": "hawkbit", "device_id": "z", "installed": "1.0"},
    )
    judged(tmp_path, [*device("a", "northwind/cam-3", page="1.4.2"), served, stranger], catalogue(tmp_path, own=OWN))
    [row] = derived(tmp_path, "currency")
    assert (row["installed"], row["behind"], row["conflict"], row["served_as"]) == ("1.4.2", True, True, ["hawkbit/a"])
    assert row["conflict_words"] == "what it told the update service and its web page say 1.4.2, the update service says 2.0.1"


def test_a_population_is_bounded_by_the_devices_of_its_model(tmp_path: Path) -> None:
    rows = [row for n in range(10) for row in device(f"cam-{n}", "Northwind/Cam-3", page="2.0.1")]
    rows.append(("population", "rig:/t", "model/northwind/cam-3", {"model": "northwind/cam-3", "size": 200, "random": True}))
    judged(tmp_path, rows, catalogue(tmp_path, own=OWN))
    [row] = derived(tmp_path, "population_bound")
    assert (row["seen"], row["examined"], row["failed"], row["at_least"], row["at_most"]) == (10, 10, 0, 0, 50)
    assert row["words"].startswith("northwind/cam-3: 0 of 10 seen of 200 are out of date")
    assert len(row["sources"]) == 1
