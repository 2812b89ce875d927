"""Update clients by their settings: whose keys they name, and that a broken file is said."""

from __future__ import annotations

import pytest

from tests.collect.firmware.making import Node
from tests.collect.firmware.told import told_of_files

Files = dict[str, Node | bytes | str]
ROOT: Files = {"/etc/passwd": b"root:*:0:0::/:/bin/sh\n", "/bin/sh": b"\0", "/usr/x": b"\0"}
CLIENTS: dict[str, tuple[Files, str, list[str], int, list[str]]] = {
    "swupdate with a key": (
        {"/etc/swupdate.cfg": b'globals : { public-key-file = "/etc/key.pem"; };\n', "/etc/key.pem": b"x"},
        *("swupdate", ["/etc/key.pem"], 0, []),
    ),
    "swupdate without one": (
        {"/etc/swupdate.cfg": b'globals : { verbose = true; };\nsuricatta : { url = "https://u:p@up.example/x"; };\n'},
        *("swupdate", [], 0, ["https://up.example"]),
    ),
    "swupdate with a key in its arguments": (
        {"/etc/swupdate.cfg": b"globals : { };\n", "/etc/swupdate/conf.d/10": b'# -k /no\nSWUPDATE_ARGS="-v -k /etc/a.pem"\n'},
        *("swupdate", ["/etc/a.pem"], 1, []),
    ),
    "swupdate with a key in the unit that starts it": (
        {
            "/etc/swupdate.cfg": b"globals : { };\n# url = http://example.org\n",
            "/lib/systemd/system/swupdate.service": b"[Service]\nExecStart=/usr/bin/swupdate -k /etc/a.pem\n",
        },
        *("swupdate", ["/etc/a.pem"], 1, []),
    ),
    "rauc": (
        {"/etc/rauc/system.conf": b"[system]\ncompatible=cam\n\n[keyring]\npath=/etc/rauc/ca.pem\n\n[slot.a]\npath=/dev/x\n"},
        *("rauc", ["/etc/rauc/ca.pem"], 1, []),
    ),
    "rauc without a keyring": ({"/etc/rauc/system.conf": b"[system]\ncompatible=cam\n[slot.a]\npath=/dev/x\n"}, "rauc", [], 0, []),
    "mender": (
        {"/etc/mender/mender.conf": b'{"ServerURL": "https://m.example", "ArtifactVerifyKeys": ["/etc/mender/k.pem"]}'},
        *("mender", ["/etc/mender/k.pem"], 1, ["https://m.example"]),
    ),
    "opkg that checks": (
        {"/etc/opkg.conf": b"src/gz a http://o.example/x\noption check_signature\n", "/etc/opkg/keys/abc": b"k"},
        *("opkg", ["/etc/opkg/keys/abc"], 0, ["http://o.example"]),
    ),
    "opkg that does not": ({"/etc/opkg.conf": b"#option check_signature\n", "/etc/opkg/keys/abc": b"k"}, "opkg", [], 0, []),
}


@pytest.mark.parametrize("case", CLIENTS)
def test_a_client(case: str) -> None:
    files, client, keys, missing, servers = CLIENTS[case]
    told = told_of_files({**ROOT, **files})
    [row] = told.rows["image_update"]
    assert (row["subject"], row["client"], row["key_paths"], row["keys"]) == (f"update/{client}", client, keys, len(keys))
    assert (row["missing_keys"], row["servers"]) == (missing, servers)
    assert row["in_clear"] == (servers == ["http://o.example"] if servers else None)
    assert told.said_of("image_update") == []


@pytest.mark.parametrize("files", [{"/etc/mender/mender.conf": b"{"}, {"/etc/swupdate.cfg": b"globals : {"}], ids=["mender", "swupdate"])
def test_settings_that_are_broken_are_said(files: Files) -> None:
    told = told_of_files({**ROOT, **files})
    assert told.rows["image_update"] == [] and len(told.said_of("image_update")) == 1


def test_what_stands_in_broken_settings_is_not_shown() -> None:
    told = told_of_files({**ROOT, "/etc/swupdate.cfg": b"suricatta : {\n  gatewaytoken = s3cr3t;\n};\n"})
    [said] = told.said_of("image_update")
    assert "line 2, column 18" in said and "s3cr3t" not in said


def test_without_a_client_nothing_is_told() -> None:
    assert told_of_files(ROOT).rows["image_update"] == []
