"""One system seen over SSH, by a login that the customer gave: asyncssh on a connection of the door, and the published list of commands.

Not what the outputs mean (`readings`), nor where a login goes next (`logins`). Exchanges: a connection, the login, and each command.

Rules (laws 1, 5, 6, 8):
- The secret is offered once, by one method; a password is no key, and a key no password. What has not been offered was not refused.
- It is offered to no server whose host key is another than the rig file says, or than the probe saw.
- No terminal, no forwarding, no agent, no file and no setting of this machine's user: only what the rig file gives.
- Outputs are cut at the command's limit, redacted, and kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from plumbline.collect.host.commands import SHELL, Command, ending_of, load_commands, whole
from plumbline.collect.host.given import Given
from plumbline.collect.host.outputs import Output
from plumbline.model.errors import DeviceError, HungUpError, NotPermittedError, ProtocolError, RefusedError, SilentError
from plumbline.model.words import Intrusion, Outcome
from plumbline.net.connection import Connection
from plumbline.net.door import Door
from plumbline.net.transport import DoorTransport

WHY = "login ssh"
LOGIN_S = 30.0  # small devices need seconds for a key exchange, and servers delay what they refuse
SLACK_S = 10.0  # beyond a command's own time, for the way there and back
RECEIVED_MAX = 64 << 20
_BLOCK = 1 << 15
# By kind of host key. RSA comes last: dropbear 2022.83 lists it without such a key, and hangs up when it is chosen.
_ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    **{kind: (kind,) for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")},
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
}


class LoginRefusedError(RefusedError):
    """The login itself was refused: it is used nowhere else."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the commands gave, the host key that was proved, and the permit."""

    outputs: dict[str, Output] = field(repr=False)
    host_key: bytes
    permit: str


class Client(asyncssh.SSHClient):
    """Answers what one server asks for: the secret, once. `known` holds the fingerprints that the probe saw, by kind of key."""

    def __init__(self, given: Given, known: Mapping[str, str]) -> None:
        self.offered = False
        self.let_in = False
        self.strange: str | None = None
        self.given, self._known = given, known

    @property
    def refused(self) -> bool:
        """Whether the secret was offered and nothing came of it."""
        return self.offered and not self.let_in

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - asyncssh's form
        found, kind = key.get_fingerprint(), key.get_algorithm()
        wanted = self.given.login.host_key or self._known.get(kind)
        if wanted in (None, found):
            return True
        told = "the rig file" if self.given.login.host_key else "the probe before"
        self.strange = f"its host key is {found} ({kind}), and {wanted} by {told}; the login was not offered"
        return False

    def algorithms(self) -> list[str]:
        """Name the signatures that are asked for: of the key that the rig file wants, where the probe saw it, else of those that it saw."""
        wanted = [kind for kind, found in self._known.items() if found == self.given.login.host_key]
        kinds = wanted or [kind for kind in _ALGORITHMS if kind in self._known] or _ALGORITHMS
        return [name for kind in kinds for name in _ALGORITHMS.get(kind, (kind,))]

    def public_key_auth_requested(self) -> asyncssh.SSHKey | None:
        return self.given.private_key if self._offer(self.given.private_key) else None

    def password_auth_requested(self) -> str | None:
        return self.given.password if self._offer(self.given.password) else None

    def kbdint_auth_requested(self) -> str | None:
        return "" if self.given.password is not None and not self.offered else None

    def kbdint_challenge_received(self, name: str, instructions: str, lang: str, prompts: Any) -> list[str] | None:  # noqa: ARG002 - asyncssh's form
        if not prompts:
            return []
        return [self.given.password or ""] if len(prompts) == 1 and not prompts[0][1] and self._offer(self.given.password) else None

    def auth_completed(self) -> None:
        self.let_in = True

    def _offer(self, secret: object) -> bool:
        if secret is None or self.offered:
            return False
        self.offered = True
        return True


async def look(door: Door, client: Client, address: str, keep: Callable[[bytes], str]) -> Seen:
    """Log in and run the list; `keep` stores an output. Whatever is raised, the client says whether its secret was refused.

    Raises LoginRefusedError, any other DeviceError, NotPermittedError and StoppedError.
    """
    port = client.given.login.port
    connection = await door.connect(address, port, why=WHY, intrusion=Intrusion.SESSION, timeout_s=LOGIN_S, received_bytes=RECEIVED_MAX)
    async with _logged_in(connection, client, address) as session:
        host_key = session.get_server_host_key()
        if host_key is None:
            raise ProtocolError(f"{address} port {port}: no host key was proved")
        outputs = await _outputs(session, connection, keep)
        door.stop.check()  # a connection that the stop ended was not lost by the device
        return Seen(outputs, host_key.public_data, connection.permit.id)


class _Carrier:
    """Gives asyncssh the door's connection where it would open one by itself."""

    def __init__(self, connection: Connection) -> None:
        self.transport: DoorTransport | None = None
        self._connection = connection

    async def create_connection(self, factory: Callable[[], asyncio.Protocol], _host: str, _port: int) -> tuple[DoorTransport, Any]:
        protocol = factory()
        longest = max(command.timeout_s for command in load_commands().values()) + SLACK_S
        self.transport = DoorTransport(self._connection, protocol, idle_s=longest)
        self.transport.start()
        return self.transport, protocol


