"""IoT Edge deployments: every form, the container options, and what must not be kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plumbline.collect.edge import collect
from plumbline.collect.edge.manifest import pinned
from plumbline.collect.edge.options import join_options, read_options
from plumbline.model.errors import ProtocolError
from plumbline.rig.models import Edge
from tests.collect.collecting import REAL_DATA, Collected, rig_of, run


def manifest(module: dict[str, Any] | None = None, **agent: Any) -> dict[str, Any]:
    body = module or {"settings": {"image": "acme.azurecr.io/filter:1.2.3", "createOptions": "{}"}}
    desired = {
        "schemaVersion": "1.1",
        "runtime": {"type": "docker", "settings": {}},
        "systemModules": {
            "edgeAgent": {"settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.5"}},
            "edgeHub": {"settings": {"image": "mcr.microsoft.com/azureiotedge-hub:1.5"}, "env": {"SslProtocols": {"value": "tls1.0"}}},
        },
        "modules": {"filter": body},
        **agent,
    }
    hub = {"schemaVersion": "1.2", "routes": {"up": "FROM /messages/* INTO $upstream"}}
    return {"modulesContent": {"$edgeAgent": {"properties.desired": desired}, "$edgeHub": {"properties.desired": hub}}}


def collected(folder: Path, document: object) -> Collected:
    path = folder / "deployment.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return run(collect, rig_of(folder, edges=(Edge(path),)))


def module_row(folder: Path, host: dict[str, Any], **options: Any) -> dict[str, Any]:
    settings = {"image": "a/b:1", "createOptions": json.dumps({"HostConfig": host, **options})}
    return next(row for row in collected(folder, manifest({"settings": settings})).rows("edge_module") if row["name"] == "filter")


def test_a_deployment_becomes_rows_of_three_tables(tmp_path: Path) -> None:
    credentials = {"acme": {"address": "acme.azurecr.io", "username": "acme", "password": "s3cret-registry"}}
    done = collected(tmp_path, manifest(runtime={"settings": {"registryCredentials": credentials}}))
    [deployment] = done.rows("edge_deployment")
    assert deployment["entity"] == "edge:/deployment.json"
    assert deployment["path"] == "deployment.json"
    assert (deployment["schema_version"], deployment["hub_schema_version"]) == ("1.1", "1.2")
    assert (deployment["agent_image"], deployment["hub_ssl_protocols"]) == ("mcr.microsoft.com/azureiotedge-agent:1.5", "tls1.0")
    assert (deployment["routes"], deployment["modules"]) == (1, 1)
    assert deployment["raw"].startswith("file/")
    assert {row["subject"]: row["system"] for row in done.rows("edge_module")} == {
        "module/edgeAgent": True,
        "module/edgeHub": True,
        "module/filter": False,
    }
    [registry] = done.rows("edge_registry")
    assert (registry["subject"], registry["address"], registry["password_literal"]) == ("registry/acme", "acme.azurecr.io", True)
    assert done.outcomes() == {"edge_deployment": "ok", "edge_module": "ok", "edge_registry": "ok"}
    assert "s3cret-registry" not in done.everything()


WEAK: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "privileged": ({"Privileged": True}, {"privileged": True}),
    "keys in another case": ({"privileged": True, "capadd": ["net_admin"]}, {"privileged": True, "cap_add": ["NET_ADMIN"]}),
    "host namespaces": ({"NetworkMode": "host", "PidMode": "host"}, {"host_namespaces": ["network", "pid"]}),
    "another container's network is not the host's": ({"NetworkMode": "container:x"}, {"host_namespaces": []}),
    "a placeholder where a namespace belongs": ({"NetworkMode": "${MODE}"}, {"host_namespaces": None}),
    "a placeholder where a flag belongs": ({"Privileged": "${PRIVILEGED}"}, {"privileged": None}),
    "capabilities": ({"CapAdd": ["CAP_SYS_ADMIN"], "CapDrop": ["all"]}, {"cap_add": ["SYS_ADMIN"], "cap_drop": ["ALL"]}),
    "the engine's socket": (
        {"Binds": ["/var/run/docker.sock:/var/run/docker.sock:ro"]},
        {"docker_socket": True, "sensitive_mounts": ["/var/run/docker.sock:ro"]},
    ),
    "a folder that holds the socket": ({"Binds": ["/var/run:/host"]}, {"docker_socket": True, "sensitive_mounts": ["/var/run:rw"]}),
    "the whole host, by Mounts": (
        {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host", "ReadOnly": True}]},
        {"sensitive_mounts": ["/:ro"], "docker_socket": True},
    ),
    "a path that hides": ({"Binds": ["/opt/../etc/./:/x"]}, {"sensitive_mounts": ["/etc:rw"]}),
    "a volume that is a bind": (
        {"Mounts": [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Options": {"type": "none", "o": "bind", "device": "/root"}}}}]},
        {"sensitive_mounts": ["/root:rw"]},
    ),
    "a disk": ({"Devices": [{"PathOnHost": "/dev/sda"}]}, {"sensitive_mounts": ["/dev/sda:rw"]}),
    "harmless paths and volumes": (
        {"Binds": ["/etc/localtime:/etc/localtime:ro", "data:/data", "/srv/app:/app"], "Devices": [{"PathOnHost": "/dev/ttyUSB0"}]},
        {"sensitive_mounts": [], "docker_socket": False},
    ),
    "a path still to be filled in": ({"Binds": ["<TokenFile>:/var/run/oidc.json"]}, {"sensitive_mounts": None, "docker_socket": None}),
    "a Windows host": (
        {"Binds": ["C:\\ProgramData:C:\\data", "\\\\.\\pipe\\docker_engine:\\\\.\\pipe\\docker_engine"]},
        {"sensitive_mounts": ["C:\\ProgramData:rw", "\\\\.\\pipe\\docker_engine:rw"], "docker_socket": True},
    ),
    "read-only root": (
        {"ReadonlyRootfs": True, "SecurityOpt": ["no-new-privileges:true"]},
        {"read_only_root": True, "no_new_privileges": True},
    ),
    "new privileges": ({"SecurityOpt": ["no-new-privileges:false"]}, {"no_new_privileges": False}),
    "limits": ({"Memory": 134217728, "PidsLimit": 100}, {"memory_limit": 134217728, "pids_limit": 100}),
    "limits lifted": ({"Memory": -1}, {"memory_limit": 0, "pids_limit": 0}),
    "log with a size": (
        {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}},
        {"log_driver": "json-file", "log_bounded": True},
    ),
    "log without": ({"LogConfig": {"Type": "json-file"}}, {"log_bounded": False}),
    "log not named": ({}, {"log_driver": None, "log_bounded": False}),
    "no log": ({"LogConfig": {"Type": "none"}}, {"log_bounded": True}),
    "log of the system": ({"LogConfig": {"Type": "journald"}}, {"log_bounded": None}),
    "ports": (
        {"PortBindings": {"8883/tcp": [{"HostPort": "8883"}], "161/udp": [{"HostIp": "127.0.0.1", "HostPort": "1161"}]}},
        {"published_ports": ["*:8883/tcp", "127.0.0.1:1161/udp"]},
    ),
    "all ports": ({"PublishAllPorts": True}, {"published_ports": ["*:0/tcp"]}),
}


@pytest.mark.parametrize("case", WEAK)
def test_options(case: str, tmp_path: Path) -> None:
    host, expected = WEAK[case]
    row = module_row(tmp_path, host, ExposedPorts={"9600/tcp": {}})
    assert {name: row[name] for name in expected} == expected
    assert row["options_valid"] is True


def test_options_are_joined_in_order() -> None:
    text = json.dumps({"HostConfig": {"Privileged": True}})
    split = {"createOptions01": text[10:20], "createOptions": text[:10], "createOptions02": text[20:], "image": "x"}
    assert read_options(join_options(split)).privileged is True
    assert join_options({"createOptions": {"User": "1000"}}) == {"User": "1000"}
    assert join_options({"createOptions": ""}) == {} == join_options({})


@pytest.mark.parametrize("options", ["{", "[]", '"text"', "<Options>", 5, "[" * 100_000])
def test_options_that_cannot_be_read_leave_their_columns_null(options: object, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError):
        join_options({"createOptions": options})
    done = collected(tmp_path, manifest({"settings": {"image": "a:1.2.3", "createOptions": options}}))
    row = next(row for row in done.rows("edge_module") if row["name"] == "filter")
    assert row["options_valid"] is False
    assert row["privileged"] is None and row["cap_add"] is None and row["secret_environment"] == []


def test_secret_environment_names_are_kept_and_values_are_not(tmp_path: Path) -> None:
    env = {"MQTT_PASSWORD": {"value": "hunter2hunter2"}, "API_KEY": {"value": "${API_KEY}"}, "LEVEL": {"value": "debug"}}
    settings = {"image": "a:1", "createOptions": json.dumps({"Env": ["DB_PASSWORD=hunter3hunter3", "MODE=x"]})}
    done = collected(tmp_path, manifest({"env": env, "settings": settings}))
    row = next(row for row in done.rows("edge_module") if row["name"] == "filter")
    assert row["secret_environment"] == ["DB_PASSWORD", "MQTT_PASSWORD"]
    assert "hunter" not in done.everything()


PINNED = {
    "acme.azurecr.io/filter:1.2.3": True,
    "filter:v1.4.10-linux-amd64": True,
    "localhost:5000/filter:2.0.1_beta": True,
    "filter@sha256:" + "a" * 64: True,
    "${REGISTRY}/filter:1.2.3": True,
    "mcr.microsoft.com/azureiotedge-hub:1.5": False,
    "filter:latest": False,
    "filter": False,
    "localhost:5000/filter": False,
    "filter:1.2.3 ": False,
    "filter:<Build.BuildNumber>-linux": None,
    "${MODULES.Filter.amd64}": None,
}


@pytest.mark.parametrize("image", PINNED)
def test_pinned(image: str) -> None:
    assert pinned(image) is PINNED[image]


def test_other_forms_of_a_deployment(tmp_path: Path) -> None:
    whole = manifest()
    assert len(collected(tmp_path, {"id": "d", "content": whole}).rows("edge_module")) == 3
    layered = {"modulesContent": {"$edgeAgent": {"properties.desired.modules.extra": {"settings": {"image": "x:1"}}}}}
    [row] = collected(tmp_path, layered).rows("edge_module")
    assert (row["name"], row["image"], row["pinned"]) == ("extra", "x:1", False)


UNREADABLE = {
    "not JSON": b"{",
    "an empty file": b"",
    "another document": b'{"resources": []}',
    "neither agent nor hub": b'{"modulesContent": {}}',
    "a bomb": b"[" * 1_000_000,
    "no Unicode": b"\xff\xfe\xff",
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_said_for_each_table(case: str, tmp_path: Path) -> None:
    done = collected(tmp_path, UNREADABLE[case])
    assert set(done.outcomes().values()) == {"protocol_error"} and len(done.outcomes()) == 3
    assert all("deployment.json" in detail for detail in done.details().values())
    assert not done.rows("edge_module")


def test_a_template_is_told_from_a_broken_file(tmp_path: Path) -> None:
    done = collected(tmp_path, b'{"modulesContent": {"port": ${PORT}}}')
    assert "template" in done.details()["edge_module"]


def test_modules_of_the_wrong_shape_make_the_coverage_partial(tmp_path: Path) -> None:
    done = collected(tmp_path, manifest(modules={"good": {"settings": {}}, "bad": "text"}))
    assert done.outcomes() == {"edge_deployment": "ok", "edge_module": "partial", "edge_registry": "ok"}
    assert "'bad'" in done.details()["edge_module"]


def test_two_files_of_one_name_are_two_entities(tmp_path: Path) -> None:
    for site in ("a", "b"):
        (tmp_path / site).mkdir()
        (tmp_path / site / "deployment.json").write_text(json.dumps(manifest()))
    edges = tuple(Edge(tmp_path / site / "deployment.json") for site in ("a", "b"))
    done = run(collect, rig_of(tmp_path, edges=edges))
    assert {row["entity"] for row in done.rows("edge_deployment")} == {"edge:/a/deployment.json", "edge:/b/deployment.json"}


REAL = {
    "dm_module_to_module_deployment.json": 4,
    "edgehub_restart_deployment.template.json": None,
    "connectivity_deployment.template.json": None,
}


@pytest.mark.parametrize("name", REAL)
def test_real_deployments(name: str, tmp_path: Path) -> None:
    folder = REAL_DATA / "configs"
    if not folder.is_dir():
        pytest.skip("the folder of real files is not beside the repository")
    path = folder / f"edge-manifests__iotedge__e2e_deployment_files__{name}"
    done = run(collect, rig_of(tmp_path, edges=(Edge(path),)))
    assert set(done.outcomes().values()) == {"ok"}
    rows = done.rows("edge_module")
    assert all(row["options_valid"] for row in rows)
    assert REAL[name] in (None, len(rows))
    assert all(row["secret_environment"] == [] for row in rows)  # they hold placeholders
    assert all(row["password_literal"] is False for row in done.rows("edge_registry"))
