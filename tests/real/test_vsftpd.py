"""The FTP probe against vsftpd: anonymous let in, anonymous turned away, and TLS wanted first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from plumbline.model.words import Outcome
from tests.collect.network.benches import Seen, open_bench
from tests.collect.network.certificates import issue, write_pair
from tests.real.servers import LOOPBACK, free_port, program, running

pytestmark = pytest.mark.system


@contextmanager
def vsftpd(folder: Path, **settings: str) -> Iterator[int]:
    path, port = program("vsftpd"), free_port()
    root, empty = folder / "root", folder / "empty"
    for made in (root, empty):
        made.mkdir()
        made.chmod(0o555)
    config = folder / "vsftpd.conf"
    common = {
        "listen": "YES", "listen_address": LOOPBACK, "listen_port": str(port), "background": "NO", "seccomp_sandbox": "NO",
        "run_as_launching_user": "YES", "anon_root": str(root), "secure_chroot_dir": str(empty),
        "delay_failed_login": "0", "xferlog_enable": "NO",
    }  # fmt: skip
    config.write_text("\n".join(f"{name}={value}" for name, value in {**common, **settings}.items()) + "\n")
    config.chmod(0o600)
    with running([path, config], port=port):
        yield port


async def ask(folder: Path, **settings: str) -> Seen:
    with vsftpd(folder, **settings) as port:
        async with open_bench(folder / "rig", tcp=[port]) as rig:
            return await rig.visit("ftp", port)


async def test_anonymous_is_let_in(tmp_path: Path) -> None:
    seen = await ask(tmp_path, anonymous_enable="YES", local_enable="NO")
    row = seen.row("ftp_service")
    assert (row["anonymous_accepted"], row["auth_tls"], row["product"]) == (True, False, "vsFTPd")
    assert row["version"] and seen.covered("ftp_service") == (Outcome.OK, 1)


def with_tls(folder: Path) -> dict[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    chain, private = write_pair(folder, key, [issue(key, "ftp")])
    return {"ssl_enable": "YES", "rsa_cert_file": str(chain), "rsa_private_key_file": str(private), "ftpd_banner": "Ready."}


async def test_anonymous_is_turned_away(tmp_path: Path) -> None:
    seen = await ask(tmp_path, anonymous_enable="NO", local_enable="YES", **with_tls(tmp_path))
    row = seen.row("ftp_service")
    assert (row["anonymous_accepted"], row["auth_tls"], row["banner"], row["version"]) == (False, True, "Ready.", None)
    assert seen.covered("ftp_service") == (Outcome.OK, 1)


async def test_anonymous_may_come_inside_tls_only(tmp_path: Path) -> None:
    settings = {**with_tls(tmp_path), "allow_anon_ssl": "YES", "force_anon_logins_ssl": "YES"}
    seen = await ask(tmp_path, anonymous_enable="YES", local_enable="NO", **settings)
    assert seen.row("ftp_service")["anonymous_accepted"] is None
    assert seen.covered("ftp_service") == (Outcome.PARTIAL, 1)
