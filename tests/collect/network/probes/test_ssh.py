"""The SSH probe against asyncssh: what it proves of host keys, and what it sees of the algorithms."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from plumbline.collect.network.key_exchange import GROUP1_PRIME, OFFERED
from plumbline.model.words import Intrusion, Outcome
from tests.collect.network.benches import scene
from tests.collect.network.conftest import OpenBench
from tests.net.rigs import lure


@asynccontextmanager
async def server(keys: Sequence[asyncssh.SSHKey], **options: Any) -> AsyncIterator[int]:
    listening = await asyncssh.listen("127.0.0.1", 0, server_host_keys=list(keys), **options)
    try:
        yield listening.get_port()
    finally:
        listening.close()
        await listening.wait_closed()


def spki(key: asyncssh.SSHKey) -> str:
    public = load_ssh_public_key(key.export_public_key())
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


pytestmark = pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")  # asyncssh's, and the point of an old server

KINDS: tuple[tuple[str, dict[str, Any], int], ...] = (
    ("ssh-ed25519", {}, 256),
    ("ssh-rsa", {"key_size": 2048}, 2048),
    ("ecdsa-sha2-nistp256", {}, 256),
    ("ecdsa-sha2-nistp384", {}, 384),
    ("ecdsa-sha2-nistp521", {}, 521),
)


@scene
async def test_every_kind_of_host_key_is_proved_under_session(bench: OpenBench) -> None:
    keys = [asyncssh.generate_private_key(kind, **options) for kind, options, _ in KINDS]
    async with server(keys, server_version="Northwind_7.2") as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ssh", port, intrusion=Intrusion.SESSION)
    assert seen.outcome is Outcome.OK
    service = seen.row("ssh_service")
    assert (service["protocol_version"], service["software"]) == ("2.0", "Northwind_7.2")
    assert "curve25519-sha256" in service["kex_algorithms"]
    assert "aes256-ctr" in service["ciphers"] and "hmac-sha2-256" in service["macs"] and "none" in service["compression"]
    found = {row["key_type"]: row for row in seen.rows("ssh_host_key")}
    assert found.keys() == {kind for kind, _, _ in KINDS}
    for key, (kind, _, bits) in zip(keys, KINDS, strict=True):
        row = found[kind]
        assert (row["key_bits"], row["fingerprint"], row["spki_sha256"]) == (bits, key.get_fingerprint(), spki(key))
        assert row["subject"] == f"tcp/{port}/{kind}"
    assert seen.covered("ssh_host_key") == (Outcome.OK, len(KINDS))


@scene
async def test_one_key_is_enough_at_query(bench: OpenBench) -> None:
    keys = [asyncssh.generate_private_key("ssh-rsa", key_size=1024), asyncssh.generate_private_key("ssh-ed25519")]
    async with server(keys) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ssh", port, intrusion=Intrusion.QUERY)
    assert [row["key_type"] for row in seen.rows("ssh_host_key")] == ["ssh-ed25519"]


@pytest.mark.parametrize("algorithm", OFFERED)
@scene
async def test_the_key_is_proved_over_each_exchange(bench: OpenBench, algorithm: str) -> None:
    key = asyncssh.generate_private_key("ssh-rsa", key_size=1024)
    async with server([key], kex_algs=[algorithm], signature_algs=["ssh-rsa"]) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ssh", port, intrusion=Intrusion.QUERY)
    assert seen.row("ssh_service")["kex_algorithms"][0] == algorithm
    row = seen.row("ssh_host_key")
    assert (row["key_type"], row["key_bits"], row["fingerprint"]) == ("ssh-rsa", 1024, key.get_fingerprint())


@scene
async def test_a_dss_key_is_proved_too(bench: OpenBench) -> None:
    key = asyncssh.generate_private_key("ssh-dss")
    async with server([key], signature_algs=["ssh-dss"]) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ssh", port, intrusion=Intrusion.QUERY)
    row = seen.row("ssh_host_key")
    assert (row["key_type"], row["key_bits"], row["fingerprint"]) == ("ssh-dss", 1024, key.get_fingerprint())
    assert row["spki_sha256"] is not None


@scene
async def test_weak_algorithms_are_seen_as_configured(bench: OpenBench) -> None:
    weak = {
        "encryption_algs": ["3des-cbc", "arcfour"],
        "mac_algs": ["hmac-md5", "hmac-sha1-96"],
        "kex_algs": ["diffie-hellman-group1-sha1"],
    }
    async with server([asyncssh.generate_private_key("ssh-rsa", key_size=2048)], **weak) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ssh", port)
    row = seen.row("ssh_service")
    assert (row["ciphers"], row["macs"]) == (weak["encryption_algs"], weak["mac_algs"])
    assert row["kex_algorithms"][0] == "diffie-hellman-group1-sha1"


@scene
async def test_an_exchange_that_we_cannot_do_leaves_the_key_partial(bench: OpenBench) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with server([key], kex_algs=["diffie-hellman-group18-sha512"]) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ssh", port, intrusion=Intrusion.QUERY)
    assert seen.covered("ssh_service") == (Outcome.OK, 1)
    assert seen.covered("ssh_host_key") == (Outcome.PARTIAL, 0)
    assert "no key exchange in common" in seen.detail("ssh_host_key")


@scene
async def test_protocol_1_is_named_and_asked_nothing(bench: OpenBench) -> None:
    heard = bytearray()

    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-1.5-Cisco-1.25\r\n")
        heard.extend(await reader.read())
        writer.close()

    async with lure(old) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("ssh", port)
    row = seen.row("ssh_service")
    assert (row["protocol_version"], row["software"], row["kex_algorithms"]) == ("1.5", "Cisco-1.25", None)
    assert seen.covered("ssh_service") == (Outcome.OK, 1)
    assert seen.covered("ssh_host_key") == (Outcome.PARTIAL, 0)
    assert not heard


@scene
async def test_a_signature_that_does_not_fit_proves_nothing(bench: OpenBench) -> None:
    """Somebody in between who changes one bit of the proof: the key is shown, and not written."""
    mark = b"ssh-ed25519\0\0\0@"  # before the 64 bytes of the signature

    def forged(data: bytes) -> bytes:
        at = data.find(mark)
        return data if at < 0 else data[: at + len(mark) + 5] + bytes([data[at + len(mark) + 5] ^ 1]) + data[at + len(mark) + 6 :]

    async with server([asyncssh.generate_private_key("ssh-ed25519")]) as port, relay(port, forged) as through, bench(tcp=[through]) as rig:
        seen = await rig.visit("ssh", through, intrusion=Intrusion.QUERY)
    assert seen.covered("ssh_service") == (Outcome.OK, 1)
    assert seen.rows("ssh_host_key") == []
    assert "does not prove" in seen.detail("ssh_host_key")


@asynccontextmanager
async def relay(port: int, change: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """Stand between client and server, and change what the server says."""

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, through: Callable[[bytes], bytes]) -> None:
            while data := await source.read(65536):
                sink.write(through(data))
            sink.close()

        await asyncio.gather(pump(reader, forth, bytes), pump(back, writer, change))

    async with lure(between) as through:
        yield through


def test_the_prime_of_group_1_is_a_safe_prime() -> None:
    half = (GROUP1_PRIME - 1) // 2
    assert GROUP1_PRIME.bit_length() == 1024
    for number in (GROUP1_PRIME, half):  # Fermat's test says of these bases alone what it need not: a typing error would not pass it
        assert all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7))
