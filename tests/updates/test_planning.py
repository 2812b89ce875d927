"""Plans: who is in which wave, when, who is in none, and what must hold first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from plumbline.model.words import Criticality
from plumbline.rig.windows import Window
from plumbline.updates.exports import exports
from plumbline.updates.judging import State
from plumbline.updates.planning import Plan, Setting, plan
from plumbline.updates.reading import Device, Standing, Standings, StepRow
from plumbline.updates.targets import conditions

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)  # a Thursday
WEEKEND = Window(frozenset({5, 6}), 60, 300, ZoneInfo("UTC"))
LOW, MEDIUM, HIGH, CRITICAL = Criticality
STEP = StepRow(
    number=1,
    reason=None,
    product="northwind/cam-3",
    from_version="1.4.2",
    version="2.0.1",
    released_at=None,
    sha256="ab" * 32,
    sha512=None,
    size_bytes=None,
    url=None,
    name="northwind.cam-3",
    image=None,
    signed=None,
    startable=True,
    fits=True,
    hardware=None,
    rollback_ok=None,
    mends=("CVE-1",),
    leaves=(),
    opens=(),
)
STANDING = Standing(
    state=State.BEHIND,
    reason=None,
    words="runs 1.4.2",
    model=None,
    product="northwind/cam-3",
    device_class=None,
    installed="1.4.2",
    believed_by=None,
    conflict=None,
    conflict_words=None,
    latest="2.0.1",
    latest_at=None,
    behind=True,
    releases_behind=1,
    days_behind=1,
    retracted=None,
    unsupported=None,
    support_ends_at=None,
    vulnerable=None,
    advisories=None,
    exploited=None,
    fixed_in=None,
    remedies=None,
    served_as=None,
    catalogue_as_of=None,
)


def device(
    name: str,
    criticality: Criticality = MEDIUM,
    *,
    safety: bool = False,
    gateway: bool = False,
    state: State = State.BEHIND,
    exploited: tuple[str, ...] = (),
    steps: Sequence[StepRow] = (STEP,),
    identifiers: Sequence[tuple[str, str]] = (),
) -> Device:
    standing = replace(STANDING, state=state, exploited=exploited)
    return Device(f"declared:/{name}", name, criticality, safety, gateway, frozenset(identifiers), standing, tuple(steps))


def planned(*devices: Device, windows: tuple[Window, ...] | None = (), valid_until: datetime | None = None, wave_size: int = 50) -> Plan:
    measures = {State.VULNERABLE: ("Keep it apart.",)}
    return plan(Standings(True, NOW, devices), Setting("t", "digest", windows, valid_until, measures, wave_size), NOW)


def waves(found: Plan) -> list[tuple[str, bool, list[str]]]:
    return [(wave.ring, wave.gateways, [unit.name for unit in wave.units]) for wave in found.waves]


def test_gateways_go_first_then_a_canary_then_by_what_losing_them_means() -> None:
    found = planned(
        device("line", CRITICAL),
        device("hall", LOW),
        device("yard", LOW),
        device("gate", HIGH, exploited=("CVE-1",)),
        device("door", HIGH),
        device("boiler", LOW, safety=True),
        device("router", HIGH, gateway=True),
    )
    assert waves(found) == [
        ("canary", True, ["router"]),
        ("canary", False, ["hall"]),
        ("low", False, ["yard"]),
        ("high", False, ["gate", "door"]),
        ("critical", False, ["line"]),
        ("safety", False, ["boiler"]),
    ]


def test_each_product_and_target_has_a_canary_and_waves_are_no_larger_than_they_may_be() -> None:
    other = replace(STEP, product="northwind/old")
    found = planned(*(device(f"cam-{n}") for n in range(6)), device("old", steps=[other]), wave_size=2)
    assert waves(found) == [
        ("canary", False, ["cam-0", "old"]),
        ("medium", False, ["cam-1", "cam-2"]),
        ("medium", False, ["cam-3", "cam-4"]),
        ("medium", False, ["cam-5"]),
    ]


def test_waves_begin_when_a_window_opens_a_day_after_the_one_before() -> None:
    found = planned(*(device(f"cam-{n}") for n in range(4)), windows=(WEEKEND,), wave_size=1)
    assert [wave.starts_at for wave in found.waves] == [
        datetime(2026, *day, 1, tzinfo=UTC) for day in ((11, 28), (11, 29), (12, 5), (12, 6))
    ]
    assert all(
        wave.closes_at is not None and wave.closes_at - wave.starts_at == timedelta(hours=4) for wave in found.waves if wave.starts_at
    )


def test_notes_say_what_is_not_known() -> None:
    late = planned(device("a"), device("b"), windows=(WEEKEND,), valid_until=datetime(2026, 11, 29, tzinfo=UTC))
    assert "The authorisation ends on 2026-11-29" in late.notes[-1]
    assert "order and no times" in planned(device("a"), windows=None).notes[0]
    unknown = device("c", state=State.UNKNOWN, steps=())
    assert "1 of them" in planned(unknown).notes[0]
    assert not planned(unknown).waves


LEFT: dict[str, tuple[StepRow | None, str]] = {
    "nothing newer": (replace(STEP, number=0, reason="nothing_newer", version=None, from_version=None), "no newer release is known"),
    "no way there": (replace(STEP, number=0, reason="no_steps", version=None, from_version=None), "2.0.1 may not be installed from 1.4.2"),
    "it brings another": (replace(STEP, opens=("CVE-9",)), "the release must not be installed: it brings CVE-9"),
    "it would be refused": (replace(STEP, rollback_ok=False), "its anti-rollback counter is below"),
    "nobody knows any step": (None, "no newer release is known"),
}


@pytest.mark.parametrize(("step", "why"), LEFT.values(), ids=LEFT)
def test_who_cannot_be_helped_is_in_no_wave_and_has_measures(step: StepRow | None, why: str) -> None:
    found = planned(device("a", state=State.VULNERABLE, steps=[step] if step else []))
    assert not found.waves
    [left] = found.left
    assert why in left.why
    assert left.measures == ("Keep it apart.",)


def test_a_release_that_only_advisories_know_is_named() -> None:
    bare = device("a", state=State.VULNERABLE, steps=())
    [left] = planned(replace(bare, standing=replace(bare.standing, fixed_in="V3.2.7"))).left
    assert left.why == "the catalogue lists no newer release; advisories say that V3.2.7 mends what they are about"


def test_what_advisories_advise_comes_before_the_general_measures() -> None:
    bare = device("a", state=State.VULNERABLE, steps=())
    [left] = planned(replace(bare, standing=replace(bare.standing, remedies=("Turn UPnP off.",)))).left
    assert left.measures == ("an advisory says: Turn UPnP off.", "Keep it apart.")


def test_whose_claims_contradict_each_other_is_told() -> None:
    liar = device("a", state=State.UNKNOWN, steps=())
    liar = replace(liar, standing=replace(liar.standing, conflict=True, conflict_words="its page says 1, the twin says 2"))
    [left] = planned(liar, device("b", state=State.UNKNOWN, steps=())).left
    assert (left.name, left.why) == ("a", "its page says 1, the twin says 2")


def test_every_device_about_which_something_must_be_done_is_in_exactly_one_place() -> None:
    random = Random(7)
    steps = [[STEP], [replace(STEP, opens=("CVE-9",))], [replace(STEP, number=0, version=None, from_version=None, reason="no_steps")], []]
    devices = [
        device(
            f"d{n}",
            random.choice(list(Criticality)),
            safety=random.random() < 0.1,
            gateway=random.random() < 0.1,
            state=random.choice(list(State)),
            steps=random.choice(steps),
        )
        for n in range(400)
    ]
    found = planned(*devices, wave_size=7)
    placed = [unit.asset for wave in found.waves for unit in wave.units] + [left.asset for left in found.left]
    assert sorted(placed) == sorted(one.asset for one in devices if one.standing.state.bad)
    last_gateway = max(wave.number for wave in found.waves if wave.gateways)
    assert all(wave.number > last_gateway for wave in found.waves if not wave.gateways)


CONDITIONS: dict[str, tuple[StepRow, str, bool | None, str]] = {
    "a digest": (STEP, "digest", True, "SHA-256 abab"),
    "no digest": (replace(STEP, sha256=None), "digest", None, "nobody gives a digest"),
    "an unsigned image": (
        replace(STEP, image="new.bin", signed=False),
        "signature",
        False,
        "new.bin, which has its digest, carries no signature",
    ),
    "no image": (STEP, "signature", None, "nobody looked"),
    "some hardware": (replace(STEP, fits=None, hardware=("A", "B")), "hardware", None, "it is for hardware A, B"),
    "a start that cannot be compared": (
        replace(STEP, startable=None),
        "start",
        None,
        "nothing tells whether it may be installed from 1.4.2",
    ),
    "what it leaves": (replace(STEP, leaves=("CVE-2",)), "mends", False, "it mends CVE-1, and leaves CVE-2"),
    "no feed": (replace(STEP, mends=None), "opens", None, "no fresh feed"),
    "power": (STEP, "power", None, "a battery must be charged"),
}


@pytest.mark.parametrize(("step", "name", "held", "words"), CONDITIONS.values(), ids=CONDITIONS)
def test_what_must_hold_is_said_and_what_is_unknown_too(step: StepRow, name: str, held: bool | None, words: str) -> None:
    [found] = [condition for condition in conditions(step) if condition.name == name]
    assert found.held is held
    assert words in found.words


def test_exports_name_the_devices_as_the_service_does() -> None:
    second = replace(STEP, number=2, from_version="2.0.1", version="3.0.0")
    known = device("a", steps=[STEP, second], identifiers=[("hub_device_id", "cam-0001"), ("hawkbit", 'odd"id')])
    files = {export.path: export.document for export in exports(planned(known, device("stranger"), windows=(WEEKEND,)))}
    assert sorted(files) == ["device-update/wave-1-1.json", "device-update/wave-1-2.json", "hawkbit/wave-1-1.json", "hawkbit/wave-1-2.json"]
    body = files["device-update/wave-1-1.json"]["body"]
    assert body == {
        "deploymentId": "plumbline-20261126-wave-1-1",
        "groupId": "plumbline-20261126-wave-1",
        "startDateTime": "2026-11-28T01:00:00Z",
        "update": {"updateId": {"provider": "northwind", "name": "cam-3", "version": "2.0.1"}},
    }
    assert all("the anti-rollback counters are not known: there may be no way back" in file["unsettled"] for file in files.values())
    assert files["device-update/wave-1-2.json"]["before"].endswith("; verify step 1")
    assert files["hawkbit/wave-1-1.json"]["body"]["targetFilterQuery"] == r'controllerId=in=("odd\"id")'


def test_an_update_whose_name_has_more_dots_is_not_exported() -> None:
    odd = device("a", steps=[replace(STEP, name="a.b.c")], identifiers=[("hub_device_id", "x")])
    assert list(exports(planned(odd))) == []
