"""SSH before any login: identification, KEXINIT, and the host key that the server proves in a key exchange.

Exchanges: a connection, KEXINIT and key exchange (3) with the first kind of host key in our order that the server has; under
`session` as many again for each further kind that it lists, at most 5. The exchange stops at the proof: nothing is encrypted, nobody
logs in. A server of protocol 1 is asked nothing after its identification: our packets would mean nothing to it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from plumbline.collect.network.exchange import Reading, of_type, receive_event
from plumbline.collect.network.key_exchange import OFFERED, Ephemeral, proves, spki_sha256
from plumbline.collect.network.probe import Probe, Visit
from plumbline.model.errors import DeviceError, HungUpError, RefusedError
from plumbline.model.words import Intrusion, Transport
from plumbline.net.connection import Connection
from plumbline.protocols.ssh import (
    Decoder,
    Disconnect,
    Identification,
    KexInit,
    KexReply,
    encode_identification,
    encode_kexinit,
    encode_packet,
    exchange_hash,
)
from plumbline.protocols.ssh_keys import HostKey

# One name for each kind of key; the signature algorithms of RSA are three names for one key.
KINDS: tuple[tuple[str, ...], ...] = (
    ("ssh-ed25519",),
    ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
    ("ecdsa-sha2-nistp256",),
    ("ecdsa-sha2-nistp384",),
    ("ecdsa-sha2-nistp521",),
    ("ssh-dss",),
)
CIPHERS = ("aes128-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-cbc", "3des-cbc")
MACS = ("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-md5")


TEXT_CHARACTERS = 256


async def run(visit: Visit) -> None:
    """Look at what is offered, prove host keys, and write the rows."""
    names = [name for kind in KINDS for name in kind]
    server, init = await _exchange(visit, Intrusion.QUERY, names)
    if init is None:
        visit.partial("ssh_host_key", f"protocol {server.protocol_version} has no key exchange that we know")
    visit.row(
        "ssh_service",
        raw=visit.keep(server.line),
        port=visit.port,
        protocol_version=server.protocol_version,
        software=server.software,
        comments=visit.redacted(server.comments)[:TEXT_CHARACTERS] if server.comments is not None else None,
        kex_algorithms=list(init.kex) if init else None,
        host_key_algorithms=list(init.host_keys) if init else None,
        ciphers=_united(init.ciphers_to_server, init.ciphers_to_client) if init else None,
        macs=_united(init.macs_to_server, init.macs_to_client) if init else None,
        compression=_united(init.compression_to_server, init.compression_to_client) if init else None,
    )
    if init is not None and visit.allows(Intrusion.SESSION):
        for kind in KINDS:
            if set(kind) & set(init.host_keys) and not _shown(visit, kind):
                try:
                    await _exchange(visit, Intrusion.SESSION, kind)
                except DeviceError as error:
                    visit.partial("ssh_host_key", f"{kind[0]}: {error}")


def _shown(visit: Visit, kind: Sequence[str]) -> bool:
    return any(
        row["subject"] == f"{visit.subject}/{kind[-1]}"
        for row in visit.batch.tables.get("ssh_host_key", [])
        if row["entity"] == str(visit.entity)
    )


async def _exchange(visit: Visit, intrusion: Intrusion, host_keys: Sequence[str]) -> tuple[Identification, KexInit | None]:
    """One connection up to the server's proof; writes the host key's row when one is proved."""
    reading = Reading(Decoder())
    connection = await visit.connect(intrusion)
    try:
        server = await receive_event(connection, reading, of_type(Identification))
        if server.protocol_version not in ("2.0", "1.99"):  # RFC 4253 5.1: both speak protocol 2
            return server, None
        client_line = encode_identification()
        ours = encode_kexinit(secrets.token_bytes(16), kex=OFFERED, host_keys=host_keys, ciphers=CIPHERS, macs=MACS)
        await connection.request(client_line + encode_packet(ours))
        init = await receive_event(connection, reading, _init)
        await _prove(visit, connection, reading, server, init, ours, client_line.rstrip(b"\r\n"))
        return server, init
    finally:
        await connection.close()


async def _prove(
    visit: Visit, connection: Connection, reading: Reading, server: Identification, init: KexInit, ours: bytes, client_line: bytes
) -> None:
    algorithm = next((name for name in OFFERED if name in init.kex), None)
    if algorithm is None:
        visit.partial("ssh_host_key", "no key exchange in common")
        return
    ephemeral = Ephemeral.make(algorithm)
    try:
        await connection.request(encode_packet(ephemeral.opening()))
        reply = await receive_event(connection, reading, _reply)
        secret = ephemeral.secret(reply.server_public)
    except DeviceError as error:
        # dropbear 2022.83 lists RSA without a key of that kind and leaves when it is chosen: there is none, and nothing was missed
        if not (isinstance(error, HungUpError) and visit.rows.get("ssh_host_key")):
            visit.partial("ssh_host_key", str(error))
        return
    digest = exchange_hash(
        ephemeral.hash_name,
        client_line=client_line,
        server=server,
        client_init=ours,
        server_init=init,
        client_public=ephemeral.public,
        reply=reply,
        secret=secret,
    )
    proved = proves(reply.host_key.blob, reply.host_key.kind, reply.signature, digest)
    if not proved:
        why = "a kind of key or signature that we cannot verify" if proved is None else "the signature does not prove the key"
        visit.partial("ssh_host_key", f"{reply.host_key.kind}: {why}")
        return
    _write_key(visit, reply.host_key)


def _init(event: object) -> KexInit | None:
    if isinstance(event, Disconnect):
        raise RefusedError(f"disconnected: {event.description}")
    return event if isinstance(event, KexInit) else None


def _reply(event: object) -> KexReply | None:
    if isinstance(event, Disconnect):
        raise RefusedError(f"disconnected: {event.description}")
    return event if isinstance(event, KexReply) else None


def _write_key(visit: Visit, key: HostKey) -> None:
    visit.row(
        "ssh_host_key",
        f"{visit.subject}/{key.kind}",
        raw=visit.writer.raw(key.blob),
        port=visit.port,
        key_type=key.kind,
        key_bits=key.bits,
        fingerprint=key.fingerprint,
        spki_sha256=spki_sha256(key.blob, key.kind),
    )


def _united(one: Sequence[str], other: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*one, *other)))


PROBE = Probe(
    protocol="ssh",
    tables=("ssh_service", "ssh_host_key"),
    transport=Transport.TCP,
    ports=frozenset({22, 2222}),
    intrusion=Intrusion.QUERY,
    exchanges=18,
    run=run,
)
