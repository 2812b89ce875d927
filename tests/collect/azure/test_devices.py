"""Device exports, registry lists and twin queries: every form, every fault, bounded memory, and no key."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plumbline.collect.azure import collect
from plumbline.collect.azure import records as records_module
from plumbline.collect.azure.devices import drift
from plumbline.collect.azure.records import records
from plumbline.model.errors import ProtocolError
from plumbline.rig.models import Hub
from tests.collect.collecting import Collected, rig_of, run

KEY_1 = "cHJpbWFyeS1wcmltYXJ5LXByaW1hcnk="
KEY_2 = "c2Vjb25kYXJ5LXNlY29uZGFyeS1zZQ=="


def export(device: str = "cam-0001", **more: Any) -> dict[str, Any]:
    keys = {"primaryKey": KEY_1, "secondaryKey": KEY_2}
    prints = {"primaryThumbprint": None, "secondaryThumbprint": None}
    authentication = {"symmetricKey": keys, "x509Thumbprint": prints, "type": "sas"}
    return {"id": device, "status": "enabled", "authentication": authentication, "capabilities": {"iotEdge": False}, **more}


def twin(device: str = "cam-0001", **more: Any) -> dict[str, Any]:
    row = {
        "deviceId": device,
        "status": "enabled",
        "connectionState": "Connected",
        "lastActivityTime": "2026-11-01T00:00:00Z",
        "authenticationType": "selfSigned",
        "tags": {},
        "properties": {"desired": {}, "reported": {}},
    }
    return {**row, **more}


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def collected(folder: Path, data: bytes, name: str = "devices.jsonl") -> Collected:
    path = folder / name
    path.write_bytes(data)
    return run(collect, rig_of(folder, hubs=(Hub("azure-iot-hub", None, path),)))


def test_an_export_becomes_identities_and_its_keys_digests(tmp_path: Path) -> None:
    data = lines(export(), export("cam-0002", moduleId="filter", status="disabled"))
    done = collected(tmp_path, data)
    first, second = done.rows("hub_identity")
    assert (first["entity"], first["subject"], first["hub"], first["device_id"]) == ("identity:devices/cam-0001", "", "devices", "cam-0001")
    assert (second["subject"], second["module_id"], second["status"]) == ("module/filter", "filter", "disabled")
    assert first["primary_key_digest"].startswith("k1:") and first["primary_key_digest"] != first["secondary_key_digest"]
    assert first["primary_key_digest"] == second["primary_key_digest"]
    assert (first["keys_excluded"], first["edge"], first["auth_type"], first["never_connected"]) == (False, False, "sas", None)
    offset = int(second["raw"].rpartition("@")[2])
    assert json.loads(data[offset:].split(b"\n")[0])["id"] == "cam-0002"
    assert done.outcomes() == {"hub_identity": "ok", "hub_twin": "not_supported"}
    assert KEY_1 not in done.everything() and KEY_2 not in done.everything()


def test_an_equal_pair_of_keys_has_equal_digests(tmp_path: Path) -> None:
    keys = {"symmetricKey": {"primaryKey": KEY_1, "secondaryKey": KEY_1}, "type": "sas"}
    [row] = collected(tmp_path, lines(export(authentication=keys))).rows("hub_identity")
    assert row["primary_key_digest"] == row["secondary_key_digest"]


EXCLUDED: dict[str, tuple[dict[str, Any], bool]] = {
    "keys left out": ({"symmetricKey": {"primaryKey": None, "secondaryKey": None}, "type": "sas"}, True),
    "keys masked": ({"symmetricKey": {"primaryKey": "****", "secondaryKey": "****"}, "type": "sas"}, True),
    "one key": ({"symmetricKey": {"primaryKey": KEY_1, "secondaryKey": None}, "type": "sas"}, False),
    "X.509 has none": ({"x509Thumbprint": {"primaryThumbprint": "aa:bb"}, "type": "selfSigned"}, False),
    "an authority": ({"type": "certificateAuthority"}, False),
}


@pytest.mark.parametrize("case", EXCLUDED)
def test_keys_excluded(case: str, tmp_path: Path) -> None:
    authentication, expected = EXCLUDED[case]
    [row] = collected(tmp_path, lines(export(authentication=authentication))).rows("hub_identity")
    assert row["keys_excluded"] is expected


def test_thumbprints_compare_however_they_are_written(tmp_path: Path) -> None:
    prints = ["aabb" * 10, ":".join(["AA", "BB"] * 10)]
    rows = [
        export(f"d{n}", authentication={"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": p}}) for n, p in enumerate(prints)
    ]
    assert {row["primary_thumbprint"] for row in collected(tmp_path, lines(*rows)).rows("hub_identity")} == {"AABB" * 10}


def test_a_twin_query_becomes_twins(tmp_path: Path) -> None:
    reported = {
        "deviceInformation": {"model": "cam-3", "swVersion": "1.4.2", "serialNumber": "SN1"},
        "net": {"mac": "24-A4-3C-10-00-01"},
        "interval": {"value": 60, "ac": 200, "av": 3},
        "mode": "auto",
        "$version": 9,
    }
    desired = {"interval": 30, "mode": "auto", "unreported": 1, "$version": 4, "$metadata": {"interval": {}}}
    tags = {"site": "harbour", "wifi": {"password": "hunter2hunter2"}}
    row = twin(tags=tags, properties={"desired": desired, "reported": reported})
    done = collected(tmp_path, json.dumps([row, twin("never", lastActivityTime="0001-01-01T00:00:00Z")]).encode())
    first, second = done.rows("hub_twin")
    assert (first["model"], first["firmware_version"], first["serial"], first["mac"]) == ("cam-3", "1.4.2", "SN1", "24:a4:3c:10:00:01")
    assert (first["drift"], first["desired_version"], first["reported_version"]) == (["interval"], 4, 9)
    assert first["secrets"] == ["tags.wifi.password"]
    assert (first["auth_type"], first["connection_state"]) == ("selfSigned", "Connected")
    assert (first["last_activity_at"], first["never_connected"]) == (datetime(2026, 11, 1, tzinfo=UTC), False)
    assert (second["last_activity_at"], second["never_connected"]) == (None, True)
    assert (second["secrets"], second["drift"]) == ([], None)
    assert done.outcomes() == {"hub_twin": "ok", "hub_identity": "not_supported"}
    assert "hunter2" not in done.everything()


def test_an_export_with_twins_fills_both(tmp_path: Path) -> None:
    properties = {"desired": {"a": 1}, "reported": {"a": 2}}
    done = collected(tmp_path, lines(export(tags={"model": "cam-3"}, properties=properties)))
    assert [row["drift"] for row in done.rows("hub_twin")] == [["a"]]
    assert [row["auth_type"] for row in done.rows("hub_twin")] == ["sas"]
    assert done.outcomes() == {"hub_identity": "ok", "hub_twin": "ok"}


DRIFT: dict[str, tuple[dict[str, Any], dict[str, Any], list[str] | None]] = {
    "equal": ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2]}}, []),
    "nested": ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c"]),
    "true is not one": ({"a": True}, {"a": 1}, ["a"]),
    "one is 1.0": ({"a": 1}, {"a": 1.0}, []),
    "text is not a number": ({"a": "1"}, {"a": 1}, ["a"]),
    "nothing desired": ({"$version": 1}, {"a": 1}, None),
    "nothing reported": ({"a": 1}, {"$version": 1}, None),
    "nothing in common": ({"a": 1}, {"b": 1}, None),
    "an acknowledgement stands for its value": ({"a": 1}, {"a": {"value": 1, "ac": 200, "av": 2}}, []),
    "an object for a value": ({"a": 1}, {"a": {"b": 1}}, ["a"]),
}


@pytest.mark.parametrize("case", DRIFT)
def test_drift(case: str) -> None:
    desired, reported, expected = DRIFT[case]
    assert drift(desired, reported) == expected


WHOLE = [export("a"), export("b"), export("c")]
FORMS = {
    "lines": lines(*WHOLE),
    "lines of Windows": lines(*WHOLE).replace(b"\n", b"\r\n"),
    "lines without a last line end": lines(*WHOLE)[:-1],
    "lines with blanks between": b"\n\n".join(json.dumps(row).encode() for row in WHOLE),
    "a byte order mark": b"\xef\xbb\xbf" + lines(*WHOLE),
    "an array": json.dumps(WHOLE).encode(),
    "an array over many lines": json.dumps(WHOLE, indent=2).encode(),
    "a list answer": json.dumps({"value": WHOLE}).encode(),
    "a list answer over many lines": json.dumps({"value": WHOLE}, indent=2).encode(),
    "objects over many lines": b"\n".join(json.dumps(row, indent=2).encode() for row in WHOLE),
}


@pytest.mark.parametrize("case", FORMS)
def test_forms(case: str, tmp_path: Path) -> None:
    done = collected(tmp_path, FORMS[case])
    assert [row["device_id"] for row in done.rows("hub_identity")] == ["a", "b", "c"]
    assert done.outcomes()["hub_identity"] == "ok"


PARTIAL = {
    "a last line cut off": (lines(*WHOLE)[:-40], 2, "line 3"),
    "a bad line": (lines(export("a")) + b"nonsense\n" + lines(export("b")), 2, "line 2"),
    "a bad first line": (b"{nonsense\n" + lines(*WHOLE), 3, "line 1"),
    "a line of another kind": (lines(export("a"), {"hello": 1}), 1, "line 2"),
    "a line that is a list": (lines(export("a"), [1]), 1, "line 2"),
    "a line nested too deep": (lines(export("a")) + b'{"id":' * 100_000 + b"\n" + lines(export("b")), 2, "line 2"),
    "no UTF-8": (lines(export("a")) + b'{"id": "\xff"}\n', 1, "not UTF-8"),
    "an id beyond all bounds": (lines(export("a"), export("x" * 5000)), 1, "names no device"),
    "an array cut off": (json.dumps(WHOLE).encode()[:-30], 2, "element 3"),
    "an array without its end": (json.dumps(WHOLE).encode()[:-1], 3, "element 4"),
    "a bad element": (b"[" + json.dumps(WHOLE[0]).encode() + b", {nonsense}, {}]", 1, "element 2"),
    "an element of another kind": (b"[5," + json.dumps(WHOLE[0]).encode() + b"]", 1, "element 1"),
    "something after the array": (json.dumps(WHOLE).encode() + b"x", 3, "after the array"),
    "no comma": (b"[" + json.dumps(WHOLE[0]).encode() + b" " + json.dumps(WHOLE[1]).encode() + b"]", 1, "expected"),
}


@pytest.mark.parametrize("case", PARTIAL)
def test_a_partial_file_is_partial_and_says_where(case: str, tmp_path: Path) -> None:
    data, rows, place = PARTIAL[case]
    done = collected(tmp_path, data)
    assert len(done.rows("hub_identity")) == rows
    assert done.outcomes()["hub_identity"] == "partial"
    assert done.outcomes()["hub_twin"] != "ok"
    assert place in done.details()["hub_identity"]


UNREADABLE = {
    "empty": (b"", "protocol_error"),
    "blank": (b" \n\n ", "protocol_error"),
    "text": (b"deviceId,status\ncam,enabled\n", "protocol_error"),
    "nothing but bad lines": (b"{x\n" * 1000, "protocol_error"),
    "sixteen bits": (lines(*WHOLE).decode().encode("utf-16"), "protocol_error"),
    "an empty list": (b"[]", "partial"),
    "a bomb": (b"[" * 2_000_000, "protocol_error"),
    "a bomb of objects": (b'{"a":' * 500_000, "protocol_error"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_said_for_both_tables(case: str, tmp_path: Path) -> None:
    data, outcome = UNREADABLE[case]
    done = collected(tmp_path, data)
    assert done.outcomes("hub:/devices") == {"hub_identity": outcome, "hub_twin": outcome}
    assert all("devices.jsonl" in detail for detail in done.details().values())


def test_half_a_character_does_not_cost_the_batch(tmp_path: Path) -> None:
    data = lines(export("a")) + b'{"id": "b\\ud800", "authentication": {"type": "sas"}}\n'
    assert [row["device_id"] for row in collected(tmp_path, data).rows("hub_identity")] == ["a", "b?"]


def test_values_of_the_wrong_type_are_null(tmp_path: Path) -> None:
    odd = {"deviceId": "a", "authentication": {"type": 5, "symmetricKey": [], "x509Thumbprint": "x"}, "status": {}, "lastActivityTime": 0}
    odd_twin = {
        "deviceId": "b",
        "authenticationType": 7,
        "tags": {"model": 3},
        "properties": {"desired": 1, "reported": {"$version": 2**70}},
    }
    done = collected(tmp_path, lines(odd, odd_twin))
    [identity] = done.rows("hub_identity")
    [found] = done.rows("hub_twin")
    assert (identity["auth_type"], identity["status"], identity["last_activity_at"]) == (None, None, None)
    assert (found["model"], found["reported_version"], found["auth_type"]) == (None, None, None)


def test_several_entries_of_one_resource_are_one_hub(tmp_path: Path) -> None:
    resource = tmp_path / "hub.json"
    resource.write_text(json.dumps({"name": "northwind", "type": "Microsoft.Devices/IotHubs", "properties": {}}))
    (tmp_path / "export.jsonl").write_bytes(lines(export()))
    (tmp_path / "twins.json").write_bytes(json.dumps([twin()]).encode())
    hubs = tuple(Hub("azure-iot-hub", resource, tmp_path / name) for name in ("export.jsonl", "twins.json"))
    done = run(collect, rig_of(tmp_path, hubs=hubs))
    assert len(done.rows("hub")) == 1
    assert {row["entity"] for table in ("hub_identity", "hub_twin") for row in done.rows(table)} == {"identity:northwind/cam-0001"}
    best = {(row["table"], row["outcome"]) for row in done.attempts() if row["entity"] == "hub:/northwind"}
    assert {("hub_identity", "ok"), ("hub_twin", "ok")} <= best


def test_two_lists_of_one_hub_are_ok_only_together(tmp_path: Path) -> None:
    """The registry was exported in two halves and one of them is broken: what is known of the hub's devices is partial."""
    resource = tmp_path / "hub.json"
    resource.write_text(json.dumps({"name": "northwind", "type": "Microsoft.Devices/IotHubs", "properties": {}}))
    (tmp_path / "first.jsonl").write_bytes(lines(export()))
    (tmp_path / "second.jsonl").write_bytes(b"no JSON at all")
    hubs = tuple(Hub("azure-iot-hub", resource, tmp_path / name) for name in ("first.jsonl", "second.jsonl"))
    done = run(collect, rig_of(tmp_path, hubs=hubs))
    said = [(row["outcome"], row["rows"]) for row in done.attempts() if row["table"] == "hub_identity"]
    assert said == [("partial", 1)]


