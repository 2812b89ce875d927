"""The filter table as iptables-save writes it, iptables-extensions(8), read for `packet_filter`.

*filter                              a table begins; COMMIT ends it
:INPUT DROP [0:0]                    a chain and its policy; - for one that is only called
-A INPUT -p tcp --dport 22 -j ACCEPT
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

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

_TARGETS = {"ACCEPT": ACCEPT, "DROP": DROP, "REJECT": REJECT, "RETURN": RETURN, "LOG": None, "NFLOG": None, "MARK": None, "CONNMARK": None}
_PASSED = {
    "-m",
    "-c",
    "--reject-with",
    "--log-prefix",
    "--log-level",
    "--comment",
    "--limit",
    "--limit-burst",
    "--set-xmark",
    "--nflog-group",
}
_JUMPS = {"-j": None, "--jump": None, "-g": "goto", "--goto": "goto"}


def read_iptables(lines: Iterable[str]) -> tuple[dict[str, Chain], int]:
    """Give the chains of the filter table, and how many rules they hold."""
    chains: dict[str, Chain] = {}
    table, count = "", 0
    for line in lines:
        if line.startswith("*"):
            table = line[1:].strip()
        elif table != "filter":
            continue
        elif line.startswith(":"):
            name, _, rest = line[1:].partition(" ")
            policy = rest.partition(" ")[0]
            chains[name] = Chain(name, _TARGETS.get(policy) if policy != "-" else None)
        elif line.startswith("-A ") and count < RULES_MAX:
            count += 1
            try:
                _, name, *words = shlex.split(line)
            except ValueError:  # a quotation that does not end, or no chain
                name, words = line.split()[1] if len(line.split()) > 1 else "", ["--unread"]
            chains.setdefault(name, Chain(name)).rules.append(_rule(words, chains))
    return chains, count


def _rule(words: list[str], chains: Mapping[str, Chain]) -> Rule:
    conditions: list[Condition] = []
    verdict, chain = None, None
    for negated, option, values in _options(words):
        value = values[0] if values else ""
        if option in _JUMPS:
            chain = value if value in chains else None
            verdict = _JUMPS[option] if chain else _TARGETS.get(value, UNKNOWN)
        elif option not in _PASSED:
            found = _condition(option, value)
            conditions.append(found if not negated else (found, True) if isinstance(found, Ports) else ~found)
    return Rule(tuple(conditions), verdict, chain)


def _options(words: list[str]) -> Iterator[tuple[bool, str, list[str]]]:
    """Give each option with whether it is negated, and its values: the words up to the next option."""
    negated, option, values = False, "", list[str]()
    for word in [*words, "-"]:
        if word != "!" and not (word.startswith("-") and (len(word) == 1 or not word[1].isdigit())):
            values.append(word)
            continue
        if option:
            yield negated, option, values
            negated, option, values = False, "", []
        if word == "!":
            negated = True
        else:
            option = word


def _condition(option: str, value: str) -> Match | Ports:
    match option:
        case "-p" | "--protocol":
            return Match.YES if value in ("tcp", "all", "6") else Match.NO
        case "-s" | "--source":
            return Match.YES if value in ANYWHERE else Match.NO
        case "-i" | "--in-interface":
            return Match.NO
        case "--ctstate" | "--state":
            return Match.YES if {"NEW", "UNTRACKED"} & set(value.split(",")) else Match.NO
        case "--dport" | "--dports" | "--destination-port" | "--destination-ports":
            return ports_of(value.split(","), SERVICE_NAMES) or Match.MAYBE
        case _:
            return Match.MAYBE
