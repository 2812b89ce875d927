"""CPE configurations, as NVD and CVE JSON 5 (`cpeApplicability`) both write them: nodes of CPE names with ranges, into statements.

    configurations: [{"operator": "AND" | "OR", "negate", "nodes": [{"operator", "negate", "cpeMatch": [
        {"vulnerable", "criteria", "versionStartIncluding", "versionStartExcluding", "versionEndIncluding", "versionEndExcluding"}]}]}]

Source: NVD CVE API 2.0 schema; NIST IR 7697 for what a match means. Rules: `vulnerable: false` is what it must run on, and so is, under
AND, what another node names; a target software is such a condition too (a plug-in for WordPress is not the program of its name); what is
negated cannot be stated as a range, so it is not read. The update of a version (`4.2.8`, `p10`) is written behind it, with a hyphen and
without.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.cpe import NONE, Cpe, parse_cpe
from plumbline.vulnerabilities.facts import Affected, Origin, Status, Unread
from plumbline.vulnerabilities.ranges import EVERY, Range, between, unread
from plumbline.vulnerabilities.reading import flag_of, name_of, object_of, objects_of

_HARDWARE_MAX = 200  # names of one condition; longer lists are cut, which leaves a condition as unknown as it was


def statements(configurations: object, vulnerability: str, origin: Origin) -> Iterator[Affected | Unread]:
    """Give what configurations say of a vulnerability; one Unread for each criteria that is no CPE name."""
    for configuration in objects_of(configurations):
        nodes = list(objects_of(configuration.get("nodes")))
        joined = configuration.get("operator") == "AND"
        negated = any(flag_of(part.get("negate")) for part in (configuration, *nodes))
        for number, node in enumerate(nodes):
            others = [other for place, other in enumerate(nodes) if place != number] if joined else []
            conditions = [match for other in others for match in objects_of(other.get("cpeMatch"))]
            matches = list(objects_of(node.get("cpeMatch")))
            if node.get("operator") == "AND":
                conditions += [match for match in matches if match.get("vulnerable") is False]
            hardware = tuple(dict.fromkeys(name for match in conditions[:_HARDWARE_MAX] if (name := name_of(match.get("criteria")))))
            for match in matches:
                if match.get("vulnerable") is not False:
                    yield _statement(match, vulnerability, origin, hardware, negated=negated)


def _statement(match: dict[str, Any], vulnerability: str, origin: Origin, hardware: tuple[str, ...], *, negated: bool) -> Affected | Unread:
    try:
        cpe = parse_cpe(name_of(match.get("criteria")) or "")
    except ProtocolError as error:
        return Unread(vulnerability, str(error))
    if cpe.target_sw not in (None, NONE):
        hardware = (*hardware, f"target:{cpe.target_sw}")
    meant = unread("a negated configuration") if negated else _range(cpe, match)
    return Affected(
        vulnerability=vulnerability,
        origin=origin,
        status=Status.AFFECTED,
        vendor=cpe.vendor,
        product=cpe.product,
        cpe=cpe.key,
        hardware=hardware or None,
        fixed_in=meant.upper if meant.upper_closed is False else name_of(object_of(match.get("fix")).get("version")),
        **meant.columns(),
    )


def _range(cpe: Cpe, match: dict[str, Any]) -> Range:
    ends = {key: name_of(match.get(f"version{key}")) for key in ("StartIncluding", "StartExcluding", "EndIncluding", "EndExcluding")}
    if any(ends.values()):
        lower, upper = ends["StartIncluding"] or ends["StartExcluding"], ends["EndIncluding"] or ends["EndExcluding"]
        return between(lower, upper, lower_closed=ends["StartIncluding"] is not None, upper_closed=ends["EndIncluding"] is not None)
    if cpe.version is None:
        return EVERY
    if cpe.version == NONE:
        return unread("no version given (-)")
    if cpe.update in (None, NONE):
        return Range(versions=(cpe.version,))
    return Range(versions=(f"{cpe.version}-{cpe.update}", f"{cpe.version}{cpe.update}"))
