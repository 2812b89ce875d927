"""Whole images into evidence."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plumbline.collect.firmware import collect
from plumbline.lab.files.elf import program
from plumbline.model.words import Outcome
from plumbline.rig.models import Firmware
from tests.collect.collecting import Collected, rig_of, run
from tests.collect.firmware.making import Node, image

PRIVATE = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
HUB_KEY = "Zm9vYmFyYmF6cXV4Y29ycmdlZ3JhdWx0Z2FycGx5d2FsZG8="
HASH = "$1$abcdefgh$" + "x" * 22
CAMERA: dict[str, Node | bytes | str] = {
    "/etc/os-release": b'NAME="Cam OS"\nVERSION_ID=1.4.2\n',
    "/etc/passwd": b"root:x:0:0::/root:/bin/sh\nguest::99:99::/:/bin/sh\n",
    "/etc/shadow": Node(f"root:{HASH}:1::::::\n".encode(), 0o600),
    "/etc/ssl/server.key": PRIVATE,
    "/etc/hub.conf": f"cs=HostName=nw.azure-devices.net;DeviceId=cam-1;SharedAccessKey={HUB_KEY}\n".encode(),
    "/etc/inittab": b"::sysinit:/etc/init.d/rcS\nttyS0::respawn:/sbin/getty -L ttyS0\n",
    "/etc/init.d/rcS": Node(b"#!/bin/sh\nfor i in /etc/init.d/S??*; do $i start; done\n/etc/extra.sh\n", 0o755),
    "/etc/init.d/S50telnet": Node(b"#!/bin/sh\ntelnetd -l /bin/sh\n", 0o755),
    "/etc/init.d/unused": Node(b"#!/bin/sh\nvsftpd\n", 0o755),
    "/etc/extra.sh": Node(b"#!/bin/sh\nsnmpd\n", 0o755),
    "/etc/systemd/system/multi-user.target.wants/web.service": "/lib/systemd/system/web.service",
    "/lib/systemd/system/web.service": b"[Service]\nExecStart=-/usr/sbin/lighttpd -D\n",
    "/lib/systemd/system/idle.service": b"[Service]\nExecStart=/usr/sbin/vsftpd\n",
    "/etc/systemd/system/sockets.target.wants/telnet.socket": "/lib/systemd/system/telnet.socket",
    "/lib/systemd/system/telnet@.service": b"[Service]\nExecStart=/usr/sbin/in.telnetd\n",
    "/etc/inetd.conf": b"#ftp stream tcp nowait root /usr/sbin/ftpd ftpd\ntelnet stream tcp nowait root /usr/sbin/tcpd in.telnetd\n",
    "/root/.ssh/authorized_keys": b"# ours\nssh-ed25519 AAAA maker@factory\n",
    "/bin/busybox": Node(program("busybox", hardened=False), 0o4755),
    "/bin/nc": "busybox",
    "/usr/bin/gdbserver": Node(b"\x7fELF", 0o755),
    "/usr/share/gdbserver": b"a page about it",
    "/var/log": Node({}, 0o777),
    "/tmp": Node({}, 0o1777),
    "/www/upload.cgi": Node(b"#!/bin/sh\n", 0o777),
    "/var/lib/dpkg/status": b"Package: busybox\nStatus: install ok installed\nVersion: 1.36.1\nArchitecture: armhf\n",
}
HARDENED: dict[str, Node | bytes | str] = {
    "/etc/os-release": b"NAME=Cam\n",
    "/etc/version": b"2.0.1\n",
    "/etc/passwd": b"root:*:0:0::/root:/bin/false\n",
    "/bin/busybox": Node(b"\x7fELF", 0o755),
    "/lib/apk/db/installed": b"P:busybox\nV:1.36.1-r29\n",
}


def collected(folder: Path, data: bytes, model: str | None = None) -> Collected:
    path = folder / "cam.bin"
    path.write_bytes(data)
    return run(collect, rig_of(folder, firmware=(Firmware(path, model),)))


def test_the_reader_sees_none_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of logins may stand in it; a tool that the reader starts tells what it was given."""
    tool, told = tmp_path / "unblob", tmp_path / "told"
    tool.write_text(f"#!/bin/sh\nenv > {told}\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("GATEWAY_KEY", "harbour wall 7")
    collected(tmp_path, bytes(range(256)) * 400)
    assert "PATH=" in told.read_text() and "GATEWAY_KEY" not in told.read_text()


def test_a_start_up_script_that_is_too_large_is_said(tmp_path: Path) -> None:
    done = collected(tmp_path, image({**CAMERA, "/etc/init.d/S99all": b"#!/bin/sh\n" + b"# more\n" * 50_000}))
    assert done.outcomes()["image_file"] == Outcome.PARTIAL and "/etc/init.d/S99all" in done.details()["image_file"]


def test_a_weak_camera(tmp_path: Path) -> None:
    done = collected(tmp_path, image(CAMERA), "northwind/cam-3")
    [row] = done.rows("image")
    assert (row["entity"], row["path"], row["format"], row["compression"]) == ("image:/cam.bin", "cam.bin", "squashfs 4.0", "gzip")
    assert (row["model"], row["os_name"], row["os_version"]) == ("northwind/cam-3", "Cam OS", "1.4.2")
    assert row["created_at"] == datetime.fromtimestamp(1_760_000_000, UTC)
    assert row["files"] == sum(isinstance(node.content if isinstance(node, Node) else node, bytes) for node in CAMERA.values())

    files = {(one["kind"], one["path"], one["detail"]) for one in done.rows("image_file")}
    assert files == {
        ("setuid", "/bin/busybox", None),
        ("debug_tool", "/bin/nc", "nc"),
        ("debug_tool", "/usr/bin/gdbserver", "gdbserver"),
        ("world_writable", "/var/log", None),
        ("world_writable", "/www/upload.cgi", None),
        ("authorized_keys", "/root/.ssh/authorized_keys", "1 key"),
        ("startup", "/etc/inittab", "getty"),
        ("startup", "/etc/init.d/rcS", None),
        ("startup", "/etc/init.d/S50telnet", "telnetd"),
        ("startup", "/etc/extra.sh", "snmpd"),
        ("startup", "/lib/systemd/system/web.service", "lighttpd"),
        ("startup", "/lib/systemd/system/telnet@.service", "in.telnetd"),
        ("startup", "/etc/inetd.conf", "in.telnetd"),
    }
    assert {one["mode"] for one in done.rows("image_file") if one["kind"] == "setuid"} == {"4755"}

    accounts = {one["name"]: one for one in done.rows("image_account")}
    assert (accounts["root"]["state"], accounts["root"]["scheme"], accounts["root"]["path"]) == ("hash", "md5", "/etc/shadow")
    assert accounts["root"]["digest"].startswith("k1:")
    assert (accounts["guest"]["state"], accounts["guest"]["digest"], accounts["guest"]["path"]) == ("empty", None, "/etc/passwd")

    [key] = done.rows("image_key")
    assert (key["path"], key["key_type"], key["use"], key["encrypted"], key["offset"]) == ("/etc/ssl/server.key", "ec", "tls", False, 0)
    [secret] = done.rows("image_secret")
    assert (secret["path"], secret["kind"], secret["service"]) == ("/etc/hub.conf", "azure_connection_string", "nw.azure-devices.net")
    [built] = done.rows("image_program")
    assert (built["path"], built["architecture"], built["executable_stack"], built["relro"]) == ("/bin/busybox", "arm", True, "none")
    [package] = done.rows("component")
    assert (package["subject"], package["version"], package["manager"]) == ("component/busybox", "1.36.1", "dpkg")
    assert set(done.outcomes().values()) == {"ok"}
    assert HASH not in done.everything() and HUB_KEY not in done.everything()


def test_a_hardened_one_gives_nothing_and_says_that_it_looked(tmp_path: Path) -> None:
    done = collected(tmp_path, image(HARDENED, "xz"))
    assert done.rows("image_key") == [] == done.rows("image_file")
    assert [one["state"] for one in done.rows("image_account")] == ["locked"]
    assert [one["os_version"] for one in done.rows("image")] == ["2.0.1"]
    assert set(done.outcomes().values()) == {"ok"}


def test_an_image_without_a_package_database_says_so(tmp_path: Path) -> None:
    done = collected(tmp_path, image({"/bin/x": b"1", "/var/lib/rpm/Packages": b"bdb"}))
    assert done.outcomes()["component"] == "partial" or done.outcomes()["component"] == "protocol_error"
    assert "/var/lib/rpm/Packages: an RPM database of no known form" in done.details()["component"]


def test_behind_a_header_everything_is_found_at_its_place(tmp_path: Path) -> None:
    done = collected(tmp_path, b"VENDOR" + bytes(506) + image(CAMERA))
    assert set(done.outcomes().values()) == {"ok"}
    assert [(one["path"], one["state"], one["offset"]) for one in done.rows("image_part")] == [
        ("", "unknown", 0),
        ("@0x200", "opened", 512),
    ]
    assert {one["path"] for one in done.rows("image_key")} == {"/etc/ssl/server.key"}
    assert {one["raw"].rpartition("@")[2] for one in done.rows("image")} == {"512"}


def test_a_file_whose_data_is_broken_makes_its_tables_partial(tmp_path: Path) -> None:
    data = bytearray(image({"/etc/passwd": b"root:x:0:0::/:/bin/sh\n" * 40, "/etc/z": b"z"}))
    data[98:110] = b"\xff" * 12  # the first data block, which is passwd's
    done = collected(tmp_path, bytes(data))
    assert done.outcomes() == {
        "image": "ok",
        "image_part": "ok",
        "image_signature": "ok",
        "component": "not_supported",
        "image_kernel": "ok",
        "image_key": "partial",
        "image_certificate": "partial",
        "image_secret": "partial",
        "image_program": "partial",
        "image_account": "partial",
        "image_file": "ok",
        "image_update": "ok",
    }
    assert "/etc/passwd" in done.details()["image_account"]


UNREADABLE = {
    "empty": (b"", "protocol_error"),
    "another format": (b"\x7fELF" + bytes(9000), "not_supported"),
    "no format at all": (b"hello", "not_supported"),
    "an older squashfs": (image(HARDENED)[:28] + b"\x03" + image(HARDENED)[29:], "not_supported"),
    "an unknown compression": (image(HARDENED)[:20] + b"\x63" + image(HARDENED)[21:], "not_supported"),
    "a root that is not there": (image(HARDENED)[:32] + b"\xff" * 8 + image(HARDENED)[40:], "protocol_error"),
    "cut to its superblock": (image(HARDENED)[:96], "protocol_error"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_said_for_each_table(case: str, tmp_path: Path) -> None:
    data, outcome = UNREADABLE[case]
    done = collected(tmp_path, data)
    told = done.outcomes()
    assert {told.pop(table) for table in ("image", "image_part")} == {"ok" if outcome == "not_supported" else "partial"}
    assert set(told.values()) == {outcome} and len(told) == 10
    assert all(detail.startswith("cam.bin: ") for detail in done.details().values())
    [row] = done.rows("image")  # what is known of it from outside: its digest, for a release index
    assert (len(row["sha256"]), row["files"], row["os_name"]) == (64, None, None)


def test_a_cut_image_is_partial_or_an_error_but_never_ok(tmp_path: Path) -> None:
    data = image(CAMERA).rstrip(b"\0")
    for number, cut in enumerate(range(100, len(data) - 8, 613)):
        here = tmp_path / str(number)
        here.mkdir()
        assert "ok" not in {collected(here, data[:cut]).outcomes()[table] for table in ("image_key", "image_file")}


def test_a_stopped_run_leaves_nothing_of_the_image_that_it_was_reading(tmp_path: Path) -> None:
    path = tmp_path / "cam.bin"
    path.write_bytes(image({f"/f{number:04}": b"x" for number in range(2500)}))
    answers = iter([False, False, True, *[True] * 100])
    done = run(collect, rig_of(tmp_path, firmware=(Firmware(path, None),)), stop=lambda: next(answers))
    assert done.outcomes() == {} and done.rows("image") == []
