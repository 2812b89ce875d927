"""What another scanner says of the routers, as Nessus writes it: a web server that is there, a setting that it audited, and on the weak
side an open port that was closed when the audit came.
"""

from __future__ import annotations

from datetime import timedelta

from plumbline.lab.fleet import Fleet

AUDIT, BANNER = "21157", "10107"
SETTING = "1.4 management from outside is off"
SERVED, GONE = 8080, 8888  # ports of the router; nothing of the lab serves the other one
_FILE = """<?xml version="1.0" ?>
<NessusClientData_v2><Report name="Routers" xmlns:cm="http://www.nessus.org/cm"><ReportHost name="{address}"><HostProperties>
<tag name="host-ip">{address}</tag><tag name="HOST_END_TIMESTAMP">{seen_at:.0f}</tag></HostProperties>
{items}
</ReportHost></Report></NessusClientData_v2>
"""
_ITEM = '<ReportItem port="{port}" svc_name="{service}" protocol="tcp" severity="{severity}" pluginID="{plugin}" pluginName="{title}">'
_SETTING = "<cm:compliance-check-name>{setting}</cm:compliance-check-name><cm:compliance-result>{result}</cm:compliance-result>"


def results(fleet: Fleet, *, switched: bool) -> bytes:
    """Write the results about one side's router, of the day before the lab's."""
    weak = fleet.weak(switched=switched)
    failed = weak("import.imported_finding_open")
    banner = {"severity": 0, "plugin": BANNER, "title": "Service seen"}
    setting = {"port": 0, "service": "general", "severity": 3 if failed else 1, "plugin": AUDIT, "title": "Router settings"}
    items = [
        _ITEM.format(port=SERVED, service="www", **banner) + "</ReportItem>",
        _ITEM.format(**setting) + _SETTING.format(setting=SETTING, result="FAILED" if failed else "PASSED") + "</ReportItem>",
    ]
    if weak("import.service_unseen_by_us"):
        items.append(_ITEM.format(port=GONE, service="www", **banner) + "</ReportItem>")
    address, seen_at = fleet.twin("router", switched=switched).address, (fleet.at - timedelta(days=1)).timestamp()
    return _FILE.format(address=address, seen_at=seen_at, items="\n".join(items)).encode()
