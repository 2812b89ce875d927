"""The SSH probe against OpenSSH's sshd: one that still speaks the algorithms of old devices, and one that is hardened."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from plumbline.model.words import Intrusion, Outcome
from tests.collect.network.benches import open_bench
from tests.collect.network.certificates import PrivateKey
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system

PRIVILEGE_SEPARATION = Path("/run/sshd")  # sshd wants it when root starts it; where the package's own start script never ran, it is missing


@contextmanager
def sshd(folder: Path, keys: dict[str, PrivateKey], *lines: str) -> Iterator[int]:
    path, port = program("sshd"), free_port()
    written = []
    for name, key in keys.items():
        file = folder / name
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        file.chmod(0o600)
        written.append(f"HostKey {file}")
    config = folder / "sshd_config"
    config.write_text("\n".join([f"ListenAddress {LOOPBACK}:{port}", "PidFile none", "UsePAM no", *written, *lines, ""]))
    made = os.geteuid() == 0 and not PRIVILEGE_SEPARATION.exists()
    if made:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755)
    try:
        with running([path, "-D", "-e", "-f", config], ready="Server listening"):
            yield port
    finally:
        if made:
            PRIVILEGE_SEPARATION.rmdir()


def fingerprint(key: PrivateKey) -> str:
    blob = base64.b64decode(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def spki(key: PrivateKey) -> str:
    return hashlib.sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


async def test_old_algorithms_and_every_host_key(tmp_path: Path) -> None:
    keys: dict[str, PrivateKey] = {
        "ssh-rsa": rsa.generate_private_key(65537, 2048),
        "ecdsa-sha2-nistp256": ec.generate_private_key(ec.SECP256R1()),
        "ssh-ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    weak = (
        "Ciphers aes128-cbc,3des-cbc,aes256-ctr",
        "MACs hmac-md5,hmac-sha1",
        "KexAlgorithms diffie-hellman-group1-sha1,diffie-hellman-group14-sha1",
        "HostKeyAlgorithms +ssh-rsa",
        "Compression yes",
    )
    with sshd(tmp_path, keys, *weak) as port:
        async with open_bench(tmp_path / "rig", tcp=[port]) as rig:
            seen = await rig.visit("ssh", port)
    row = seen.row("ssh_service")
    assert row["protocol_version"] == "2.0" and row["software"].startswith("OpenSSH_")
    assert (row["ciphers"], row["macs"]) == (["aes128-cbc", "3des-cbc", "aes256-ctr"], ["hmac-md5", "hmac-sha1"])
    assert row["kex_algorithms"][:2] == ["diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1"]
    assert row["compression"] == ["none", "zlib@openssh.com"]
    assert seen.covered("ssh_host_key") == (Outcome.OK, 3)
    found = {one["key_type"]: (one["fingerprint"], one["spki_sha256"], one["key_bits"]) for one in seen.rows("ssh_host_key")}
    bits = {"ssh-rsa": 2048, "ecdsa-sha2-nistp256": 256, "ssh-ed25519": 256}
    assert found == {kind: (fingerprint(key), spki(key), bits[kind]) for kind, key in keys.items()}


async def test_hardened(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    safe = (
        "Ciphers chacha20-poly1305@openssh.com",
        "MACs hmac-sha2-256-etm@openssh.com",
        "KexAlgorithms curve25519-sha256",
        "Compression no",
    )
    with sshd(tmp_path, {"key": key}, *safe) as port:
        async with open_bench(tmp_path / "rig", tcp=[port]) as rig:
            seen = await rig.visit("ssh", port, intrusion=Intrusion.QUERY)
            named = await rig.identify(port)
    row = seen.row("ssh_service")
    assert (row["ciphers"], row["macs"]) == (["chacha20-poly1305@openssh.com"], ["hmac-sha2-256-etm@openssh.com"])
    assert row["kex_algorithms"][0] == "curve25519-sha256"
    assert (row["host_key_algorithms"], row["compression"]) == (["ssh-ed25519"], ["none"])
    assert [one["fingerprint"] for one in seen.rows("ssh_host_key")] == [fingerprint(key)]
    assert (named.protocol, named.product) == ("ssh", "OpenSSH")
