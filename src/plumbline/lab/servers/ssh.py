"""SSH by asyncssh. Nobody can log in: it offers password and public key, and refuses both.

Version 1.99 says that the server would speak SSH 1 too (RFC 4253, 5.1). asyncssh has no word for it, so the one line that is sent is
replaced, before it is, on the connection itself; it is the server's version string in the exchange hash as well.
"""

from __future__ import annotations

import asyncssh

from plumbline.lab.fleet import Device
from plumbline.lab.keys import private_key, private_pem
from plumbline.lab.servers.streams import Stop
from plumbline.lab.services import Ssh
from plumbline.lab.watch import Watch

CURRENT = {
    "kex_algs": ["curve25519-sha256", "ecdh-sha2-nistp256"],
    "encryption_algs": ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"],
    "mac_algs": ["hmac-sha2-256-etm@openssh.com"],
}
WEAK = {
    "kex_algs": [*CURRENT["kex_algs"], "diffie-hellman-group1-sha1"],
    "encryption_algs": [*CURRENT["encryption_algs"], "aes128-cbc", "3des-cbc"],
    "mac_algs": [*CURRENT["mac_algs"], "hmac-md5"],
}


async def start(device: Device, service: Ssh, watch: Watch) -> Stop:
    """Serve the handshake."""
    key = asyncssh.import_private_key(private_pem(private_key(service.host_key.kind, service.host_key.name)))
    connections: set[asyncssh.SSHServerConnection] = set()
    acceptor = await asyncssh.listen(
        device.address,
        service.port,
        server_factory=lambda: _Doorkeeper(device, service, watch, connections),
        server_host_keys=[key],
        server_version=service.software,
        compression_algs=["none"],
        **(WEAK if service.weak_algorithms else CURRENT),
    )

    async def stop() -> None:
        acceptor.close()
        for connection in list(connections):
            connection.abort()

    return stop


class _Doorkeeper(asyncssh.SSHServer):
    """Turns everybody away."""

    def __init__(self, device: Device, service: Ssh, watch: Watch, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._device, self._service, self._watch, self._connections = device, service, watch, connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)
        if self._service.protocol_version != "2.0":
            version = f"SSH-{self._service.protocol_version}-{self._service.software}".encode()

            def send_version() -> None:
                conn._server_version = version
                conn._send(version + b"\r\n")

            conn._send_version = send_version  # type: ignore[method-assign] # see the module's docstring

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, _username: str, _password: str) -> bool:
        self._watch.login(self._device.name, "ssh")
        return False

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, _username: str, _key: asyncssh.SSHKey) -> bool:
        self._watch.login(self._device.name, "ssh")
        return False
