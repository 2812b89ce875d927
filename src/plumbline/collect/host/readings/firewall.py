"""Packet filters: what becomes of what no rule names, and which ports of management packets from anywhere reach.

Rules: of IPv4, and of IPv6 where any rule is about it, the worse counts. Where nothing is loaded, that is a row too: engine none. As the
rules can be read by root alone, other users give no row.
"""

from __future__ import annotations

from collections.abc import Callable

from plumbline.collect.host.iptables_rules import read_iptables
from plumbline.collect.host.nft_rules import read_nft
from plumbline.collect.host.outputs import Report
from plumbline.collect.host.packet_filter import ACCEPT, RULES_MAX, outcome
from plumbline.collect.host.reading import Reading
from plumbline.model.words import Outcome

COMMANDS = ("nft", "iptables", "ip6tables")
MANAGEMENT = (22, 23, 80, 443, 2375, 5900, 5985, 5986, 8080, 8443, 9090, 10000)  # TCP: shells, web pages, engines, desktops
Judge = Callable[[int | None], str | None]


def read(report: Report) -> None:
    """Write a row for each packet filter."""
    rows = [_nft(report), _iptables(report, "iptables"), _iptables(report, "ip6tables")]
    if not any(rows) and all(report.whole(command) for command in COMMANDS):
        _row(report, "none", "nft", lambda _: ACCEPT, lambda _: ACCEPT, 0)


def _nft(report: Report) -> bool:
    rules = read_nft(report.lines("nft"))
    if not rules.chains:
        return False
    families = ["ip", *(["ip6"] if any(family in ("ip6", "inet") for _, family in rules.bases) else [])]

    def at(hook: str) -> Judge:
        return lambda port: _worse([outcome(rules.chains, rules.at(hook, family), port) for family in families])

    _row(report, "nftables", "nft", at("input"), at("forward"), rules.rules)
    return True


def _iptables(report: Report, command: str) -> bool:
    chains, count = read_iptables(report.lines(command))
    if not {"INPUT", "FORWARD"} <= chains.keys():
        return False

    def at(name: str) -> Judge:
        return lambda port: outcome(chains, [chains[name]], port)

    _row(report, command, command, at("INPUT"), at("FORWARD"), count)
    return True


def _row(report: Report, engine: str, command: str, entry: Judge, forward: Judge, rules: int) -> None:
    if rules >= RULES_MAX:
        report.short(Outcome.PARTIAL, f"{command}: more than {RULES_MAX} rules", "system_firewall")
    ends = {port: entry(port) for port in MANAGEMENT}
    unclear = rules >= RULES_MAX or None in ends.values()
    report.row(
        "system_firewall",
        f"firewall/{engine}",
        command,
        engine=engine,
        input_policy=entry(None),
        forward_policy=forward(None),
        forwards=_forwards(report),
        rules=rules,
        open_ports=None if unclear else [f"tcp/{port}" for port, end in ends.items() if end == ACCEPT],
    )


def _worse(ends: list[str | None]) -> str | None:
    if ACCEPT in ends:
        return ACCEPT
    return None if None in ends else next((end for end in ends if end), None)


def _forwards(report: Report) -> bool | None:
    values = [
        line.split()[-1] for line in report.lines("sysctl") if line.startswith(("net/ipv4/ip_forward ", "net/ipv6/conf/all/forwarding "))
    ]
    return any(value != "0" for value in values) if values else None


READING = Reading(("system_firewall",), read)
