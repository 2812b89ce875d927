"""`plumbline rig`: the first file, the plan that nothing is left out of, the signature."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import RIG, Call, end, start

KEY = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""  # RFC 8032, 7.1, test 1: a secret key that everybody knows
NETWORKS = """never_touch = ["127.64.1.9"]
hosts = ["hub.example"]

[[network]]
name = "cold rooms"
site = "harbour"
ranges = ["127.64.1.0/24", "127.64.2.7/32"]
ports = [22, 443, "udp/5683"]

[[asset]]
id = "press"
address = "127.64.1.8"
safety = true
"""


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "rig.toml"
    path.write_text(RIG.format(intrusion="session", rate=50) + NETWORKS)
    return path


def test_init_writes_a_file_that_check_accepts(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    assert call("rig", "init", path).out == f"Wrote {path}. Fill it in, then: plumbline rig check {path}\n"
    ended = call("rig", "check", path)
    assert ended.code == 0
    assert "closed, and it will not open again" in ended.out
    assert ", once the authorisation is open" in ended.out
    assert "An audit would contact nothing now." in ended.out
    assert call("rig", "init", tmp_path / "b.toml", "--json").json == {"rig": str(tmp_path / "b.toml")}


def test_check_leaves_nothing_out(call: Call, live: Path) -> None:
    ended = call("rig", "check", live)
    assert (ended.code, ended.err) == (0, "")
    for words in (
        *("A small rig (small)", "Northwind", "NW-1, granted by the test", "session: several handshakes", "any time", "nobody"),
        *("1 Jan 2026, 00:00 UTC to 1 Jan 2099, 00:00 UTC", "Would contact 253 addresses", "cold rooms, site harbour"),
        *("127.64.1.0/24, 127.64.2.7\n", "22 443\n", "5683\n", "hub.example", "127.64.1.9", "asset press (127.64.1.8)"),
        *("Would not contact", "759 exchanges", "Nothing was contacted", f"plumbline audit {live} -o OUT"),
    ):
        assert words in ended.out, words


@pytest.mark.parametrize("columns", [80, 120])
def test_check_fits_the_terminal_and_cuts_nothing(live: Path, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = list(range(1000, 1080))
    live.write_text(live.read_text().replace("22, 443,", f"{', '.join(map(str, ports))},"))
    monkeypatch.setenv("COLUMNS", str(columns))
    ended = end(start("rig", "check", live))
    assert max(len(line) for line in ended.out.splitlines() if str(live) not in line) <= columns
    assert all(str(port) in ended.out for port in ports)
    assert "\u2026" not in ended.out


def test_check_names_each_file_once(call: Call, passive: Callable[..., Path]) -> None:
    path = passive("harbour", "terminal")
    path.write_text(path.read_text() + '[[edge]]\nmanifest = "harbour.json"\ndevice = "x"\n')
    ended = call("rig", "check", path)
    assert "Would read 2 files" in ended.out
    assert ended.out.count("edge  harbour.json  3.") == 1
    assert "every network  intrusion is passive: supplied files only" in ended.out


def test_check_as_json_is_the_plan(call: Call, live: Path) -> None:
    plan = call("rig", "check", live, "--json").json
    assert (plan["rig"], plan["contacted"], plan["signature"]) == ("small", 253, None)
    assert {refusal["reason"] for refusal in plan["refusals"]} == {"never_touch", "no_resolver"}


def test_sign_and_change(call: Call, live: Path, tmp_path: Path) -> None:
    key = tmp_path / "owner.pem"
    key.write_text(KEY)
    live.write_text(live.read_text().replace('"session"', '"credential"'))
    assert "the rig's owner sign this file" in call("rig", "check", live).err
    signed = call("rig", "sign", live, "--key", key, "--signer", "Ada, owner", "--json")
    assert signed.code == 0
    assert signed.json["signature"] == f"{live}.sig"
    checked = call("rig", "check", live)
    assert checked.code == 0
    assert f"Ada, owner, key {signed.json['fingerprint']}" in checked.out
    live.write_text(live.read_text() + "\n")
    changed = call("rig", "check", live)
    assert changed.code == 2
    assert "the rig file was changed since it was signed" in changed.err


def test_sign_says_what_to_compare(call: Call, live: Path, tmp_path: Path) -> None:
    (tmp_path / "owner.pem").write_text(KEY)
    ended = call("rig", "sign", live, "--key", tmp_path / "owner.pem", "--signer", "Ada")
    written = json.loads((tmp_path / "rig.toml.sig").read_text())
    assert written["signer"] == "Ada"
    assert "Any change to rig.toml makes it void." in ended.out
    assert "Key fingerprint, to be compared over another channel: " in ended.out