@asynccontextmanager
async def _logged_in(connection: Connection, client: Client, address: str) -> AsyncIterator[asyncssh.SSHClientConnection]:
    carrier, given = _Carrier(connection), client.given
    where = f"{address} port {given.login.port}"
    try:
        await connection.begin(f"log in as {given.login.user}")
        try:
            async with asyncio.timeout(LOGIN_S):
                session = await asyncssh.connect(
                    address, given.login.port, tunnel=carrier, client_factory=lambda: client, **_options(client)
                )
        except TimeoutError as late:
            raise _lost(client, SilentError(f"{where}: the login was not answered within {LOGIN_S:g} s")) from late
        except asyncssh.Error as error:
            raise _translated(error, client, where) from error
        except DeviceError as error:
            raise _lost(client, error) from error
        try:
            yield session
        finally:
            session.close()
    finally:
        if carrier.transport is not None:
            await carrier.transport.wait_closed()
        else:
            await connection.close()


def _options(client: Client) -> dict[str, Any]:
    given = client.given
    methods = ["publickey"] if given.private_key is not None else ["password", "keyboard-interactive"]
    return {
        "username": given.login.user,
        "config": None,
        "known_hosts": ([], [], []),  # the client judges every key
        "client_keys": None,
        "agent_path": None,
        "preferred_auth": methods,
        "public_key_auth": given.private_key is not None,
        "password_auth": given.password is not None,
        "kbdint_auth": given.password is not None,
        "gss_host": None,
        "host_based_auth": False,
        "connect_timeout": None,
        "login_timeout": LOGIN_S,
        "compression_algs": None,
        "server_host_key_algs": client.algorithms(),
    }


def _translated(error: asyncssh.Error, client: Client, where: str) -> Exception:
    if client.strange is not None:
        return NotPermittedError(f"{where}: {client.strange}")
    if client.refused:
        return LoginRefusedError(f"{where}: the login was refused ({_plain(error)})")
    if isinstance(error, asyncssh.PermissionDenied):
        return RefusedError(f"{where}: it takes no login of this kind; the secret was not offered")
    if isinstance(error, asyncssh.ConnectionLost):
        return HungUpError(f"{where}: hung up before the login")
    return ProtocolError(f"{where}: {_plain(error)}")


def _lost(client: Client, error: DeviceError) -> DeviceError:
    """Take silence or a lost connection after the secret was offered for a refusal: it may have been one."""
    return LoginRefusedError(f"{error}; the login had been offered") if client.refused else error


def _plain(error: asyncssh.Error) -> str:
    return " ".join(str(getattr(error, "reason", error)).split())[:200]


async def _outputs(session: asyncssh.SSHClientConnection, connection: Connection, keep: Callable[[bytes], str]) -> dict[str, Output]:
    """Run the list, in order. Where no POSIX shell answers nothing else is run; what a lost connection left out is said of each."""
    commands = load_commands()
    outputs: dict[str, Output] = {}
    missing: tuple[Outcome, str] | None = None
    root = False
    for command in commands.values():
        if missing is None and command.root == "only" and not root:
            ending = ending_of(4)
            outputs[command.id] = Output(command.id, b"", ending.outcome, ending.detail)
        elif missing is None:
            try:
                outputs[command.id] = output = await _run(session, connection, command, keep)
            except (DeviceError, asyncssh.Error) as error:
                missing = (Outcome.PROTOCOL_ERROR, f"not run: {error}"[:200])
                outputs[command.id] = Output(command.id, b"", *missing)
                continue
            if command.id == SHELL:
                words = output.data.decode("ascii", "replace").split()
                root = words[2:] == ["0"]
                if words[:2] != ["plumbline", "42"] or len(words) != 3:
                    missing = (Outcome.NOT_SUPPORTED, "not run: no POSIX shell answers there")
        else:
            outputs[command.id] = Output(command.id, b"", *missing)
    return outputs


async def _run(session: asyncssh.SSHClientConnection, connection: Connection, command: Command, keep: Callable[[bytes], str]) -> Output:
    await connection.begin(f"command {command.id}")
    data = bytearray()
    process: asyncssh.SSHClientProcess[bytes] | None = None
    code, outcome, detail, absent = None, Outcome.OK, "", False
    try:
        async with asyncio.timeout(command.timeout_s + SLACK_S):
            process = await session.create_process(whole(command), stdin=asyncssh.DEVNULL, stderr=asyncssh.DEVNULL, encoding=None)
            while len(data) <= command.cap_bytes and (block := await process.stdout.read(_BLOCK)):
                data += block
            if len(data) <= command.cap_bytes:
                code = (await process.wait()).exit_status
                ending = ending_of(code)
                outcome, detail, absent = ending.outcome, ending.detail, ending.absent
            else:
                outcome, detail = Outcome.PARTIAL, f"its output was cut at {command.cap_bytes:,} bytes"
    except TimeoutError:
        outcome, detail = Outcome.TIMEOUT, "it did not end in time"
    finally:
        if process is not None:
            process.close()
    given = bytes(data[: command.cap_bytes])
    return Output(command.id, given, outcome, detail, absent, keep(given) if given else None)