def test_lists_of_the_same_name_in_two_folders_are_two_hubs(tmp_path: Path) -> None:
    paths = [tmp_path / place / "devices.jsonl" for place in ("east", "west")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(lines(export()))
    done = run(collect, rig_of(tmp_path, hubs=tuple(Hub("azure-iot-hub", None, path) for path in paths)))
    assert {row["entity"] for row in done.attempts()} == {"hub:/east.devices.jsonl", "hub:/west.devices.jsonl"}
    assert len({row["entity"] for row in done.rows("hub_identity")}) == 2


def test_large_files_are_several_parts_of_one_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbline.collect.azure.collector.BATCH_ROWS", 10)
    done = collected(tmp_path, lines(*(export(f"d{n}") for n in range(35))))
    assert len(done.rows("hub_identity")) == 35 and len(done.bundle.parts("hub_identity")) == 4
    said = [row["outcome"] for row in done.attempts() if row["table"] == "hub_identity"]
    assert said == ["ok"]


def test_a_stopped_run_leaves_nothing_of_a_file_that_it_was_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbline.collect.azure.collector.BATCH_ROWS", 10)
    path = tmp_path / "devices.jsonl"
    path.write_bytes(lines(*(export(f"d{n}") for n in range(35))))
    answers = iter([False, True, True])
    done = run(collect, rig_of(tmp_path, hubs=(Hub("azure-iot-hub", None, path),)), stop=lambda: next(answers))
    assert done.rows("hub_identity") == [] and done.attempts() == []
    assert list(done.bundle.path.glob("tables/*/*")) == []


def test_records_survive_every_way_of_cutting_and_changing_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "_BLOCK", 16)  # so that every border is crossed
    for data in (FORMS["an array over many lines"], FORMS["lines"], FORMS["objects over many lines"]):
        for cut in range(0, len(data), 7):
            _drain(data[:cut])
        for place in range(0, len(data), 11):
            for byte in (0, 0x22, 0x5B, 0x7D, 0xFF):
                _drain(data[:place] + bytes([byte]) + data[place + 1 :])


