"""Law 8, end to end: of everything that devices, captures, images and exports leak, no secret is in the bundle, the ledger or a report.

Every byte of every file is searched, and every value of every column, in clear and in the codings in which it might have been kept.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq

from plumbline.assess.run import assess
from plumbline.collect.run import collect
from plumbline.lab.files import squashfs
from plumbline.report.registry import formats, write
from plumbline.rig.loading import load
from tests.laws import leaks
from tests.laws.bundles import rows
from tests.laws.labs import lab_rig
from tests.net.rigs import make_rig, rig_text

LEAKY = f"127.62.{os.getpid() % 250 + 1}.77"
FILES = """
[[capture]]
path = "captures/*.pcap"
[[firmware]]
path = "images/*"
[[edge]]
manifest = "edge/harbour.json"
[[hub]]
kind = "azure-iot-hub"
resource = "hub/harbour.arm.json"
devices = "hub/harbour.devices.jsonl"
[[hub]]
kind = "azure-iot-hub"
resource = "hub/harbour.arm.json"
devices = "hub/harbour.twins.jsonl"
"""
RIG = rig_text(networks=[f"{LEAKY}/32"], tcp=[80, 1883, 8554], udp=[5683], rest=FILES)


@contextmanager
def leaking() -> Iterator[None]:
    """The leaky device, in a loop of its own, as `collect` has one itself."""
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            await leaks.serve(stack, LEAKY)
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.01)

    running = threading.Thread(target=lambda: asyncio.run(serve()))
    running.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        done.set()
        running.join()


def codings(secret: str) -> set[bytes]:
    """What a secret looks like when it is kept: in clear, percent-encoded, as hex, as base64 at each of the three alignments."""
    raw = secret.encode()
    middles = [base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)]
    return {raw, quote(secret, safe="").encode(), raw.hex().encode(), raw.hex().upper().encode(), *middles}


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it lies there, and each table's values as text, since Parquet packs them."""
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = str(path.relative_to(folder))
        yield name, path.read_bytes()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            for column in table.column_names:
                yield f"{name}: {column}", repr(table[column].to_pylist()).encode()


def kept(folder: Path, secrets: dict[str, str]) -> list[tuple[str, str]]:
    """Which secret is kept where."""
    wanted = [(place, coded) for place, secret in secrets.items() for coded in codings(secret)]
    return sorted({(place, name) for name, data in contents(folder) for place, coded in wanted if coded in data})


def test_nothing_secret_is_kept(tmp_path: Path) -> None:
    with lab_rig(tmp_path, subset=[]) as (_lab, path):
        folder = path.parent
        (folder / "images/keys.squashfs").write_bytes(image())
        leaks.capture(folder / "captures/leaks.pcap")
    make_rig(folder, RIG, signed=True)
    with leaking():
        collect(load(path), tmp_path / "out/bundle", state=tmp_path / "state", progress=lambda *_: None, now=lambda: datetime.now(UTC))
    bundle, out = tmp_path / "out/bundle", tmp_path / "out"
    assess([bundle], out)
    for name in formats():
        write(name, out)
    planted = {**leaks.PLANTED, **leaks.of_lab_files(folder), "the rig's own key": (folder / "rig.key").read_bytes().hex()}
    assert len(planted) > 50
    assert kept(out, planted) == []

    # They were seen, all the same: each kind has left its mark.
    page = next((bundle / row["raw"]).read_bytes() for row in rows(bundle, "http_service"))
    assert set(re.findall(rb"<redacted:(\w+):", page)) >= {b"cookie", b"authorization", b"password", b"token", b"private_key", b"sas"}
    assert {row["protocol"] for row in rows(bundle, "clear_credential")} >= {"http", "ftp", "mqtt", "telnet", "smtp", "pop3"}
    assert [row["messages"] for row in rows(bundle, "mqtt_broker")] == [1]
    assert rows(bundle, "image_key") and rows(bundle, "image_account")
    assert [row["readable"] is not None for row in rows(bundle, "coap_service")] == [True]


def image() -> bytes:
    """A firmware image with a key, a hash and a password in its files."""
    made = squashfs.Node
    hashed = "$6$salt$" + (leaks.secret("password hash") * 5)[:86]
    leaks.PLANTED["password hash"] = hashed
    files = {
        "/etc/shadow": f"root:{hashed}:1::::::\n",
        "/etc/ssl/device.key": leaks.pem("PEM in an image"),
        "/etc/ssh/host_key": leaks.pem("OpenSSH key in an image", "OPENSSH PRIVATE KEY"),
        "/etc/init.d/rcS": f"telnetd -l /bin/sh\nwpa_passphrase home {leaks.secret('start script')}\n",
        "/etc/passwd": "root:x:0:0::/:/bin/sh\n",
    }
    return squashfs.write([made(name, 0o600, text.encode()) for name, text in files.items()], datetime.now(UTC))
