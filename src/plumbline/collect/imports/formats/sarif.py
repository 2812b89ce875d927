"""SARIF 2.1.0 (OASIS): the results of each run, whichever tool wrote them.

    {"version": "2.1.0", "runs": [{"tool": {"driver": {"name", "semanticVersion", "version", "rules": [rule]}, "extensions": [...]},
      "invocations": [{"executionSuccessful", "endTimeUtc"}],
      "results": [{"ruleId", "ruleIndex", "rule", "kind", "level", "message": {"text"}, "baselineState", "suppressions": [...],
                   "locations": [{"physicalLocation": {"artifactLocation": {"uri"}}}]}]}]}

| member | of it |
|---|---|
| kind: fail (or none told), pass, notApplicable, others | result: fail, pass, not_applicable, inconclusive (3.27.9) |
| baselineState "absent" | result: not_applicable, for it is no longer there (3.27.24) |
| level: error, warning, note, none; that of the rule where it has none, else warning | severity; level high, medium, low, none (3.27.10) |
| rule.properties.security-severity, a score | goes before the level, where there is one |
| suppressions, not rejected | suppressed; the result stands, as a waiver of ours would let it (3.27.23) |
| artifactLocation.uri | place; an address, where it is one of the web with an address of IP for a host |

Rules: whose the results are the rig file says (`asset`), where no location names an address. Results in external files are told, not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from plumbline.collect.imports.results import (
    WEB_PORTS,
    Read,
    Reported,
    address_of,
    cves_of,
    level_of_score,
    moment_of,
    name_of,
    port_of,
    score_of,
    vector_of,
    words_of,
)
from plumbline.collect.imports.source import Source
from plumbline.collect.json_text import int_of, list_of, object_of
from plumbline.model.errors import ProtocolError
from plumbline.model.words import Severity, Transport, Verdict
from plumbline.rig.addresses import Address

VERSION = "2.1.0"
_KINDS: Mapping[str | None, Verdict] = {
    None: Verdict.FAIL,
    "fail": Verdict.FAIL,
    "pass": Verdict.PASS,
    "notApplicable": Verdict.NOT_APPLICABLE,
}
_LEVELS: Mapping[str, Severity] = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.NONE,
}
PLACES_MAX = 100  # of one result
Rule = Mapping[str, Any]
Place = tuple[Address | None, int | None, str | None]
"""Address, port, and a path at it."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What holds for all results of a run."""

    tool: str
    version: str | None
    rules: Sequence[Rule]
    by_id: Mapping[str, Rule]
    ended_at: str | None


def read(source: Source) -> Iterator[Read]:
    """Give each result; raises ProtocolError when the file is not SARIF 2.1.0."""
    log = object_of(source.json())
    if log.get("version") != VERSION or not isinstance(log.get("runs"), list):
        raise ProtocolError(f"not SARIF {VERSION}: no version and runs that say so")
    if not log["runs"]:
        yield "it holds no run of a tool"
    for value in log["runs"]:
        run = object_of(value)
        common = _run(run)
        if not isinstance(run.get("results"), list):
            yield f"a run of {common.tool} without results: the tool ended before it had any, or they stand in another file"
        for result in list_of(run.get("results")):
            yield from _results(object_of(result), common)
        if any(object_of(one).get("executionSuccessful") is False for one in list_of(run.get("invocations"))):
            yield f"a run of {common.tool} that did not come to its end"
        if list_of(object_of(run.get("externalPropertyFileReferences")).get("results")):
            yield f"results of {common.tool} in other files"


def _run(run: Mapping[str, Any]) -> _Run:
    tool = object_of(run.get("tool"))
    driver = object_of(tool.get("driver"))
    components = [driver, *map(object_of, list_of(tool.get("extensions")))]
    rules = [object_of(rule) for rule in list_of(driver.get("rules"))]
    by_id = {
        rule["id"]: rule for one in components for rule in map(object_of, list_of(one.get("rules"))) if isinstance(rule.get("id"), str)
    }
    ends = [object_of(one).get("endTimeUtc") for one in list_of(run.get("invocations"))]
    return _Run(
        tool=name_of(driver.get("name")) or "a tool without a name",
        version=name_of(driver.get("semanticVersion")) or name_of(driver.get("version")),
        rules=rules,
        by_id=by_id,
        ended_at=next((end for end in reversed(ends) if isinstance(end, str)), None),
    )


def _results(result: Mapping[str, Any], run: _Run) -> Iterator[Read]:
    """Give a result once for each of its places."""
    locations = list_of(result.get("locations"))
    places = list(dict.fromkeys(_location(object_of(one)) for one in locations[:PLACES_MAX])) or [(None, None, None)]
    if len(locations) > PLACES_MAX:
        yield f"a result of {run.tool} in more than {PLACES_MAX} places, of which the first were read"
    for place in places:
        yield _result(result, place, run)


def _result(result: Mapping[str, Any], where: Place, run: _Run) -> Read:
    told = result.get("ruleId") or object_of(result.get("rule")).get("id")
    component = object_of(result.get("rule")).get("toolComponent")  # then the index counts that component's rules, not the driver's
    index = int_of(result.get("ruleIndex")) if component is None else None
    by_index = run.rules[index] if index is not None and 0 <= index < len(run.rules) else {}
    rule = run.by_id.get(told, by_index) if isinstance(told, str) else by_index
    name = name_of(told) or name_of(rule.get("id"))
    if name is None:
        return f"a result of {run.tool} without a rule"
    word = result.get("kind")
    kind = _KINDS.get(word, Verdict.INCONCLUSIVE) if isinstance(word, str | None) else Verdict.INCONCLUSIVE
    level = name_of(result.get("level")) or name_of(object_of(rule.get("defaultConfiguration")).get("level")) or "warning"
    properties = {**object_of(rule.get("properties")), **object_of(result.get("properties"))}
    score = score_of(properties.get("security-severity"))
    address, port, place = where
    suppressions = [object_of(one) for one in list_of(result.get("suppressions"))]
    return Reported(
        tool=run.tool,
        tool_version=run.version,
        rule=name,
        title=name_of(object_of(rule.get("shortDescription")).get("text")) or name_of(rule.get("name")),
        result=Verdict.NOT_APPLICABLE if result.get("baselineState") == "absent" else kind,
        suppressed=any(one.get("status") != "rejected" for one in suppressions) if suppressions else None,
        severity=level,
        level=level_of_score(score) if score else _LEVELS.get(level),
        cvss_vector=vector_of(properties.get("cvss"), properties.get("cvssV3_vector"), properties.get("cvss_vector")),
        cvss_score=score,
        cves=cves_of([name, *(tag for tag in list_of(properties.get("tags")))]),
        address=address,
        transport=Transport.TCP if port is not None else None,
        port=port,
        place=place,
        message=words_of(object_of(result.get("message")).get("text")),
        seen_at=moment_of(run.ended_at),
    )


def _location(location: Mapping[str, Any]) -> Place:
    uri = object_of(object_of(location.get("physicalLocation")).get("artifactLocation")).get("uri")
    if not isinstance(uri, str) or len(uri) > 4_000:
        return None, None, None
    try:
        parts = urlsplit(uri)
        if parts.scheme not in WEB_PORTS:
            return None, None, words_of(parts.path)
        address = address_of(parts.hostname)
        port = (port_of(parts.port) or WEB_PORTS[parts.scheme]) if address is not None else None
        return address, port, words_of(parts.path)
    except ValueError:
        return None, None, None
