"""What a login does and leaves, on devices that are odd: each is a server of asyncssh, on an address that this process alone uses."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from plumbline.collect.host import TABLES
from plumbline.collect.host.commands import load_commands
from plumbline.collect.host.given import given_logins
from plumbline.model.errors import InputError
from plumbline.model.words import Outcome
from tests.collect.host.bench import SECRET, log_in, login_text
from tests.collect.network.benches import KEY, own_address
from tests.net.rigs import make_rig, rig_text

HOME, OTHER = own_address(211), own_address(212)
Answer = Callable[[str], tuple[bytes, int] | None]  # of a command: what it gives and how it ends; None: hang up


def shell(command: str) -> tuple[bytes, int]:
    """Run the quick ones, as a device would."""
    quick = ("echo", "uname", "printf")
    if not command.split("\n", 1)[1].startswith(quick):
        return b"", 3
    ran = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    return ran.stdout, ran.returncode


@dataclass
class Device:
    """An SSH server: who may log in, by which method, and what commands give."""

    answer: Answer = shell
    method: str = "password"  # password, keyboard-interactive, publickey
    tried: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    server: Any = None

    @asynccontextmanager
    async def at(self, address: str, port: int = 0) -> AsyncIterator[int]:
        self.server = await asyncssh.listen(
            address,
            port,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            server_factory=lambda: _Doorkeeper(self),
            process_factory=self._run,
            encoding=None,
        )
        try:
            yield self.server.get_port()
        finally:
            self.server.close()
            await self.server.wait_closed()

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.commands.append(process.command or "")
        answer = self.answer(process.command or "")
        if answer is None:
            process.channel.get_connection().abort()
            return
        process.stdout.write(answer[0])
        process.exit(answer[1])


class _Doorkeeper(asyncssh.SSHServer):
    def __init__(self, device: Device) -> None:
        self._device = device

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return self._device.method == "password"

    def validate_password(self, username: str, password: str) -> bool:
        self._device.tried.append(password)
        return password == SECRET

    def kbdint_auth_supported(self) -> bool:
        return self._device.method == "keyboard-interactive"

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        self._device.tried.extend(responses)
        return list(responses) == [SECRET]

    def public_key_auth_supported(self) -> bool:
        return self._device.method == "publickey"

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._device.tried.append("key")
        return False


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
async def test_every_command_is_run_and_logged_once(tmp_path: Path, method: str) -> None:
    device = Device(method=method)
    async with device.at(HOME) as port:
        seen = await log_in(tmp_path, login_text("ssh", port), tcp=[port], addresses=[HOME])
    ran = [name for name, command in load_commands().items() if command.root != "only" or seen.rows("system")[0]["root"]]
    assert seen.asked() == ["log in as auditor", *(f"command {name}" for name in ran)] and len(device.commands) == len(ran)
    assert device.tried == [SECRET]
    [system] = seen.collected.rows("system")
    assert (system["entity"], system["declared_id"], system["source"]) == (f"system:here/ssh/auditor@{HOME}", "gw-0", "ssh")
    assert system["permit"] and system["raw"].startswith("raw/")
    assert set(seen.outcomes(f"ssh/auditor@{HOME}")) == set(TABLES)


async def test_a_refused_password_goes_nowhere_else(tmp_path: Path) -> None:
    first, second = Device(), Device()
    async with first.at(HOME) as port, second.at(OTHER, port):
        seen = await log_in(tmp_path, login_text("ssh", port), tcp=[port], addresses=[HOME, OTHER], secret="wrong")
    assert (first.tried, second.tried) == (["wrong"], [])
    assert set(seen.outcomes(f"ssh/auditor@{HOME}").values()) == {Outcome.REFUSED}
    assert set(seen.outcomes(f"ssh/auditor@{OTHER}").values()) == {Outcome.NOT_PERMITTED}
    assert "wrong" not in seen.detail(f"ssh/auditor@{HOME}") and seen.ended_early is None


async def test_another_login_for_the_same_asset_has_its_own_turn(tmp_path: Path) -> None:
    (tmp_path / "second").write_text(SECRET)
    (tmp_path / "second").chmod(0o600)
    device = Device()
    async with device.at(HOME) as port:
        both = login_text("ssh", port) + login_text("ssh", port, user="other", secret="file:second")
        seen = await log_in(tmp_path, both, tcp=[port], addresses=[HOME], secret="wrong")
    assert device.tried == ["wrong", SECRET]
    assert seen.outcomes(f"ssh/auditor@{HOME}")["system"] == Outcome.REFUSED
    assert seen.outcomes(f"ssh/other@{HOME}")["system"] == Outcome.OK


async def test_a_secret_that_was_not_asked_for_was_not_refused(tmp_path: Path) -> None:
    keys_alone, other = Device(method="publickey"), Device()
    async with keys_alone.at(HOME) as port, other.at(OTHER, port):
        seen = await log_in(tmp_path, login_text("ssh", port), tcp=[port], addresses=[HOME, OTHER])
    assert keys_alone.tried == [] and other.tried == [SECRET]
    assert seen.outcomes(f"ssh/auditor@{HOME}")["system"] == Outcome.REFUSED and "was not offered" in seen.detail(f"ssh/auditor@{HOME}")
    assert seen.outcomes(f"ssh/auditor@{OTHER}")["system"] == Outcome.OK


async def test_a_device_of_class_ot_is_left_alone(tmp_path: Path) -> None:
    device = Device()
    async with device.at(HOME) as port:
        seen = await log_in(tmp_path, login_text("ssh", port), tcp=[port], addresses=[HOME], ot=True)
    assert seen.contacts == [] and device.tried == []
    assert set(seen.outcomes(f"ssh/auditor@{HOME}").values()) == {Outcome.NOT_PERMITTED} and "class ot" in seen.detail(
        f"ssh/auditor@{HOME}"
    )


async def test_a_device_without_a_shell_is_asked_once(tmp_path: Path) -> None:
    device = Device(answer=lambda _: (b"% Unknown command\r\n", 0))
    async with device.at(HOME) as port:
        seen = await log_in(tmp_path, login_text("ssh", port), tcp=[port], addresses=[HOME])
    assert seen.asked() == ["log in as auditor", "command shell"]
    assert "no POSIX shell" in seen.detail(f"ssh/auditor@{HOME}", "component")
    assert set(seen.outcomes(f"ssh/auditor@{HOME}").values()) <= {Outcome.NOT_SUPPORTED, Outcome.OK, Outcome.PARTIAL}
    assert {table for table, outcome in seen.outcomes(f"ssh/auditor@{HOME}").items() if outcome is Outcome.OK} == set()


async def test_a_connection_that_is_lost_leaves_what_was_read(tmp_path: Path) -> None:
    device = Device(answer=lambda command: None if "/etc/passwd" in command else shell(command))
    async with device.at(HOME) as port:
        seen = await log_in(tmp_path, login_text("ssh", port), tcp=[port], addresses=[HOME])
    assert seen.rows("system") and seen.outcomes(f"ssh/auditor@{HOME}")["system_account"] == Outcome.PROTOCOL_ERROR
    assert "not run" in seen.detail(f"ssh/auditor@{HOME}", "system_update")


async def test_an_endless_output_is_cut(tmp_path: Path) -> None:
    most = load_commands()["passwd"].cap_bytes
    line = b"someone\tlocked\t1000\t1000\t/bin/sh\n"
    device = Device(
        answer=lambda command: (line * (2 * most // len(line)), 0) if "/etc/passwd" in command and "cut" not in command else shell(command)
    )
    async with device.at(HOME) as port:
        seen = await log_in(tmp_path, login_text("ssh", port), tcp=[port], addresses=[HOME])
    assert seen.outcomes(f"ssh/auditor@{HOME}")["system_account"] == Outcome.PARTIAL
    assert "passwd: its output was cut at 262,144 bytes" in seen.detail(f"ssh/auditor@{HOME}", "system_account")
    assert len(seen.rows("system_account")) == most // len(line)


async def test_a_device_that_falls_silent_stops_the_run(tmp_path: Path) -> None:
    device, other = Device(), Device()

    def last(command: str) -> tuple[bytes, int]:
        if "CONFIG_" in command:  # the last of the list
            device.server.close()
        return shell(command)

    device.answer = last
    async with device.at(HOME) as port, other.at(OTHER, port):
        seen = await log_in(tmp_path, login_text("ssh", port), tcp=[port], addresses=[HOME, OTHER])
    assert seen.ended_early is not None and f"{HOME} fell silent" in seen.ended_early
    assert other.tried == []


async def test_nobody_there(tmp_path: Path) -> None:
    seen = await log_in(tmp_path, login_text("ssh", 9), tcp=[9], addresses=[HOME])
    assert set(seen.outcomes(f"ssh/auditor@{HOME}").values()) == {Outcome.REFUSED} and seen.asked() == []


@pytest.mark.parametrize(
    ("reference", "secret", "says"),
    [
        ("env:NO_SUCH_VARIABLE_OF_PLUMBLINE", b"x", "is not set"),
        ("file:none", b"x", "cannot be read"),
        ("file:secret", b"\xff\xfe", "neither text nor a private key"),
        ("file:secret", b"-----BEGIN NONSENSE-----\n", "no private key that can be read"),
        (
            "file:secret",
            asyncssh.generate_private_key("ssh-ed25519").export_private_key("pkcs8-pem", passphrase="x"),
            "no private key that can be read",
        ),
    ],
    ids=["no variable", "no file", "no text", "no key", "an encrypted key"],
)
def test_a_secret_that_cannot_be_used_is_said_first(tmp_path: Path, reference: str, secret: bytes, says: str) -> None:
    (tmp_path / "secret").write_bytes(secret)
    (tmp_path / "secret").chmod(0o600)
    asset = '[[asset]]\nid = "gw-0"\naddress = "127.0.0.1"\n'
    rig = make_rig(tmp_path, rig_text(rest=asset + login_text("ssh", 9, secret=reference)))
    with pytest.raises(InputError, match=says):
        given_logins(rig, KEY)


def test_a_corrected_secret_is_another_login(tmp_path: Path) -> None:
    digests = set()
    for secret in ("one-1", "two-2", "one-1"):
        (tmp_path / "secret").write_text(secret)
        (tmp_path / "secret").chmod(0o600)
        rig = make_rig(tmp_path, rig_text(rest='[[asset]]\nid = "gw-0"\naddress = "127.0.0.1"\n' + login_text("ssh", 9)))
        [given] = given_logins(rig, KEY)
        digests.add(given.digest)
        assert secret not in repr(given)
    assert len(digests) == 2