def _drain(data: bytes) -> None:
    try:
        for record in records(io.BytesIO(data)):
            assert (record.body is None) == (record.problem is not None)
            assert 0 <= record.offset <= len(data)
    except ProtocolError:
        pass


@pytest.mark.parametrize("opening", [b"[", b""])
def test_a_record_over_the_limit_is_said(opening: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "RECORD_MAX", 4096)
    monkeypatch.setattr(records_module, "_BLOCK", 1024)
    separator, closing = (b",\n", b"]") if opening else (b"\n", b"\n")
    rows = [json.dumps(export(name, tags={"x": "y" * size})).encode() for name, size in (("a", 1), ("b", 100_000), ("c", 1))]
    done = collected(tmp_path, opening + separator.join(rows) + closing)
    assert done.outcomes()["hub_identity"] == "partial"
    found = [row["device_id"] for row in done.rows("hub_identity")]
    # In an array nothing says where the next element begins.
    assert found == (["a"] if opening else ["a", "c"])
    assert "element 2" in done.details()["hub_identity"] if opening else "line 2" in done.details()["hub_identity"]


MEMORY = """
import resource, sys
from pathlib import Path
from tests.collect.collecting import rig_of, run
from plumbline.collect.azure import collect
from plumbline.rig.models import Hub
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
done = run(collect, rig_of(path.parent, hubs=(Hub("azure-iot-hub", None, path),)))
print(done.outcomes("hub:/devices")["hub_identity"], len(done.rows("hub_identity")))
"""


def test_one_line_of_a_gigabyte_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "devices.jsonl"
    with path.open("wb") as stream:
        stream.write(lines(export("a")))
        stream.seek(1 << 30, 1)  # a hole: zero bytes without a line end, and nothing on the disk
        stream.write(b"\n" + lines(export("b")))
    root = Path(__file__).parents[3]
    answer = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, cwd=root, timeout=100, check=False)
    assert answer.stdout.strip() == "partial 2", answer.stderr
