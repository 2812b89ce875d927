"""Views of rigs that never were: the shipped checks over assets of our making, small or large, for layout and for hostile text."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

from plumbline.assess.assessment import FindingReview, ReviewSummary, WaiverSummary
from plumbline.checks.check import Check
from plumbline.checks.registry import load_registry
from plumbline.model.words import Basis, Layer, Severity, Verdict
from plumbline.report import data
from plumbline.report.currency_data import Claim, Contradiction, Currency, Device, Patch, Step, Unknown
from plumbline.report.standards_data import HandTest, ProfileResult, Provision
from plumbline.report.tally import Tally
from plumbline.updates.judging import State

NOW = datetime(2026, 11, 21, 3, 40, tzinfo=UTC)
NAMES = (
    ("dock camera 1", "host:harbour/10.20.1.14", (Layer.DEVICE, Layer.COMMUNICATION, Layer.FIRMWARE, Layer.CLOUD, Layer.RIG)),
    ("dock camera 2", "host:harbour/10.20.1.15", (Layer.DEVICE, Layer.COMMUNICATION, Layer.FIRMWARE, Layer.CLOUD, Layer.RIG)),
    ("cold room 3 thermometer", "host:harbour/10.20.1.31", (Layer.DEVICE, Layer.COMMUNICATION, Layer.CLOUD)),
    ("cold room 4 thermometer", "host:harbour/10.20.1.32", (Layer.DEVICE, Layer.COMMUNICATION, Layer.CLOUD)),
    ("compressor PLC", "host:harbour/10.20.1.40", (Layer.DEVICE,)),
    ("door controller", "host:harbour/10.20.1.44", (Layer.DEVICE, Layer.COMMUNICATION)),
    ("energy meter", "host:harbour/10.20.1.50", (Layer.DEVICE, Layer.COMMUNICATION)),
    ("label printer", "host:harbour/10.20.1.61", (Layer.DEVICE, Layer.COMMUNICATION)),
    ("harbour gateway", "edge:/gateway-1", (Layer.DEVICE, Layer.GATEWAY, Layer.COMMUNICATION, Layer.CLOUD)),
    ("10.20.1.77", "host:harbour/10.20.1.77", (Layer.DEVICE, Layer.COMMUNICATION, Layer.RIG)),
    ("northwind hub", "hub:/northwind", (Layer.CLOUD,)),
    ("cam-1.4.2.bin", "image:/cam-1.4.2.bin", (Layer.FIRMWARE, Layer.UPDATE, Layer.RIG)),
)
REASON_WORDS = ("timeout", "not_attempted", "refused", "not_permitted", "not_observed", "partial")
Change = Callable[[str], str]


@cache
def _checks() -> tuple[Check, ...]:
    return tuple(load_registry().checks.values())


def rig(assets: int = 12, checks: int = 24, seed: int = 7) -> data.Report:
    """Make a view: verdicts fall by chance, every count agrees with every other."""
    chance = random.Random(seed)
    places = [
        NAMES[n] if n < len(NAMES) else (f"sensor {n:04}", f"host:harbour/10.21.{n // 250}.{n % 250}", _some_layers(n))
        for n in range(assets)
    ]
    chosen = [check for index, check in enumerate(_checks()) if index % max(1, len(_checks()) // checks) == 0]
    by_pair: dict[tuple[int, str], Tally] = {}
    for n, (_, _, layers) in enumerate(places):
        for check in chosen:
            if check.layer in layers:
                by_pair[n, check.id] = chance.choices(
                    (Tally(failed=1), Tally(inconclusive=1), Tally(passed=1), Tally(not_applicable=1)), (2, 2, 6, 2)
                )[0]
    results = sorted((_result(check, places, by_pair) for check in chosen), key=lambda result: (-result.risk, result.id))
    views = [_asset(n, place, chosen, by_pair) for n, place in enumerate(places)]
    reasons = _reasons(places, chosen, by_pair)
    failing = [result for result in results if result.tally.failed]
    layers = [layer for layer in Layer if any(layer in view.layers for view in views)]
    return data.Report(
        head=_head(),
        tally=sum((result.tally for result in results), Tally()),
        severities={s: sum(r.tally.failed for r in results if r.severity is s) for s in reversed(Severity)},
        kinds=dict(Counter(kind for view in views for kind in view.kinds)),
        undeclared=sum(not view.declared for view in views),
        failed_assets=sum(view.tally.failed > 0 for view in views),
        layers=tuple(_layer(layer, views) for layer in layers),
        joins=tuple(
            data.LayerJoin(upper, lower, sum(upper in v.layers and lower in v.layers for v in views))
            for upper, lower in ((Layer.CLOUD, Layer.DEVICE), (Layer.COMMUNICATION, Layer.DEVICE))
        ),
        actions=tuple(_action(number, result, places, by_pair) for number, result in enumerate(failing, 1)),
        checks=tuple(results),
        assets=tuple(views),
        assets_count=len(views),
        reasons=reasons,
        gaps=(
            data.Gap("tls_endpoint", "TLS endpoints", Layer.COMMUNICATION, "timeout", "", 3, tuple(place[1] for place in places[:3]), 3),
            data.Gap(
                "capture", "Captures", Layer.COMMUNICATION, "partial", "dock.pcapng: cut at byte 81,920", 1, ("capture:/dock.pcapng",), 1
            ),
        ),
        unread=(data.Unread("image:/old.bin", "not_supported", "an unknown compression"),),
        gaps_count=2,
        attempts=40 * assets,
        sources=(),
        conflicts=(data.Conflict("mac", "24:a4:3c:10:00:01", ("declared:/a", "declared:/b"), "both are declared"),),
        missing_bundles=(),
        hand_tests=(
            HandTest(
                "dock camera 1", "etsi-en-303-645/5.1-1", "pass", "A. Auditor", "test", NOW, "it asked for a new one", ("5f" * 32,), 6
            ),
            HandTest("rig", "check/device.ftp_anonymous", "fail", None, None, None, None, (), 0),
        ),
        hand_tests_count=3,
        contacts=_contacts(places),
        currency=currency(),
        customs=_customs(results),
        customs_count=4,
        provisions=_provisions(results),
        profiles=_profiles(_provisions(results)),
        waivers=_waivers(),
        reviews=_reviews(),
        taken_back=(),
        links=(data.Link("Several devices share one TLS key", (0, 1, 9)),) if assets > 9 else (),
        digests=(data.Digest("bundle northwind", "5f" * 32), data.Digest("checks", "a0" * 32), data.Digest("ledger", "3c" * 32)),
    )


def _some_layers(n: int) -> tuple[Layer, ...]:
    return (Layer.DEVICE, Layer.COMMUNICATION, Layer.CLOUD)[: 1 + n % 3]


def _head() -> data.Head:
    return data.Head(
        rig_id="northwind-harbour",
        rig_name="Harbour cold store",
        owner="Northwind Logistics",
        reference="NW-2026-118",
        granted_by="Head of operations",
        valid_from=datetime(2026, 11, 1, tzinfo=UTC),
        valid_until=datetime(2026, 12, 1, tzinfo=UTC),
        intrusion="session",
        networks=("10.20.0.0/16",),
        signed_by=None,
        as_of=NOW,
        ledger_digest="3c" * 32,
        version="0.1.0",
        sessions=(data.Session("bundle", NOW - timedelta(minutes=42), NOW, True, ()),),
    )


def _result(check: Check, places: list[Any], by_pair: dict[tuple[int, str], Tally]) -> data.CheckResult:
    tallies = {n: tally for (n, name), tally in by_pair.items() if name == check.id}
    failed = [n for n, tally in tallies.items() if tally.failed]
    return data.CheckResult(
        id=check.id,
        layer=check.layer,
        title=check.title,
        severity=check.severity,
        score=check.score,
        cvss=check.cvss,
        proves=check.proves,
        pass_proves=check.pass_proves,
        recommendation=check.recommendation,
        verify=check.verify,
        compensate=check.compensate,
        effort=check.effort.value,
        provisions=check.provisions,
        tally=sum(tallies.values(), Tally()),
        failed_assets=len(failed),
        passed_assets=sum(tally.passed for tally in tallies.values()),
        risk=check.score * len(failed),
        findings=tuple(_finding(check, places[n]) for n in failed[:12]),
    )


def _finding(check: Check, place: tuple[str, str, Any]) -> data.Finding:
    name, entity, _ = place
    subject = "tcp/8883" if check.layer is Layer.COMMUNICATION else "tcp/80"
    row = data.Evidence(
        row_id=f"{check.subjects}/20261121T030000Z-1f0a-00003#17",
        table=check.subjects,
        table_title=check.subjects.replace("_", " ").capitalize(),
        entity=entity,
        subject=subject,
        observed_at=NOW - timedelta(minutes=30),
        permit="NW-2026-118/cold rooms/tcp",
        raw="raw/" + "9d" * 32,
        source="raw/9d9d9d9d… in the bundle, 318 bytes",
        columns=(data.Column("port", "80"), data.Column("product", "GoAhead-Webs"), data.Column("tls", "false")),
        excerpt=("HTTP/1.1 200 OK", "Server: GoAhead-Webs", "Set-Cookie: <redacted:cookie:k1:4f2a>", "… 201 more bytes"),
    )
    drawn = dataclasses.replace(
        row, row_id="currency/derived#4", permit=None, source="", excerpt=(), derived=True, made_from_rows=5, made_from=(row,)
    )
    rows = (row, drawn) if check.layer is Layer.FIRMWARE else (row,)
    review = FindingReview(2, "rate", Severity.LOW)
    message = check.message.replace("{subject}", subject)
    return data.Finding(entity, name, subject, check.severity, check.cvss, message, rows, len(rows), "W-1", review)


def _asset(n: int, place: tuple[str, str, Any], chosen: list[Check], by_pair: dict[tuple[int, str], Tally]) -> data.Asset:
    name, entity, _ = place
    layers: dict[Layer, Tally] = {}
    for check in chosen:
        if (n, check.id) in by_pair:
            layers[check.layer] = layers.get(check.layer, Tally()) + by_pair[n, check.id]
    failing = [check.severity for check in chosen if by_pair.get((n, check.id), Tally()).failed]
    return data.Asset(
        id=entity,
        name=name,
        kinds=(entity.partition(":")[0], "declared"),
        address="10.20.1.14",
        model="northwind/cam-3",
        device_class="it",
        criticality="high",
        safety=False,
        declared=name != "10.20.1.77",
        identifiers=(data.Identifier("declared_id", name.replace(" ", "-")), data.Identifier("mac", "24:a4:3c:10:00:01")),
        merges=(data.Merge("station:harbour/10.20.1.14", "same MAC address 24:a4:3c:10:00:01"),),
        layers=layers,
        severity=max(failing, key=lambda severity: severity.rank, default=Severity.NONE),
    )


def _layer(layer: Layer, views: list[data.Asset]) -> data.LayerCount:
    there = [view.layers[layer] for view in views if layer in view.layers]
    worst = Counter(tally.verdict for tally in there)
    ordered = (worst[Verdict.FAIL], worst[Verdict.INCONCLUSIVE], worst[Verdict.PASS], worst[Verdict.NOT_APPLICABLE])
    return data.LayerCount(layer, sum(there, Tally()), Tally(*ordered))


def _action(number: int, result: data.CheckResult, places: list[Any], by_pair: dict[tuple[int, str], Tally]) -> data.Action:
    names = tuple(places[n][0] for (n, check), tally in by_pair.items() if check == result.id and tally.failed)
    advice = (data.Advice(result.id, result.title, result.tally.failed, result.verify, result.compensate),)
    return data.Action(
        number, result.recommendation, result.severity, result.effort, result.risk, result.tally.failed, len(names), names[:8], advice
    )


def _reasons(places: list[Any], chosen: list[Check], by_pair: dict[tuple[int, str], Tally]) -> tuple[data.Reason, ...]:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for index, ((n, check), tally) in enumerate(by_pair.items()):
        if tally.inconclusive:
            found[REASON_WORDS[index % len(REASON_WORDS)]][check].append(places[n][0])
    titles = {check.id: check.title for check in chosen}
    return tuple(
        data.Reason(
            word,
            sum(map(len, entries.values())),
            tuple(data.ReasonCheck(check, titles[check], len(names), tuple(names[:5]), len(names)) for check, names in entries.items()),
        )
        for word, entries in found.items()
    )


def _contacts(places: list[Any]) -> data.Contacts:
    exchanges = (
        data.Exchange("connect", "sweep", "tcp/21-23, tcp/80, tcp/443, tcp/1883", "refused", "NW-2026-118/cold rooms/tcp", 40, 0, 0),
        data.Exchange("connect", "http", "tcp/80", "ok", "NW-2026-118/cold rooms/tcp", 2, 0, 0),
        data.Exchange("request", "http", "tcp/80", "ok", "NW-2026-118/cold rooms/tcp", 3, 412, 18_220),
    )
    devices = tuple(
        data.Contact(entity, entity.rpartition("/")[2], name, 42, 0, 3, 6, 0, 1_412, 18_220, NOW, NOW + timedelta(seconds=31), exchanges)
        for name, entity, _ in places
        if entity.startswith("host:")
    )
    chain = "The hash chain of the contact log holds."
    return data.Contacts(51 * len(devices), 2, 1_412 * len(devices), 18_220 * len(devices), chain, devices, len(devices))


def currency() -> Currency:
    """One device in each state, and everything that the chapter can show."""
    released = datetime(2026, 9, 14, tzinfo=UTC)
    camera = Device(
        asset="host:harbour/10.20.1.14",
        name="dock camera 1",
        criticality="high",
        state=State.VULNERABLE,
        product="northwind/cam-3",
        installed="1.4.2",
        believed_by="own_word",
        latest="1.6.0",
        latest_at=released,
        releases_behind=2,
        days_behind=68,
        retracted=False,
        unsupported=False,
        support_ends_at=datetime(2028, 1, 31, tzinfo=UTC),
        vulnerable=True,
        advisories=("CVE-2026-0001", "CVE-2026-0002"),
        exploited=("CVE-2026-0001",),
        unsure=(),
        fixed_in="1.6.0",
        todo="At once: Install 1.6.0, which mends it.",
    )
    meter = dataclasses.replace(
        camera,
        name="energy meter",
        state=State.UNSUPPORTED,
        exploited=(),
        advisories=(),
        vulnerable=None,
        unsupported=True,
        support_ends_at=None,
        days_behind=None,
        releases_behind=None,
        latest=None,
        latest_at=None,
        believed_by=None,
        todo="Plan its replacement, as no more fixes will come.",
    )
    claims = (
        Claim("its web page", "own_word", "1.4.2", NOW),
        Claim("the hub's twin", "own_word", "1.6.0", NOW),
    )
    return Currency(
        derived=True,
        states=dict(zip(State, (0, 1, 1, 0, 3, 2), strict=True)),
        steps=(
            Step(State.VULNERABLE, camera.todo, camera.product, camera.installed, camera.exploited, (camera.name,), 1),
            Step(State.UNSUPPORTED, meter.todo, meter.product, None, (), (meter.name,), 4),
        ),
        steps_count=3,
        devices=(camera, meter),
        devices_count=5,
        current=("harbour gateway",),
        contradictions=(
            Contradiction(camera.asset, camera.name, camera.state, "its web page says 1.4.2", "1.4.2 or 1.6.0", "own_word", claims),
        ),
        contradictions_count=2,
        unknown=(Unknown("no_version", ("compressor PLC", "door controller"), 2), Unknown("product_unknown", ("10.20.1.77",), 1)),
        fleet=dict(zip(State, (0, 400, 0, 30, 7, 12_000), strict=True)),
        patches=(Patch("northwind hub", "northwind/cam-3", "1.6.0", released, ("CVE-2026-0001",), True, 12_437, 12_000, 430, 7),),
        patches_count=3,
        bounds=("0 of 10 examined of 200 northwind/cam-3 failed: up to 51 could",),
        catalogue_as_of=NOW - timedelta(days=2),
    )


def _customs(results: list[data.CheckResult]) -> tuple[data.CustomPart, ...]:
    wrong = tuple(
        data.CustomFinding(r.id, r.title, r.severity, "cam-1.bin", "tcp/80", "GoAhead-Webs says too much")
        for r in results
        if r.tally.failed
    )[:2]
    unsure = (data.CustomUnjudged("The debug shell is open", "timeout"),)
    proven = ("nobody but the owner can write to it",)
    bad, good = Tally(failed=3, inconclusive=2, passed=2), Tally(passed=1)
    return (
        data.CustomPart("camera firmware", "firmware", ("images/cam-1.bin",), 2, ("cam-1.bin",), 1, bad, wrong, proven, 2, unsure, 2),
        data.CustomPart("reader", "module", ("reader",), 1, ("harbour gateway",), 2, good, (), proven, 1, (), 0),
        data.CustomPart("alarm function", "code", ("functions/alarm.zip",), 1, (), 0, Tally(), (), (), 0, (), 0),
    )


def _provisions(results: list[data.CheckResult]) -> tuple[Provision, ...]:
    found: dict[str, list[data.CheckResult]] = defaultdict(list)
    for result in results:
        for name in result.provisions:
            found[name].append(result)
    return tuple(_provision(name, entries) for name, entries in sorted(found.items()))


def _provision(name: str, entries: list[data.CheckResult]) -> Provision:
    standard, _, own = name.partition("/")
    tally = sum((result.tally for result in entries), Tally())
    open_ = tally.verdict is Verdict.INCONCLUSIVE
    return Provision(
        standard=standard,
        id=own,
        title=f"What {own} asks",
        level="mandatory",
        per="device",
        whole=False,
        checks=tuple(result.id for result in entries),
        tally=tally,
        verdict=tally.verdict,
        reason="needs_manual_test" if open_ else None,
        basis=None if open_ else Basis.OBSERVED,
        asked=3,
        assets=Tally(failed=1, inconclusive=1, passed=1),
        remains=("manual",) if open_ else (),
        declare="Do you?",
        manual="Look whether it does; it passes when it does.",
    )


def _waivers() -> tuple[WaiverSummary, ...]:
    begins, until = NOW - timedelta(days=90), NOW + timedelta(days=90)
    active = WaiverSummary("W-1", "device.*", "*", "tcp/80", "Head of operations", "replaced in spring", begins, until, "active", 2)
    return active, dataclasses.replace(active, id="W-2", until=NOW - timedelta(days=1), state="ended", findings=0)


def _reviews() -> tuple[ReviewSummary, ...]:
    first = ReviewSummary(
        number=1, finding=None, check="device.*", asset="*", subject="*", action="false_positive", severity=None,
        who="A. Auditor", why="a honeypot", until=None, state="active", findings=1,
    )  # fmt: skip
    rated = dataclasses.replace(first, number=2, finding="device.x|a|tcp/80", action="rate", severity=Severity.LOW, until=NOW)
    return first, rated


def _profiles(provisions: tuple[Provision, ...]) -> tuple[ProfileResult, ...]:
    counts = Counter(one.verdict for one in provisions)
    return (
        ProfileResult(
            id="etsi-mandatory",
            title="ETSI EN 303 645, mandatory provisions",
            counts=Tally(*(counts[word] for word in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE))),
            fail=0,
            inconclusive=0,
            within=False if counts[Verdict.FAIL] else None,
            accepts=tuple(Basis),
            severities={Severity.HIGH: 2},
            verdicts={one.ref: (one.verdict, one.reason) for one in provisions},
        ),
    )


def every_text(value: Any, change: Change) -> Any:
    """Give the same view with every text that is not one of our closed words changed."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return change(value)
    if isinstance(value, tuple):
        return tuple(every_text(item, change) for item in value)
    if isinstance(value, dict):
        return {every_text(key, change): every_text(item, change) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        said = {f.name: every_text(getattr(value, f.name), change) for f in dataclasses.fields(value) if f.name != "language"}
        return dataclasses.replace(value, **said)
    return value
