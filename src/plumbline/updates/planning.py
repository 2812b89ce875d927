"""In which order the devices of a rig are brought to the newest release, and what stops that.

    Plan        waves, one after the other, and the devices that are in none
    Wave        devices of one ring that may be updated side by side; every device that can be updated is in exactly one
    Left        a device about whose firmware something must be done, and that no release helps; or whose claims contradict each other

| waves, in this order | ring |
|---|---|
| gateways first, since the devices behind them are reached through them; then the others; of either | |
| one device of each product and target that can best be missed, and on which no safety depends | canary |
| the others by what losing them would mean | low, medium, high, critical |
| at last those on which safety depends: somebody stands beside them | safety |

Within a wave what is exploited goes first. Pure: the time is given. Rules: each wave begins in a window, a day or more after the one before
began; nothing is installed by this program; where equally independent claims disagree a device is in no wave, because nobody can say from
where it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from plumbline.model.words import Criticality
from plumbline.rig.windows import Window, closing, next_opening
from plumbline.updates.judging import State
from plumbline.updates.reading import Device, Standing, Standings, StepRow
from plumbline.updates.route import NoRoute
from plumbline.updates.targets import Condition, conditions

WAVE_SIZE = 50
WATCHED_FOR = timedelta(days=1)
STOP_RULES = (
    "A canary that fails, stays away for more than 30 minutes or shows another version than its target stops the plan.",
    "Three devices of a wave, or 2 % of it, that fail or stay away stop the wave and the plan.",
    "A wave begins when every device of the one before was seen again, works, and shows its target: `plumbline updates verify`.",
    "What the devices do for the site is looked at before and after each wave; when it is worse, the wave goes back to the release before.",
)
CANARY, SAFETY = "canary", "safety"
_RINGS = (CANARY, *(word.value for word in Criticality), SAFETY)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One release to install on a device, with its conditions."""

    from_version: str
    version: str
    sha256: str | None
    sha512: str | None
    size_bytes: int | None
    url: str | None
    name: str | None  # by which an update service knows it
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """One device of a wave."""

    asset: str
    name: str
    criticality: Criticality
    product: str
    installed: str
    target: str
    state: State
    exploited: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]
    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True)
