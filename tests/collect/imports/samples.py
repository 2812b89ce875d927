"""Results as the tools write them, in small; written for these tests after the tools' own descriptions of their formats."""

from __future__ import annotations

import json
from typing import Any

NMAP = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nmaprun>
<?xml-stylesheet href="file:///usr/share/nmap/nmap.xsl" type="text/xsl"?>
<nmaprun scanner="nmap" args="nmap -sV -oX - 10.0.0.0/28" start="1764320000" version="7.93" xmloutputversion="1.05">
<scaninfo type="connect" protocol="tcp" numservices="4" services="22,80,443,1883"/>
<host starttime="1764320000" endtime="1764320100"><status state="up" reason="arp-response" reason_ttl="0"/>
<address addr="10.0.0.1" addrtype="ipv4"/><address addr="02:00:00:00:00:01" addrtype="mac" vendor="Northwind"/>
<ports><extraports state="closed" count="1"><extrareasons reason="conn-refused" count="1"/></extraports>
<port protocol="tcp" portid="22"><state state="open" reason="syn-ack" reason_ttl="0"/><service name="ssh" product="Dropbear sshd"
 version="2022.83" extrainfo="protocol 2.0" method="probed" conf="10"><cpe>cpe:/a:matt_johnston:dropbear_ssh_server:2022.83</cpe></service>
<script id="ssh-hostkey" output="2048 aa"/></port>
<port protocol="tcp" portid="1883"><state state="open" reason="syn-ack" reason_ttl="0"/><service name="mqtt" method="table" conf="3"/>
</port>
<port protocol="tcp" portid="443"><state state="filtered" reason="no-response" reason_ttl="0"/></port>
<port protocol="sctp" portid="9"><state state="open" reason="init-ack" reason_ttl="0"/></port>
</ports></host>
<host><status state="down" reason="no-response" reason_ttl="0"/><address addr="10.0.0.2" addrtype="ipv4"/></host>
<runstats><finished time="1764320101" elapsed="101" exit="success"/><hosts up="1" down="1" total="2"/></runstats>
</nmaprun>
"""

NESSUS = """<?xml version="1.0" ?>
<NessusClientData_v2>
<Policy><policyName>Devices</policyName></Policy>
<Report name="Devices" xmlns:cm="http://www.nessus.org/cm">
<ReportHost name="camera.example"><HostProperties>
<tag name="HOST_END_TIMESTAMP">1764320400</tag><tag name="host-ip">10.0.0.1</tag><tag name="host-fqdn">camera.example</tag>
</HostProperties>
<ReportItem port="443" svc_name="www" protocol="tcp" severity="2" pluginID="51192" pluginName="Certificate Cannot Be Trusted"
 pluginFamily="General">
<cvss3_base_score>6.5</cvss3_base_score><cvss3_vector>CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N</cvss3_vector>
<cvss_base_score>6.4</cvss_base_score><cvss_vector>CVSS2#AV:N/AC:L/Au:N/C:P/I:P/A:N</cvss_vector>
<risk_factor>Medium</risk_factor><synopsis>The certificate of this service
 cannot be trusted.</synopsis><plugin_output>Subject: CN=camera, password=Sup3rSecret</plugin_output></ReportItem>
