"""What an image consists of: from package databases, changelogs, languages, programs' own words, kernels; each told once."""

from __future__ import annotations

import gzip
import struct

import pytest

from plumbline.collect.firmware.components import Components
from plumbline.collect.firmware.contents import Asked, Contents
from plumbline.collect.firmware.format import Header, Opened
from plumbline.collect.firmware.source import Source
from plumbline.collect.firmware.unpack import Layer, State
from plumbline.lab.files.elf import program
from tests.collect.firmware.making import Node
from tests.collect.firmware.making_rpm import in_sqlite, package
from tests.collect.firmware.told import Told, told_of, told_of_files

Files = dict[str, Node | bytes | str]
DEBIAN = b'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'
ROOT: Files = {"/etc/passwd": b"root:*:0:0::/:/bin/sh\n", "/bin/sh": b"\0", "/usr/x": b"\0"}


def paragraph(name: str, version: str, *more: str) -> str:
    return "\n".join([f"Package: {name}", "Status: install ok installed", f"Version: {version}", "Architecture: armhf", *more]) + "\n\n"


def changelog(name: str, *entries: tuple[str, str]) -> bytes:
    texts = [
        f"{name} ({version}) bookworm; urgency=medium\n\n  * {said}\n\n -- A <a@b.example>  Mon, 06 Jan 2025 00:00:00 +0000\n\n"
        for version, said in entries
    ]
    return gzip.compress("".join(texts).encode())


def components(told: Told) -> dict[str, dict[str, object]]:
    return {f"{row['name']} {row['version']}": row for row in told.rows["component"]}


OPENSSL_LOG = changelog("openssl", ("3.0.16-1", "CVE-2025-9999"), ("3.0.15-1~deb12u1", "CVE-2024-5535"), ("3.0.11-1", "CVE-2023-5363"))


def test_debian_packages_with_what_their_changelogs_mended() -> None:
    status = paragraph("libssl3", "3.0.15-1~deb12u1", "Source: openssl", "Maintainer: D <d@x.example>")
    status += (
        paragraph("openssl", "3.0.15-1~deb12u1")
        + paragraph("bash", "5.2.15-2+b8", "Source: bash (5.2.15-2)")
        + paragraph("zlib1g", "1:1.2.13-1")
    )
    told = told_of_files(
        {
            "/etc/os-release": DEBIAN,
            "/var/lib/dpkg/status": status.encode(),
            "/usr/share/doc/libssl3/changelog.Debian.gz": OPENSSL_LOG,
            "/usr/share/doc/bash": "real-bash",
            "/usr/share/doc/real-bash/changelog.Debian.gz": changelog("bash", ("5.2.15-2", "none"), ("5.1-1", "CVE-2022-3715")),
            "/usr/share/doc/zlib1g/changelog.gz": gzip.compress(b"Changes in 1.2.13: CVE-2022-37434\n"),
        }
    )
    rows = components(told)
    ssl = rows["libssl3 3.0.15-1~deb12u1"]
    assert (ssl["source"], ssl["namespace"], ssl["scheme"], ssl["confidence"]) == ("openssl", "debian:12", "deb", "database")
    assert ssl["purl"] == "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=armhf&distro=debian-12"
    assert ssl["fixes"] == ["CVE-2023-5363", "CVE-2024-5535"]
    assert rows["openssl 3.0.15-1~deb12u1"]["fixes"] == ssl["fixes"]  # of the same source
    assert (rows["bash 5.2.15-2+b8"]["source_version"], rows["bash 5.2.15-2+b8"]["fixes"]) == ("5.2.15-2", ["CVE-2022-3715"])
    assert rows["zlib1g 1:1.2.13-1"]["fixes"] is None  # upstream's words are not the package's
    assert told.said_of("component") == []


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"\x1f\x8b\x08\0" + b"\xff" * 40, "not gzip"), (changelog("a", ("1", "CVE-2024-5535"))[:-9], "gzip that is cut off")],
    ids=["no gzip", "cut off"],
)
def test_a_changelog_that_is_broken_is_said(data: bytes, says: str) -> None:
    told = told_of_files({"/var/lib/dpkg/status": paragraph("a", "1").encode(), "/usr/share/doc/a/changelog.Debian.gz": data})
    assert [row["fixes"] for row in told.rows["component"]] == [None]
    assert any(f"changelog.Debian.gz: {says}" in said for said in told.said_of("component"))


CONTROL = b"Package: libopenssl3\nVersion: 3.0.13-r1\nSourceName: openssl\nCPE-ID: cpe:/a:openssl:openssl\n"