class Wave:
    """Devices that are updated side by side; `starts_at` is when its window opens."""

    number: int
    ring: str
    gateways: bool
    starts_at: datetime | None
    closes_at: datetime | None
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A device that no wave holds, why, and what to do instead."""

    asset: str
    name: str
    state: State
    why: str
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is to be done, as proposed. Times are aware and UTC."""

    rig: str
    made_at: datetime
    as_of: datetime  # of the assessment
    ledger_digest: str
    windows: tuple[str, ...]
    stop_rules: tuple[str, ...]
    waves: tuple[Wave, ...]
    left: tuple[Left, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a plan is made within: the windows of the rig (None: not known) and until when its authorisation holds; measures by state."""

    rig: str
    ledger_digest: str
    windows: tuple[Window, ...] | None
    valid_until: datetime | None
    measures: Mapping[State, tuple[str, ...]]
    wave_size: int = WAVE_SIZE


def plan(found: Standings, setting: Setting, made_at: datetime) -> Plan:
    """Propose a plan for the devices of an assessment."""
    bad = [one for one in found.devices if one.standing.state.bad or one.standing.conflict]
    planned = {one.asset: unit for one in bad if (unit := _unit(one)) is not None}
    waves = _scheduled(_waves([one for one in bad if one.asset in planned], planned, setting.wave_size), setting, made_at)
    return Plan(
        rig=setting.rig,
        made_at=made_at,
        as_of=found.as_of,
        ledger_digest=setting.ledger_digest,
        windows=tuple(window.text() for window in setting.windows or ()),
        stop_rules=STOP_RULES,
        waves=tuple(waves),
        left=tuple(_left(one, setting.measures) for one in bad if one.asset not in planned),
        notes=tuple(_notes(found, setting, waves)),
    )


def _unit(device: Device) -> Unit | None:
    """Make the unit of a device; None where nothing can or need be installed, or a condition keeps it out."""
    steps = tuple(_step(step) for step in device.steps if step.version is not None)
    if not steps or any(condition.blocks for step in steps for condition in step.conditions):
        return None
    return Unit(
        asset=device.asset,
        name=device.name,
        criticality=device.criticality,
        product=device.steps[0].product,
        installed=steps[0].from_version,
        target=steps[-1].version,
        state=device.standing.state,
        exploited=device.standing.exploited or (),
        identifiers=tuple(sorted(device.identifiers)),
        steps=steps,
    )


def _step(step: StepRow) -> PlannedStep:
    assert step.version is not None and step.from_version is not None
    return PlannedStep(step.from_version, step.version, step.sha256, step.sha512, step.size_bytes, step.url, step.name, conditions(step))


def _waves(devices: Sequence[Device], planned: Mapping[str, Unit], size: int) -> list[tuple[bool, str, list[Unit]]]:
    """Put devices into rings and those into waves of at most `size`: (gateways, ring, units)."""
    made = []
    for gateways in (True, False):
        some = [one for one in devices if one.gateway is gateways]
        canaries = _canaries(some, planned)
        rings = sorted(((_ring(one, canaries), one) for one in some), key=lambda pair: (_RINGS.index(pair[0]), *_urgency(pair[1])))
        for ring, group in groupby(rings, key=lambda pair: pair[0]):
            units = [planned[one.asset] for _, one in group]
            made += [(gateways, ring, units[at : at + size]) for at in range(0, len(units), size)]
    return made


def _canaries(devices: Iterable[Device], planned: Mapping[str, Unit]) -> set[str]:
    """Choose of each product and target the device that can best be missed; none where safety depends on all of them."""
    order = list(Criticality)
    groups: dict[tuple[str, str], list[Device]] = {}
    for one in devices:
        if not one.safety:
            groups.setdefault((planned[one.asset].product, planned[one.asset].target), []).append(one)
    return {min(some, key=lambda one: (order.index(one.criticality), one.name, one.asset)).asset for some in groups.values()}


def _ring(device: Device, canaries: set[str]) -> str:
    return SAFETY if device.safety else CANARY if device.asset in canaries else device.criticality.value


def _urgency(device: Device) -> tuple[bool, int, str, str]:
    return not device.standing.exploited, list(State).index(device.standing.state), device.name, device.asset


def _scheduled(waves: Iterable[tuple[bool, str, list[Unit]]], setting: Setting, made_at: datetime) -> list[Wave]:
    """Give each wave its window: the first that opens a day or more after the wave before began."""
    found: list[Wave] = []
    earliest = made_at
    for number, (gateways, ring, units) in enumerate(waves, 1):
        starts_at = closes_at = None
        if setting.windows is not None:
            starts_at, closes_at = _opening(setting.windows, earliest)
            earliest = (starts_at or earliest) + WATCHED_FOR
        found.append(Wave(number, ring, gateways, starts_at, closes_at, tuple(units)))
    return found


def _opening(windows: Sequence[Window], earliest: datetime) -> tuple[datetime | None, datetime | None]:
    """Find the first opening of a window from `earliest` on, and when it closes again."""
    if not windows:
        return earliest, None
    starts_at = next_opening(windows, earliest - timedelta(microseconds=1))
    return starts_at, None if starts_at is None else closing(windows, starts_at)


def _left(device: Device, measures: Mapping[State, tuple[str, ...]]) -> Left:
    standing = device.standing
    advised = tuple(f"an advisory says: {text}" for text in standing.remedies or ())
    return Left(device.asset, device.name, standing.state, _why(device), (*advised, *measures.get(standing.state, ())))


def _why(device: Device) -> str:
    blocked = [condition.words for step in device.steps if step.version for condition in conditions(step) if condition.blocks]
    if blocked:
        return f"the release must not be installed: {blocked[0]}"
    reason = next((step.reason for step in device.steps if step.reason), None)
    standing = device.standing
    if not standing.state.bad:
        return standing.conflict_words or standing.words
    return {
        NoRoute.NO_VERSION: "nobody says which version it runs",
        NoRoute.NOTHING_NEWER: _nothing_newer(standing),
        NoRoute.TARGET_IN_DOUBT: "newer releases exist, and their order is in doubt",
        NoRoute.SEVERAL_VERSIONS: f"nobody can say from which version it starts: {standing.conflict_words or standing.installed}",
        NoRoute.NO_STEPS: f"{standing.latest} may not be installed from {standing.installed}, and no other releases lead there",
        NoRoute.ROLLBACK: f"the anti-rollback counter of {standing.latest} is below that of {standing.installed}",
    }[NoRoute(reason) if reason else NoRoute.NOTHING_NEWER]


def _nothing_newer(standing: Standing) -> str:
    if standing.fixed_in is not None:
        return f"the catalogue lists no newer release; advisories say that {standing.fixed_in} mends what they are about"
    return "no newer release is known"


def _notes(found: Standings, setting: Setting, waves: Sequence[Wave]) -> Iterable[str]:
    if unknown := found.counts()[State.UNKNOWN]:
        yield f"In no wave are devices of which nothing can be said, {unknown} of them: see `plumbline updates status`."
    if setting.windows is None:
        yield "The windows of the rig are not known, as its bundle is not beside the assessment: the waves have an order and no times."
    elif not setting.windows:
        yield "The rig's authorisation names no windows: any time is proposed."
    else:
        yield "The windows are those in which the rig may be audited: ask its owner whether updates may be installed then."
    last = max((wave.starts_at for wave in waves if wave.starts_at is not None), default=None)
    if last is not None and setting.valid_until is not None and last >= setting.valid_until:
        yield f"The authorisation ends on {setting.valid_until:%Y-%m-%d}, before the last wave: it must be renewed to verify that."
