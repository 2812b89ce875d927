"""Follows the rules of a packet filter for one packet: a new TCP connection, from any address, on any interface but the loopback one.

Not a simulator of a kernel: a rule that asks for something else (a source, an interface, a set, a mark) does not match such a packet, or
may; where it may, both ways are followed, and where they end differently nobody knows. How rules are written is for `nft_rules` and
`iptables_rules`.

Rules: pure; each chain is walked once for a packet, a chain that calls itself ends there, and so do calls deeper than a kernel takes; time
is linear in the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

ACCEPT, DROP, REJECT, RETURN, UNKNOWN = "accept", "drop", "reject", "return", "unknown"
RULES_MAX = 50_000
DEPTH_MAX = 64  # of chains that call chains; nf_tables takes 16
ANYWHERE = frozenset({"0.0.0.0/0", "::/0", "0/0", "any"})


class Match(Enum):
    """Whether a condition holds for the packet."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"

    def __invert__(self) -> Match:
        return {Match.YES: Match.NO, Match.NO: Match.YES}.get(self, self)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that a condition names: numbers, and ranges of them."""

    ranges: tuple[tuple[int, int], ...]

    def match(self, port: int | None) -> Match:
        """Say whether a port is among them; None: a port that no rule names."""
        if port is None:
            return Match.YES if (0, 65535) in self.ranges or (1, 65535) in self.ranges else Match.NO
        return Match.YES if any(low <= port <= high for low, high in self.ranges) else Match.NO


Condition = Match | Ports | tuple[Ports, bool]  # (ports, True): any port but these


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold, and then: a verdict, a chain to go to, or nothing. `by_port` gives verdicts by ports, of which the first counts."""

    conditions: tuple[Condition, ...]
    verdict: str | None = None
    chain: str | None = None  # where to go on; the packet comes back unless the verdict is `goto`
    by_port: tuple[tuple[Ports, str], ...] = ()

    def match(self, port: int | None) -> Match:
        """Say whether all conditions hold."""
        found = [_holds(condition, port) for condition in self.conditions]
        return Match.NO if Match.NO in found else Match.MAYBE if Match.MAYBE in found else Match.YES


@dataclass
class Chain:
    """One chain; `policy` is None for one that only other chains call."""

    name: str
    policy: str | None = None
    rules: list[Rule] = field(default_factory=list)


def outcome(chains: Mapping[str, Chain], bases: Sequence[Chain], port: int | None) -> str | None:
    """What becomes of the packet to a port (None: one that no rule names) in the base chains that it passes; None: nobody knows."""
    found = [_ends(chains, base, port) for base in bases]
    stopped = [ends for ends in found if ends and ends <= {DROP, REJECT}]
    if stopped:
        return REJECT if all(ends == {REJECT} for ends in stopped) else DROP
    return ACCEPT if all(ends == {ACCEPT} for ends in found) else None


def _ends(chains: Mapping[str, Chain], base: Chain, port: int | None) -> set[str]:
    walked: dict[str, frozenset[str | None]] = {}
    ends = _walk(chains, base, port, walked)
    return {base.policy or ACCEPT if end is None else end for end in ends}


def _walk(
    chains: Mapping[str, Chain], chain: Chain, port: int | None, walked: dict[str, frozenset[str | None]], depth: int = 0
) -> frozenset[str | None]:
    """Give all ends that the packet may come to in a chain; None is among them where it may leave it without one."""
    if chain.name in walked:
        return walked[chain.name]
    walked[chain.name] = frozenset({UNKNOWN})  # a chain that comes back to itself
    if depth > DEPTH_MAX:
        return walked[chain.name]
    ends: set[str | None] = set()
    for rule in chain.rules:
        match = rule.match(port)
        if match is Match.NO:
            continue
        step = _step(chains, rule, port, walked, depth)
        ends |= step - {None}
        if None not in step and match is Match.YES:
            break
    else:
        ends.add(None)
    walked[chain.name] = frozenset(None if end == RETURN else end for end in ends)
    return walked[chain.name]


def _step(
    chains: Mapping[str, Chain], rule: Rule, port: int | None, walked: dict[str, frozenset[str | None]], depth: int
) -> set[str | None]:
    """Give what one matching rule may do; None: the packet goes on to the next; RETURN: it leaves this chain too."""
    for ports, verdict in rule.by_port:
        if ports.match(port) is Match.YES:
            return {verdict}
    if rule.chain is None:
        return {rule.verdict}
    target = chains.get(rule.chain)
    if target is None:
        return {UNKNOWN}
    inner = _walk(chains, target, port, walked, depth + 1)
    return {RETURN if end is None and rule.verdict == "goto" else end for end in inner}


def _holds(condition: Condition, port: int | None) -> Match:
    if isinstance(condition, Match):
        return condition
    if isinstance(condition, Ports):
        return condition.match(port)
    ports, _ = condition
    return ~ports.match(port)


def ports_of(words: Iterable[str], names: Mapping[str, int]) -> Ports | None:
    """Read ports: numbers, ranges with - or :, and names of services; None where one is neither."""
    ranges: list[tuple[int, int]] = []
    for word in words:
        low, dash, high = word.replace(":", "-").partition("-")
        pair = [
            names.get(one, int(one) if one.isdecimal() and len(one) < 6 else -1) for one in (low or "0", (high or "65535") if dash else low)
        ]
        if min(pair) < 0:
            return None
        ranges.append((pair[0], pair[1]))
    return Ports(tuple(ranges)) if ranges else None


SERVICE_NAMES: Mapping[str, int] = {
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "domain": 53,
    "http": 80,
    "https": 443,
    "http-alt": 8080,
    "ntp": 123,
    "snmp": 161,
}