def test_opkg_with_its_control_files() -> None:
    status = paragraph("libopenssl3", "3.0.13-r1")
    told = told_of_files(
        {
            "/etc/os-release": b'ID="openwrt"\nVERSION_ID="23.05.3"\n',
            "/usr/lib/opkg/status": status.encode(),
            "/usr/lib/opkg/info/libopenssl3.control": CONTROL,
        }
    )
    [row] = told.rows["component"]
    assert (row["manager"], row["source"], row["cpe"], row["namespace"]) == ("opkg", "openssl", "cpe:/a:openssl:openssl", "openwrt:23.05.3")


def test_apk_and_rpm_name_their_release_as_advisories_do() -> None:
    alpine: Files = {
        "/etc/os-release": b"ID=alpine\nVERSION_ID=3.18.4\n",
        "/lib/apk/db/installed": b"P:musl\nV:1.2.4-r2\nA:armv7\no:musl\n",
    }
    assert [(row["namespace"], row["scheme"]) for row in told_of_files(alpine).rows["component"]] == [("alpine:v3.18", "apk")]
    database = in_sqlite([package("openssl-libs", source="openssl-1.2.3-4.el9.src.rpm"), package("gpg-pubkey")])
    rocky: Files = {"/etc/os-release": b'ID="rocky"\nVERSION_ID="9.3"\n', "/var/lib/rpm/rpmdb.sqlite": database}
    [row] = told_of_files(rocky).rows["component"]
    assert (row["name"], row["manager"], row["namespace"], row["source"]) == ("openssl-libs", "rpm", "rocky:9", "openssl")


def test_a_broken_rpm_database_is_said() -> None:
    told = told_of_files({"/var/lib/rpm/Packages": b"bdb" * 300})
    assert told.rows["component"] == [] and "of no known form" in told.said_of("component")[0]


LANGUAGES: Files = {
    "/usr/lib/python3/site-packages/Flask-2.3.2.dist-info/METADATA": b"Metadata-Version: 2.1\nName: Flask\nVersion: 2.3.2\n\nVersion: 9\n",
    "/opt/app/node_modules/@iot/ws/package.json": b'{"name": "@iot/ws", "version": "8.1.0"}',
    "/opt/app/package.json": b'{"name": "app", "version": "1.0.0"}',
    "/opt/app/requirements.txt": b"requests==2.31.0\nflask>=2\n",
}


def test_packages_of_languages() -> None:
    rows = components(told_of_files({**ROOT, **LANGUAGES}))
    assert set(rows) == {"Flask 2.3.2", "@iot/ws 8.1.0", "requests 2.31.0"}
    assert (rows["Flask 2.3.2"]["namespace"], rows["Flask 2.3.2"]["purl"]) == ("pypi", "pkg:pypi/flask@2.3.2")
    assert (rows["@iot/ws 8.1.0"]["namespace"], rows["@iot/ws 8.1.0"]["purl"]) == ("npm", "pkg:npm/%40iot/ws@8.1.0")
    assert rows["requests 2.31.0"]["confidence"] == "manifest"


def test_what_a_package_holds_is_that_package() -> None:
    owned = "\n".join(path for path in LANGUAGES if "dist-info" in path or "node_modules" in path)
    told = told_of_files(
        {**LANGUAGES, "/var/lib/dpkg/status": paragraph("app", "1").encode(), "/var/lib/dpkg/info/app.list": owned.encode()}
    )
    assert set(components(told)) == {"app 1", "requests 2.31.0", "flask None"}


def word(text: str) -> bytes:
    return program("web") + b"\0OPENSSLDIR: \0" + text.encode() + b"\0"


def test_a_program_tells_what_no_package_does() -> None:
    files: Files = {
        **ROOT,
        "/usr/sbin/web": word("OpenSSL 1.0.2k  26 Jan 2017"),
        "/usr/share/doc/page": b"OpenSSL 1.0.1e  11 Feb 2013",
        "/usr/lib/liblz4.so.1.9.4": b"\0",
        "/var/lib/dpkg/status": (paragraph("busybox-udeb", "1:1.35.0-4") + paragraph("libssl3", "3.0.15-1", "Source: openssl")).encode(),
        "/bin/busybox": word("BusyBox v1.35.0 (Debian 1:1.35.0-4)"),
        "/usr/lib/libssl.so.3": word("OpenSSL 3.0.15 3 Sep 2024"),
        "/usr/lib/plugin.so": word("OpenSSL 1.1.1w  11 Sep 2023"),
        "/var/lib/dpkg/info/libssl3.list": b"/usr/lib/libssl.so.3\n/usr/lib/plugin.so\n",
    }
    rows = components(told_of_files(files))
    assert set(rows) == {"busybox-udeb 1:1.35.0-4", "libssl3 3.0.15-1", "openssl 1.0.2k", "lz4 1.9.4"}
    found = rows["openssl 1.0.2k"]
    assert (found["manager"], found["confidence"], found["path"], found["scheme"]) == ("string", "string", "/usr/sbin/web", "openssl")
    assert found["cpe"] == "cpe:2.3:a:openssl:openssl:1.0.2k:*:*:*:*:*:*:*"


