"""How the plan of an audit is shown to the person who must be sure of it: nothing shortened, nothing left out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from rich.text import Text

from plumbline.cli.output import draw, grid, say
from plumbline.report.text import plural, size, visible, when
from plumbline.rig.plan import Plan, PlannedNetwork, PlannedRefusal

INTRUSION = {
    "passive": "supplied files only, no packet",
    "query": "banners, one request, one handshake",
    "session": "several handshakes, subscriptions, sessions",
    "credential": "factory-default logins, under a budget",
}
Row = tuple[str, str]


def print_plan(path: Path, plan: Plan) -> None:
    """Print who allowed what, what would be contacted and read, what would not, and the most that an audit may take."""
    say(f"{plan.name} ({plan.rig})", style="bold")
    _print(_authority(plan))
    if plan.networks:
        once = "" if plan.open_now else ", once the authorisation is open"
        say(f"\nWould contact {plural(plan.contacted, 'address', 'addresses')}{once}", style="bold")
        for network in plan.networks:
            say(f"  {network.name}" + (f", site {network.site}" if network.site else ""))
            _print(_network(network), indent=4)
        _print(_others(plan), indent=2)
    if plan.logins:
        say(
            "\nWould log in, one asset after the other, and run a published list of reading commands (plumbline hostkit --list)",
            style="bold",
        )
        _print(((login.kind, f"as {login.user} at port {login.port} on {', '.join(login.assets)}") for login in plan.logins), indent=2)
    if plan.files:
        say(f"\nWould read {plural(len(set(plan.files)), 'file')}", style="bold")
        folder = path.absolute().parent
        _print(((file.kind, f"{_short(Path(file.path), folder)}  {size(file.size_bytes)}") for file in dict.fromkeys(plan.files)), indent=2)
    if plan.refusals:
        say("\nWould not contact", style="bold")
        _print(((one.what, _why(one)) for one in plan.refusals), indent=2)
    say("")
    if plan.networks:
        _print(_effort(plan))
    following = f"Next: plumbline audit {path} -o OUT" if plan.open_now else "An audit would contact nothing now."
    say(f"\nThe file is valid. Nothing was contacted. {following}", whole=True)


def _authority(plan: Plan) -> Iterable[Row]:
    yield "owner", plan.owner
    yield "authorisation", f"{plan.reference}, granted by {plan.granted_by}"
    yield "valid", f"{_time(plan.valid_from)} to {_time(plan.valid_until)}"
    yield "windows", "; ".join(plan.windows) or "any time"
    opening = f"closed; it opens {_time(plan.next_opening)}" if plan.next_opening else "closed, and it will not open again"
    yield "now", "open" if plan.open_now else opening
    yield "intrusion", f"{plan.intrusion}: {INTRUSION[plan.intrusion]}"
    if plan.signature:
        fingerprint, _, signer = plan.signature.partition(" ")
        yield "signed by", f"{signer}, key {fingerprint}"
    else:
        yield "signed by", "nobody"


def _network(network: PlannedNetwork) -> Iterable[Row]:
    ranges = [one.range if one.addresses > 1 else one.range.partition("/")[0] for one in network.ranges]
    limits = ["" if one.swept else " (declared assets only)" for one in network.ranges]
    yield plural(network.contacted, "address", "addresses"), ", ".join(f"{one}{limit}" for one, limit in zip(ranges, limits, strict=True))
    if network.tcp_ports:
        yield "tcp", " ".join(map(str, network.tcp_ports))
    if network.udp_ports:
        yield "udp", " ".join(map(str, network.udp_ports))
    if network.discovery:
        yield "multicast", " ".join(network.discovery)


def _others(plan: Plan) -> Iterable[Row]:
    for name, values in {"hosts": plan.hosts, "resolvers": plan.resolvers, "anchors": plan.anchors}.items():
        if values:
            yield name, ", ".join(values)
    if plan.source:
        yield "leaving by", plan.source


def _effort(plan: Plan) -> Iterable[Row]:
    yield (
        "sweep",
        f"{plural(plan.exchanges_sweep, 'exchange')}, about {_long(plan.duration_s_sweep)} at {plan.exchanges_per_second} a second",
    )
    most = f"{plural(plan.exchanges_max, 'exchange')}, {plan.exchanges_per_device_max:,} with one device, {_long(plan.duration_s_max)}"
    yield "at most", f"{most}: as if every address answered on every port"


def _why(refusal: PlannedRefusal) -> str:
    """Give the message without the address that it begins with, where the line has named it already."""
    about, _, rest = refusal.message.partition(": ")
    return rest if rest and about in refusal.what else refusal.message


def _print(rows: Iterable[Row], *, indent: int = 0) -> None:
    listed = grid(indent)
    for name, words in rows:
        listed.add_row(*([""] if indent else []), Text(visible(name)), Text(visible(words)))
    if listed.row_count:
        draw(listed)


def _short(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _time(iso: str) -> str:
    return when(datetime.fromisoformat(iso))


def _long(seconds: int) -> str:
    for unit, length in {"day": 86_400, "hour": 3_600, "minute": 60}.items():
        if seconds >= 2 * length:
            return plural(round(seconds / length), unit)
    return plural(seconds, "second")
