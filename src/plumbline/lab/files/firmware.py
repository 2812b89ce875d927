"""The cameras' firmware images: a small embedded Linux, with what the switches leave in it.

Programs are headers without code (`elf`). What matters to an audit is there as a build would have left it: accounts, keys, start
scripts, modes, the package database. The maker's key signs what is inside.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

from plumbline.lab.certificates import Certificate, certificate_pem
from plumbline.lab.files.elf import program
from plumbline.lab.files.squashfs import Node, write
from plumbline.lab.files.swupdate import package
from plumbline.lab.fleet import Device, Fleet, Weak, firmware_key
from plumbline.lab.keys import private_key, private_pem

_CRYPT = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # crypt(5)
_INITTAB = b"::sysinit:/etc/init.d/rcS\n"
_START = """#!/bin/sh
mount -t proc proc /proc
/sbin/syslogd -O /tmp/messages
/usr/sbin/httpd -c /etc/httpd.conf
/usr/sbin/dropbear -R -p 2222
"""

_SHARING = (("installer", 502, "/bin/sh"), ("upgrade", 503, "/bin/sh"))  # who may have one password between them
ACCOUNTS = (("root", 0, "/bin/sh"), ("support", 500, "/bin/sh"), ("service", 501, "/bin/sh"), *_SHARING, ("nobody", 65534, "/bin/false"))
CERTIFICATE = "/etc/northwind/updates.pem"
KERNEL = "6.1.38-northwind"
_KERNEL_OPTIONS = ("STRICT_KERNEL_RWX", "RANDOMIZE_BASE", "SECCOMP", "DEVMEM", "STRICT_DEVMEM", "MODULES", "STACKPROTECTOR")
PACKAGES = (("busybox", "1.36.1-1"), ("dropbear", "2024.85-1"), ("libopenssl3", "3.0.13-1"))


def name_of(device: Device) -> str:
    """Name the image file of a camera."""
    return f"{device.model.rpartition('/')[2]}-{device.firmware_version}.swu"


def image(fleet: Fleet, *, switched: bool) -> bytes:
    """Write the update package of one camera model."""
    device, weak = fleet.twin("camera", switched=switched), fleet.weak(switched=switched)
    nodes = [
        *_system(device),
        Node(
            "/etc/init.d/rcS", 0o755, (_START + ("/usr/sbin/telnetd -p 2323\n" if weak("image.telnet_started_in_image") else "")).encode()
        ),
        _netcfg(weak),
        Node("/etc/network.conf", 0o666 if weak("image.world_writable_file") else 0o644, b"dhcp=yes\n"),
        Node("/etc/shadow", 0o600, _shadow(device, weak)),
        Node("/etc/inittab", 0o644, _INITTAB + (b"console::respawn:/bin/sh\n" if weak("image.shell_on_console") else b"")),
        Node("/etc/swupdate.cfg", 0o644, _update_settings(weak)),
        Node(f"/boot/config-{KERNEL}", 0o644, _kernel_settings(weak)),
        Node(CERTIFICATE, 0o644, _certificate(fleet, weak)),
        Node("/etc/hub.conf", 0o600, _hub(device, secret=weak("image.cloud_secret_in_image"))),
    ]
    if weak("image.private_key_in_image"):
        nodes.append(Node("/etc/ssl/private/server.key", 0o600, private_pem(private_key("ec", firmware_key(switched=switched)))))
    if weak("image.ssh_host_key_in_image"):
        nodes.append(Node("/etc/ssh/ssh_host_ed25519_key", 0o600, private_pem(private_key("ed25519", f"{device.model} image ssh"))))
    if weak("image.authorized_key_in_image"):
        nodes.append(Node("/root/.ssh/authorized_keys", 0o600, _authorized()))
    if weak("image.debug_tool_in_image"):
        nodes.append(Node("/usr/bin/gdbserver", 0o755, program("gdbserver")))
    key = private_key("rsa-2048", f"{device.model} releases")
    assert isinstance(key, rsa.RSAPrivateKey)
    return package(device.model, device.firmware_version, write(nodes, fleet.at), None if weak("image.image_unsigned") else key)


def _system(device: Device) -> list[Node]:
    release = f'NAME="Northwind Camera OS"\nID=northwind\nVERSION_ID={device.firmware_version}\n'
    passwd = "".join(f"{name}:x:{uid}:{uid}::/:{shell}\n" for name, uid, shell in ACCOUNTS)
    return [
        Node("/etc/os-release", 0o644, release.encode()),
        Node("/etc/passwd", 0o644, passwd.encode()),
        Node("/etc/httpd.conf", 0o644, b"H:/www\n"),
        Node("/www/index.html", 0o644, b"<html><title>Camera</title></html>\n"),
        Node("/bin/busybox", 0o755, program("busybox")),
        Node("/bin/sh", 0o777, target="busybox"),
        Node("/bin/su", 0o4755, program("su")),
        Node("/sbin/syslogd", 0o777, target="../bin/busybox"),
        Node("/usr/sbin/httpd", 0o755, program("httpd")),
        Node("/usr/sbin/dropbear", 0o755, program("dropbear")),
        Node("/usr/sbin/telnetd", 0o777, target="../../bin/busybox"),
        Node("/usr/lib/opkg/status", 0o644, _packages().encode()),
        Node("/tmp", 0o1777),
    ]


def _packages() -> str:
    paragraph = "Package: {}\nVersion: {}\nArchitecture: arm_cortex-a7\nStatus: install ok installed\n\n"
    return "".join(paragraph.format(name, version) for name, version in PACKAGES)


def _shadow(device: Device, weak: Weak) -> bytes:
    words = {
        "root": "$6$harbour$" + _crypt(f"{device.model} root", 86) if weak("image.password_hash_in_image") else "!",
        "support": "" if weak("image.empty_password_in_image") else "!",
        "service": "$1$harbour$" + _crypt(f"{device.model} service", 22) if weak("image.weak_password_hash") else "!",
        "nobody": "*",
    }
    shared = "$6$harbour$" + _crypt(f"{device.model} field", 86) if weak("image.shared_password_hash") else "!"
    words |= {name: shared for name, *_ in _SHARING}
    return "".join(f"{name}:{words[name]}:20000:0:99999:7:::\n" for name, *_ in ACCOUNTS).encode()


def _crypt(seed: str, size: int) -> str:
    """Give characters as a hash has them; nothing hashes to them."""
    stream = hashlib.sha512(seed.encode()).digest() * 2
    return "".join(_CRYPT[byte % 64] for byte in stream[:size])


def _netcfg(weak: Weak) -> Node:
    mode = 0o4755 if weak("image.setuid_unexpected") else 0o755
    return Node("/usr/bin/netcfg", mode, program("netcfg", hardened=not weak("image.program_without_hardening")))


def _update_settings(weak: Weak) -> bytes:
    key = "" if weak("image.client_without_trust_anchor") else 'public-key-file = "/etc/swupdate.pem"; '
    scheme = "http" if weak("image.client_fetches_in_clear") else "https"
    address = f"{scheme}://updates.northwind.example/cam"
    return f'globals : {{ {key}verbose = false; }};\ndownload : {{ url = "{address}"; }};\n'.encode()


def _certificate(fleet: Fleet, weak: Weak) -> bytes:
    """That of the server that updates come from, which the camera pins."""
    days = -10 if weak("image.certificate_expired_in_image") else 2000
    server = "updates.northwind.example"
    return certificate_pem(Certificate(server, server, "ec", fleet.at - timedelta(days=700), fleet.at + timedelta(days=days)))


def _kernel_settings(weak: Weak) -> bytes:
    """The kernel's configuration, as far as it matters; the kernel itself has a partition of its own."""
    strong = "# CONFIG_{} is not set" if weak("image.kernel_without_protections") else "CONFIG_{}=y"
    options = [*(f"CONFIG_{name}=y" for name in _KERNEL_OPTIONS), strong.format("STACKPROTECTOR_STRONG")]
    return "\n".join(["#", "# Linux/arm64 6.1.38 Kernel Configuration", "#", *options, ""]).encode()


def _hub(device: Device, *, secret: bool) -> bytes:
    """The settings of the hub's client: with a key that opens nothing, or without one."""
    key = base64.b64encode(hashlib.sha256(f"{device.model} hub".encode()).digest()).decode()
    host = f"HostName=northwind.azure-devices.net;DeviceId={device.hub_device_id}"
    return f"{host};SharedAccessKey={key}\n".encode() if secret else f"{host}\n".encode()


def _authorized() -> bytes:
    key = hashlib.sha256(b"northwind build").digest()
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + key
    return b"ssh-ed25519 " + base64.b64encode(blob) + b" build@northwind.example\n"
