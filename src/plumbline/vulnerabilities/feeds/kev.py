"""CISA's catalogue of vulnerabilities that are known to be exploited (KEV).

    {"catalogVersion", "dateReleased", "count", "vulnerabilities": [
        {"cveID", "vendorProject", "product", "dateAdded", "dueDate", "knownRansomwareCampaignUse": "Known" | "Unknown", "requiredAction"}]}

Source: the catalogue's JSON schema. It names no versions, so it affects nobody by itself: it is joined by CVE. Entries are taken back now
and then, so an import takes the place of the last one; one that holds another number of entries than it says is not whole, and not taken.
"""

from __future__ import annotations

from typing import Any

from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.facts import Exploited, Record, Unread
from plumbline.vulnerabilities.feed import Feed, Read
from plumbline.vulnerabilities.reading import cve_of, list_of, moment_of, name_of, object_of, text_of

_RANSOMWARE = {"Known": True}  # "Unknown" is unknown


def _is_kev(value: Any) -> bool:
    return isinstance(value, dict) and "catalogVersion" in value and isinstance(value.get("vulnerabilities"), list)


def _read(value: Any) -> Read:
    released, entries, count = moment_of(value.get("dateReleased")), list_of(value.get("vulnerabilities")), value.get("count")
    if isinstance(count, int) and count != len(entries):
        raise ProtocolError(f"holds {len(entries)} entries and says that it has {str(count)[:20]}")
    for number, item in enumerate(entries):
        entry = object_of(item)
        cve = cve_of(entry.get("cveID"))
        if cve is None:
            yield Unread(f"vulnerabilities {number}", "has no cveID that is one")
            continue
        exploited = Exploited(
            id=cve,
            vendor=name_of(entry.get("vendorProject")),
            product=name_of(entry.get("product")),
            added_at=moment_of(entry.get("dateAdded")),
            due_at=moment_of(entry.get("dueDate")),
            ransomware=_RANSOMWARE.get(str(entry.get("knownRansomwareCampaignUse"))),
            action=text_of(entry.get("requiredAction")),
        )
        yield Record(key=cve, dated_at=released, exploited=(exploited,))


FEED = Feed("kev", "kev", "CISA Known Exploited Vulnerabilities", "CC0-1.0", whole=True, recognises=_is_kev, values=_read)
