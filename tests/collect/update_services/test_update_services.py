"""Exports of hawkBit and Device Update: what is read, what is said to be missing, and what is never kept."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from plumbline.collect.update_services import collect
from plumbline.collect.update_services.device_update import read_device_update
from plumbline.collect.update_services.hawkbit import read_hawkbit
from plumbline.collect.update_services.served import Served
from plumbline.model.errors import ProtocolError
from plumbline.rig.models import UpdateService
from tests.collect.collecting import Collected, rig_of, run

TARGET = {
    "controllerId": "cam-0001",
    "name": "dock camera",
    "updateStatus": "in_sync",
    "ipAddress": "10.0.0.5",
    "lastControllerRequestAt": 1_795_000_000_000,
    "securityToken": "2345678DGGDGFTDzztgf",
    "attributes": {"Firmware-Version": "1.4.2", "hwSerial": "x", "mac": "02-00-00-00-00-01", "Model": "Cam-3"},
    "installedDS": {"name": "cam-3", "version": "2.0.1"},
    "assignedDS": {"name": "cam-3", "version": "2.0.1"},
}
DEVICE = {
    "deviceId": "cam-0001",
    "deviceClassId": "c1",
    "groupId": "ring-1",
    "installedUpdate": {"updateId": {"provider": "northwind", "name": "cam-3", "version": "2.0.1"}},
    "lastAttemptedUpdate": {"updateId": {"provider": "northwind", "name": "cam-3", "version": "2.1.0"}},
    "deploymentStatus": "Failed",
    "onLatestUpdate": False,
}
CLASS = {"deviceClassId": "c1", "deviceClassProperties": {"compatProperties": {"manufacturer": "Northwind", "model": "Cam-3"}}}


def collected(folder: Path, kind: str, document: object) -> Collected:
    path = folder / "export.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return run(collect, replace(rig_of(folder), update_services=(UpdateService(kind, path),)))


def test_a_target_of_hawkbit(tmp_path: Path) -> None:
    done = collected(tmp_path, "hawkbit", {"content": [TARGET], "total": 1})
    [row] = done.rows("update_service_device")
    assert (row["entity"], row["subject"], row["service"]) == ("rig:/t", "export.json/device/cam-0001", "hawkbit")
    assert (row["name"], row["model"], row["serial"], row["mac"], row["address"]) == (
        "dock camera",
        "Cam-3",
        None,
        "02:00:00:00:00:01",
        "10.0.0.5",
    )
    assert (row["installed"], row["assigned"], row["reported"], row["status"], row["compliant"]) == (
        "2.0.1",
        "2.0.1",
        "1.4.2",
        "in_sync",
        True,
    )
    assert row["last_seen_at"] == datetime.fromtimestamp(1_795_000_000, UTC)
    assert done.outcomes() == {"update_service_device": "ok"}
    assert "2345678DGGDGFTDzztgf" not in done.everything()


def test_a_device_of_device_update_and_its_class(tmp_path: Path) -> None:
    module = {**DEVICE, "moduleId": "agent"}
    [row] = collected(tmp_path, "device-update", [{"value": [DEVICE, module]}, {"value": [CLASS]}]).rows("update_service_device")
    assert (row["device_id"], row["manufacturer"], row["model"], row["group"]) == ("cam-0001", "Northwind", "Cam-3", "ring-1")
    assert (row["installed"], row["assigned"], row["status"], row["compliant"]) == ("2.0.1", "2.1.0", "Failed", False)


FORMS: dict[str, tuple[str, Any]] = {
    "targets alone": ("hawkbit", [TARGET]),
    "several pages": ("hawkbit", [{"content": [TARGET]}, {"content": []}]),
    "one target": ("hawkbit", TARGET),
    "devices alone": ("device-update", [DEVICE]),
    "one device": ("device-update", DEVICE),
}


@pytest.mark.parametrize(("kind", "document"), FORMS.values(), ids=FORMS)
def test_each_form_is_read(tmp_path: Path, kind: str, document: Any) -> None:
    done = collected(tmp_path, kind, document)
    assert len(done.rows("update_service_device")) == 1
    assert done.outcomes() == {"update_service_device": "ok"}


SHORT: dict[str, tuple[str, Any, str, int, str]] = {
    "a page is missing": ("hawkbit", {"content": [TARGET], "total": 7}, "partial", 1, "1 of 7 targets"),
    "the answer goes on": ("device-update", {"value": [DEVICE], "nextLink": "x"}, "partial", 1, "nextLink"),
    "a target without an id": ("hawkbit", [TARGET, {"name": "x"}], "partial", 1, "target 2 has no controllerId"),
    "a device without an id": ("device-update", [DEVICE, {"groupId": "x"}], "partial", 1, "device 2 has no deviceId"),
    "another export": ("hawkbit", [DEVICE], "protocol_error", 0, "lists no targets"),
    "another kind": ("device-update", [TARGET], "protocol_error", 0, "lists no devices"),
    "no objects": ("device-update", [1], "protocol_error", 0, "not objects"),
    "a number": ("hawkbit", 1, "protocol_error", 0, "lists no targets"),
    "not JSON": ("hawkbit", b"{", "protocol_error", 0, "not JSON"),
}


@pytest.mark.parametrize(("kind", "document", "outcome", "rows", "detail"), SHORT.values(), ids=SHORT)
def test_what_is_missing_is_said(tmp_path: Path, kind: str, document: Any, outcome: str, rows: int, detail: str) -> None:
    done = collected(tmp_path, kind, document)
    assert (done.outcomes(), len(done.rows("update_service_device"))) == ({"update_service_device": outcome}, rows)
    assert detail in done.details()["update_service_device"]


ODD: dict[str, Any] = {
    "a time beyond the calendar": {"lastControllerRequestAt": 10**18},
    "a time that is a text": {"lastControllerRequestAt": "now"},
    "a MAC address that is none": {"attributes": {"mac": "0200000000"}},
    "attributes that are a list": {"attributes": [1]},
    "an address that is none": {"ipAddress": "x"},
    "a set that is a number": {"installedDS": 7},
    "an id that is absurdly long": {"name": "x" * 10_000},
}


@pytest.mark.parametrize("changes", ODD.values(), ids=ODD)
def test_odd_values_were_not_observed(tmp_path: Path, changes: dict[str, Any]) -> None:
    done = collected(tmp_path, "hawkbit", [{"controllerId": "a", **changes}])
    [row] = done.rows("update_service_device")
    given = {"device_id", "entity", "subject", "observed_at", "raw", "service"}
    assert {name: value for name, value in row.items() if value is not None and name not in given} == {}


def test_a_rig_without_update_services_attempts_nothing(tmp_path: Path) -> None:
    assert run(collect, rig_of(tmp_path)).attempts() == []


NAMES = [*TARGET, *DEVICE, *CLASS, "content", "value", "total", "version", "updateId", "manufacturer", "mac", "moduleId"]
LEAVES: list[Any] = [None, True, 0, -1, 10**30, 1.5, "", "x", "02:00:00:00:00:01", "\u202e", "\ud800", "2.0.1", "in_sync"]


def anything(random: Random, depth: int) -> Any:
    """A JSON value of the words that exports use, in no order."""
    kind = random.randrange(4) if depth else 3
    if kind == 0:
        return [anything(random, depth - 1) for _ in range(random.randrange(4))]
    if kind in (1, 2):
        return {random.choice(NAMES): anything(random, depth - 1) for _ in range(random.randrange(6))}
    return random.choice(LEAVES)


@pytest.mark.parametrize("reader", [read_hawkbit, read_device_update])
def test_whatever_stands_in_an_export_gives_devices_words_or_a_protocol_error(reader: Any) -> None:
    random = Random(11)
    for _ in range(5_000):
        with suppress(ProtocolError):
            assert all(isinstance(one, Served | str) for one in reader(anything(random, 5)))