<ReportItem port="443" svc_name="www" protocol="tcp" severity="4" pluginID="99901" pluginName="Web Server Overflow" pluginFamily="CGI">
<cve>CVE-2024-0001</cve><cve>CVE-2024-0002</cve><risk_factor>Critical</risk_factor></ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="0" pluginID="19506" pluginName="Scan Information" pluginFamily="Settings">
<risk_factor>None</risk_factor></ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="3" pluginID="21157" pluginName="Unix Settings" pluginFamily="Policy">
<compliance>true</compliance><cm:compliance-check-name>5.2.1 root over SSH</cm:compliance-check-name>
<cm:compliance-result>FAILED</cm:compliance-result>
</ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="1" pluginID="21157" pluginName="Unix Settings" pluginFamily="Policy">
<compliance>true</compliance><cm:compliance-check-name>5.2.2 SSH version</cm:compliance-check-name>
<cm:compliance-result>PASSED</cm:compliance-result>
</ReportItem>
</ReportHost>
<ReportHost name="10.0.0.9">
<ReportItem port="22" svc_name="ssh?" protocol="tcp" severity="0" pluginID="10267" pluginName="SSH Server Type"/></ReportHost>
<ReportHost name="nowhere.example"><ReportItem port="22" svc_name="ssh" protocol="tcp" severity="0" pluginID="10267" pluginName="x"/>
</ReportHost>
</Report></NessusClientData_v2>
"""

OPENVAS = """<report id="r1" format_id="f1" extension="xml"><report id="r1"><gmp><version>22.4</version></gmp>
<scan_run_status>Done</scan_run_status>
<results max="100" start="1">
<result id="a"><name>SSH: weak ciphers</name><creation_time>2026-11-20T09:22:12Z</creation_time>
<modification_time>2026-11-20T09:30:00Z</modification_time><host>10.0.0.1<asset asset_id="x"/><hostname>camera.example</hostname></host>
<port>22/tcp</port><nvt oid="1.3.6.1.4.1.25623.1.0.105611"><type>nvt</type><name>SSH: weak ciphers</name><family>General</family>
<cvss_base>4.3</cvss_base><severities score="4.3"><severity type="cvss_base_v3">
<value>CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:N/A:N</value></severity></severities>
<tags>cvss_base_vector=AV:N/AC:M/Au:N/C:P/I:N/A:N|summary=The server allows weak ciphers.|solution=Turn them off.</tags>
<refs><ref type="cve" id="cve-2008-5161"/><ref type="url" id="https://example.org"/></refs></nvt>
<threat>Medium</threat><severity>4.3</severity><qod><value>95</value><type/></qod><description>Ciphers: arcfour</description>
<detection><result id="d"><details><detail><name>product</name></detail></details></result></detection></result>
<result id="b"><name>Banner</name><host>10.0.0.1</host><port>general/tcp</port><nvt oid="1.3.6.1.4.1.25623.1.0.1"><name>Banner</name></nvt>
<threat>Log</threat><severity>0.0</severity></result>
<result id="c"><name>Default login</name><host>10.0.0.1</host><port>80/tcp</port><nvt oid="1.3.6.1.4.1.25623.1.0.2">
<name>Default login</name></nvt>
<threat>False Positive</threat><severity>-1.0</severity></result>
</results>
<result_count>3<full>5</full><filtered>3</filtered></result_count>
</report></report>
"""

NUCLEI: list[dict[str, Any]] = [
    {
        "template-id": "CVE-2024-0003",
        "info": {
            "name": "Camera page reads any file",
            "severity": "high",
            "description": "A page of the camera reads any file.",
            "classification": {
                "cve-id": ["cve-2024-0003"],
                "cvss-metrics": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
                "cvss-score": 7.5,
            },
        },
        "type": "http",
        "host": "10.0.0.1",
        "port": "8443",
        "url": "https://10.0.0.1:8443",
        "matched-at": "https://me:pw@10.0.0.1:8443/read?file=/etc/passwd&token=abcdef",
        "ip": "10.0.0.1",
        "timestamp": "2026-11-20T10:00:00.123456789+01:00",
        "request": "GET /read HTTP/1.1\r\nAuthorization: Basic bWU6cHc=",
        "response": "root:$6$salt$hash",
        "extracted-results": ["root:$6$salt$hash"],
        "curl-command": "curl -u me:pw ...",
        "matcher-status": True,
    },
    {
        "template-id": "tech-detect",
        "matcher-name": "nginx",
        "info": {"name": "Technology", "severity": "info"},
        "host": "10.0.0.1:80",
        "matched-at": "http://10.0.0.1",
    },
    {"template-id": "odd", "info": {"name": "Odd", "severity": "unknown"}, "host": "camera.example", "matched-at": "camera.example"},
    {"template-id": "none", "info": {"name": "None", "severity": "low"}, "ip": "10.0.0.1", "matcher-status": False},
]


def lines(entries: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


SARIF: dict[str, Any] = {
    "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "codescan",
                    "semanticVersion": "3.1.0",
                    "rules": [
                        {
                            "id": "c/overflow",
                            "shortDescription": {"text": "Copies without a bound"},
                            "properties": {"security-severity": "8.8", "tags": ["security", "external/cwe/cwe-120"]},
                        },
                        {"id": "c/style", "defaultConfiguration": {"level": "note"}},
                    ],
                }
            },
            "invocations": [{"executionSuccessful": True, "endTimeUtc": "2026-11-19T08:00:00Z"}],
            "results": [
                {
                    "ruleId": "c/overflow",
                    "level": "error",
                    "message": {"text": "strcpy into a buffer of 16 bytes"},
                    "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/net.c"}, "region": {"startLine": 12}}}],
                },
                {"ruleIndex": 1, "message": {"text": "AccountKey=AAAAbbbbCCCCdddd1111"}},
                {"ruleId": "c/other", "kind": "pass", "level": "none", "message": {"text": "fine"}},
                {"ruleId": "c/review", "kind": "review", "level": "none", "message": {"text": "look"}},
                {"ruleId": "c/waived", "message": {"text": "known"}, "suppressions": [{"kind": "external", "status": "accepted"}]},
                {"ruleId": "c/gone", "message": {"text": "was there"}, "baselineState": "absent"},
                {
                    "ruleId": "web/headers",
                    "message": {"text": "no header"},
                    "locations": [{"physicalLocation": {"artifactLocation": {"uri": "https://10.0.0.1:8443/login?a=b"}}}],
                },
            ],
        }
    ],
}

TESTRUN: dict[str, Any] = {
    "testrun": {"version": "2.2.1"},
    "device": {"mac_addr": "02:00:00:00:00:01", "manufacturer": "Northwind", "model": "Cam 3", "firmware": "1.4.2"},
    "status": "Non-Compliant",
    "started": "2026-11-18 09:00:00",
    "finished": "2026-11-18 09:20:00",
    "tests": {
        "total": 5,
        "results": [
            {
                "name": "security.services.telnet",
                "description": "Telnet on port 23",
                "expected_behavior": "There is no Telnet service",
                "required_result": "Required",
                "result": "Non-Compliant",
            },
            {"name": "security.services.ftp", "description": "No FTP", "required_result": "Required", "result": "Compliant"},
            {"name": "ntp.network.ntp_dhcp", "description": "Other server", "required_result": "Roadmap", "result": "Non-Compliant"},
            {"name": "protocol.valid_modbus", "description": "None", "required_result": "Recommended", "result": "Feature Not Detected"},
            {"name": "security.tls.v1_2_server", "description": "Broke", "required_result": "Required", "result": "Error"},
        ],
    },
}

FILES = {
    "nmap": NMAP.encode(),
    "nessus": NESSUS.encode(),
    "openvas": OPENVAS.encode(),
    "nuclei": lines(NUCLEI).encode(),
    "sarif": json.dumps(SARIF).encode(),
    "testrun": json.dumps(TESTRUN).encode(),
}
