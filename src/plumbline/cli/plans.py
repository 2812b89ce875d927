"""How the plan of an audit is shown to the person who must be sure of it."""

from __future__ import annotations

from rich.table import Table

from plumbline.cli.output import stdout
from plumbline.rig.models import Rig
from plumbline.rig.plan import Plan


def print_plan(rig: Rig, plan: Plan) -> None:
    """Print networks, ports, files, exchanges and refusals."""
    console = stdout()
    console.print(f"{plan.name} ({plan.rig}), owner {plan.owner}", style="bold", markup=False)
    console.print(f"Authorisation {plan.reference}, granted by {plan.granted_by}, {plan.valid_from} to {plan.valid_until}", markup=False)
    signed = f"signed, key {plan.signature}" if plan.signature else "not signed"
    console.print(f"Intrusion {plan.intrusion}, at most {plan.exchanges_per_second} exchanges a second; {signed}", markup=False)
    when = "any time" if not plan.windows else "; ".join(plan.windows)
    now = "open now" if plan.open_now else f"closed now, next opening {plan.next_opening or 'never'}"
    console.print(f"Windows: {when} ({now})", markup=False)
    _networks(plan)
    for file in plan.files:
        console.print(f"reads {file.kind}: {file.path} ({file.size_bytes:,} bytes)", markup=False)
    console.print(
        f"Sweep: {plan.contacted:,} addresses, {plan.exchanges_sweep:,} exchanges, about {plan.duration_s_sweep:,} s. "
        f"Ceiling: {plan.exchanges_max:,} exchanges, {plan.exchanges_per_device_max:,} to one device, {plan.duration_s_max:,} s.",
        markup=False,
    )
    for refusal in plan.refusals:
        console.print(f"refused ({refusal.reason}): {refusal.what}: {refusal.message}", style="yellow", markup=False)
    console.print(f"Nothing was contacted. The file is valid: {rig.path}", markup=False)


def _networks(plan: Plan) -> None:
    table = Table("network", "site", "ranges", "addresses", "TCP ports", "UDP ports", box=None, pad_edge=False)
    for network in plan.networks:
        ranges = ", ".join(one.range + ("" if one.swept else " (declared assets only)") for one in network.ranges)
        ports = [" ".join(map(str, network.tcp_ports)), " ".join(map(str, network.udp_ports))]
        table.add_row(network.name, network.site, ranges, f"{network.contacted:,}", *ports)
    if plan.networks:
        stdout().print(table)
