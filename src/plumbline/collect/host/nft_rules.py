"""A ruleset as `nft -n list ruleset` writes it, nft(8), read for `packet_filter`.

    table inet filter {
        set trusted { type inet_service; elements = { 22, 443 } }
        chain input {
            type filter hook input priority filter; policy drop;
            iifname "lo" accept
            ct state vmap { established : accept, invalid : drop }
            tcp dport { 22, 8000-8100 } ip saddr 10.0.0.0/8 accept
            jump other
        }
    }

A statement that is not known may match or not; a rule that ends in none of the known verdicts decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from plumbline.collect.host.packet_filter import (
    ACCEPT,
    ANYWHERE,
    DROP,
    REJECT,
    RETURN,
    RULES_MAX,
    SERVICE_NAMES,
    UNKNOWN,
    Chain,
    Condition,
    Match,
    Ports,
    Rule,
    ports_of,
)

_TOKEN = re.compile(r'"[^"]*"|[{}]|[^\s{}",;]+(?:,[^\s{}",;]+)*')
_HOOK = re.compile(r"type filter hook (input|forward) priority [^;]{1,80};(?: policy (\w{1,10});)?")
_VERDICTS = {"accept": ACCEPT, "drop": DROP, "return": RETURN, "queue": UNKNOWN}
_FAMILIES = ("ip", "ip6", "inet")


@dataclass
class Ruleset:
    """The chains of all tables, named <family> <table> <chain>, and of these the base chains by their hook and family."""

    chains: dict[str, Chain] = field(default_factory=dict)
    bases: dict[tuple[str, str], list[Chain]] = field(default_factory=dict)
    rules: int = 0

    def at(self, hook: str, family: str) -> list[Chain]:
        """The base chains that a packet of a family (ip or ip6) passes at a hook."""
        return [*self.bases.get((hook, family), ()), *self.bases.get((hook, "inet"), ())]


def read_nft(lines: Iterable[str]) -> Ruleset:
    """Read a ruleset; what is in tables of other families than IP is passed over."""
    found = Ruleset()
    family, table, name, chain = "", "", "", None
    sets: dict[str, Ports | None] = {}
    elements: list[str] | None = None  # of the set that is being read
    for line in lines:
        words = line.split()
        if words[0] == "table" and len(words) >= 3:
            family, table, chain, sets = words[1], words[2], None, {}
        elif words[0].startswith("#") or family not in _FAMILIES:
            continue
        elif words[0] in ("set", "map", "chain") and len(words) >= 2:
            name, chain = words[1], None
            if words[0] == "chain":
                chain = found.chains.setdefault(f"{family} {table} {name}", Chain(f"{family} {table} {name}"))
        elif words[0] == "elements" or elements is not None:
            elements = [*(elements or []), *_TOKEN.findall(line.partition("{")[2] if words[0] == "elements" else line)]
            if "}" in elements:
                sets[name], elements = ports_of(elements[: elements.index("}")], SERVICE_NAMES), None
        elif words[0] == "}":
            chain = None
        elif chain is not None and (hook := _HOOK.match(line.strip())):
            chain.policy = hook[2] or ACCEPT
            found.bases.setdefault((hook[1], family), []).append(chain)
        elif chain is not None and words[0] not in ("type", "comment") and found.rules < RULES_MAX:
            found.rules += 1
            chain.rules.append(_Rule(_TOKEN.findall(line), f"{family} {table}", sets).read())
    return found


class _Rule:
    """Reads one rule, word by word."""

    def __init__(self, words: list[str], table: str, sets: Mapping[str, Ports | None]) -> None:
        self._words, self._table, self._sets = words, table, sets
        self._at = 0
        self._conditions: list[Condition] = []

    def read(self) -> Rule:
        while (word := self._next()) is not None:
            if word in _VERDICTS:
                return Rule(tuple(self._conditions), _VERDICTS[word])
            if word == "reject":
                return Rule(tuple(self._conditions), REJECT)
            if word in ("jump", "goto"):
                return Rule(tuple(self._conditions), "goto" if word == "goto" else None, f"{self._table} {self._next()}")
            if "vmap" in self._words[self._at : self._at + 2]:
                return self._verdict_map(word)
            self._statement(word)
        return Rule(tuple(self._conditions))

    def _next(self) -> str | None:
        self._at += 1
        return self._words[self._at - 1] if self._at <= len(self._words) else None

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _statement(self, word: str) -> None:
        if word == "meta":
            word = self._next() or ""
        match word:
            case "counter":
                while self._peek() in ("packets", "bytes"):
                    self._at += 2
            case "comment" | "log":
                while self._peek().startswith('"') or self._peek() in ("prefix", "level", "flags", "group", "all", "snaplen"):
                    self._at += 1 if self._peek().startswith('"') or self._peek() == "all" else 2
            case "limit":
                self._limit()
            case "iif" | "iifname":
                self._add(Match.NO)
            case "protocol" | "l4proto" | "nexthdr":
                self._add_among({"tcp", "6"})
            case "nfproto":
                self._operand()
            case "ip" | "ip6" | "ct":
                self._header(word)
            case "tcp" | "th":
                self._ports()
            case "udp" | "icmp" | "icmpv6" | "igmp" | "esp" | "ah" | "sctp" | "udplite":
                self._at += 1
                self._operand()
                self._conditions.append(Match.NO)
            case _:
                self._conditions.append(Match.MAYBE)

    def _header(self, word: str) -> None:
        what = self._next()
        match word, what:
            case "ip" | "ip6", "saddr":
                negated, values = self._operand()
                found = Match.YES if set(values) & ANYWHERE else Match.NO
                self._conditions.append(~found if negated else found)
            case "ip" | "ip6", "protocol" | "nexthdr":
                self._add_among({"tcp", "6"})
            case "ct", "state":
                self._add_among({"new", "untracked", "0x8"})
            case "ct", "status":
                self._add(Match.NO)
            case _:
                self._operand()
                self._conditions.append(Match.MAYBE)

    def _ports(self) -> None:
        if self._next() != "dport":
            self._conditions.append(Match.MAYBE)
            return
        negated, values = self._operand()
        if len(values) == 1 and values[0].startswith("@"):
            ports = self._sets.get(values[0][1:])
        else:
            ports = ports_of(values, SERVICE_NAMES)
        self._conditions.append(Match.MAYBE if ports is None else (ports, True) if negated else ports)

    def _limit(self) -> None:
        over = False
        while self._peek() in ("rate", "over", "burst", "packets", "bytes") or "/" in self._peek() or self._peek().isdigit():
            over = over or self._peek() == "over"
            self._at += 1
        if over:
            self._conditions.append(Match.NO)

    def _verdict_map(self, word: str) -> Rule:
        """Read `<what> vmap { value : verdict, ... }` for destination ports and states; any other map may say anything."""
        what = f"{word} {self._next()}"
        pairs = " ".join(self._words[self._at + 1 :]).strip("{} ")
        entries = re.findall(r"([\w-]+) : (accept|drop|return|reject|jump \S+|goto \S+)", pairs)
        if what == "ct state":
            return Rule(
                tuple(self._conditions), next((_VERDICTS.get(verdict, UNKNOWN) for value, verdict in entries if value == "new"), None)
            )
        if what in ("tcp dport", "th dport"):
            named = [(ports_of([value], SERVICE_NAMES), _VERDICTS.get(verdict, UNKNOWN)) for value, verdict in entries]
            return Rule(tuple(self._conditions), None, None, tuple((ports, verdict) for ports, verdict in named if ports is not None))
        return Rule((*self._conditions, Match.MAYBE), UNKNOWN)

    def _add(self, match: Match) -> None:
        negated, _ = self._operand()
        self._conditions.append(~match if negated else match)

    def _add_among(self, wanted: set[str]) -> None:
        negated, values = self._operand()
        found = Match.YES if wanted & {part for value in values for part in value.split(",")} else Match.NO
        self._conditions.append(~found if negated else found)

    def _operand(self) -> tuple[bool, list[str]]:
        """Read an operator, if there is one, and one value or a set of them."""
        negated = self._peek() == "!="
        if self._peek() in ("!=", "=="):
            self._at += 1
        first = self._next() or ""
        if first != "{":
            return negated, [first]
        values = []
        while (value := self._next()) not in (None, "}"):
            values.append(str(value))
        return negated, values