def test_bytes_that_are_no_files_tell_at_their_place() -> None:
    data = bytes(5000) + b"FreeRTOS Kernel V10.4.3\0" + bytes(5000)
    told = told_of(b"\x01\x02" + data)
    [row] = told.rows["component"]
    assert (row["name"], row["version"], row["at"], row["path"]) == ("freertos", "10.4.3", 2 + 5000 + len("FreeRTOS Kernel V"), None)


def go_program(modules: str) -> bytes:
    version = b"go1.21.3"
    text = b"0" * 16 + modules.encode() + b"1" * 16
    info = (
        b"\xff Go buildinf:\x08\x02"
        + bytes(16)
        + bytes([len(version)])
        + version
        + struct.pack("BB", len(text) % 128 | 128, len(text) // 128)
        + text
    )
    return program("agent").ljust(1024, b"\0") + info


def test_modules_of_a_go_program() -> None:
    text = (
        "path\tagent\nmod\tnw.example/agent\t(devel)\t\ndep\tgithub.com/eclipse/paho.mqtt.golang\tv1.4.2\th1:x\n"
        + "dep\tgolang.org/x/net\tv0.1.0\t\n=>\tgolang.org/x/net\tv0.17.0\t\n"
    )
    rows = components(told_of_files({**ROOT, "/usr/bin/agent": go_program(text)}))
    assert set(rows) == {"go 1.21.3", "github.com/eclipse/paho.mqtt.golang v1.4.2", "golang.org/x/net v0.17.0"}
    assert rows["golang.org/x/net v0.17.0"]["purl"] == "pkg:golang/golang.org/x/net@v0.17.0"


BANNERS = {
    "Linux version 5.10.104-tegra (b@h) (gcc) #1 SMP": ("5.10.104", "kernel", None),
    "Linux version 6.1.0-50-armmp (d@x) (gcc-12 (Debian 12.2.0-14) 12.2.0) # Debian 6.1.176-1 (2026-07-02)": ("6.1.176-1", "deb", "debian"),
    "Linux version 6.6-rc3 (b@h) (gcc) #1": ("6.6-rc3", "kernel", None),
}


def told_of_banner(banner: str, *before: Layer) -> Told:
    told, source = Told(), Source.of_bytes(b"x")
    layer = Layer("kernel", source, "kernel", 1, State.OPENED, opened=Opened(Header(facts={"banner": banner})))
    made = Components(Contents(Asked("k", "0" * 64, 1, None, bytes(32)), told, [*before, layer]))
    made.packages()
    made.kernels()
    return told


@pytest.mark.parametrize("banner", BANNERS)
def test_a_kernel_by_its_banner(banner: str) -> None:
    [row] = told_of_banner(banner).rows["component"]
    assert (row["name"], row["version"], row["scheme"], row["namespace"], row["manager"]) == ("linux", *BANNERS[banner], "kernel")
    assert row["confidence"] == "banner" and str(row["cpe"]).startswith("cpe:2.3:o:linux:linux_kernel:")


def test_a_kernel_by_its_modules_unless_a_package_is_it() -> None:
    modules: Files = {**ROOT, "/lib/modules/4.14.98-imx/kernel/a.ko": b"\0", "/lib/modules/4.14.98-imx/modules.dep": b"\0"}
    [row] = told_of_files(modules).rows["component"]
    assert (row["version"], row["confidence"], row["path"]) == ("4.14.98", "string", "/lib/modules/4.14.98-imx")
    for name, version in (("kernel-4.14.98-imx", "4.14.98"), ("linux-image-4.14.98-imx", "9"), ("kernel", "4.14.98-1-abc")):
        told = told_of_files({**modules, "/usr/lib/opkg/status": paragraph(name, version).encode()})
        assert [row["name"] for row in told.rows["component"]] == [name]


def test_without_a_database_it_is_said_though_programs_speak() -> None:
    told = told_of_files({**ROOT, "/usr/sbin/web": word("OpenSSL 1.0.2k  26 Jan 2017")})
    assert told.said_of("component") == ["cam.bin: the image holds no package database"]
    assert [row["name"] for row in told.rows["component"]] == ["openssl"]


def test_a_database_that_is_not_read_is_named() -> None:
    told = told_of_files({**ROOT, "/var/lib/pacman/local": Node({})})
    assert told.said_of("component") == ["cam.bin: /var/lib/pacman/local: a pacman database is not read"]
