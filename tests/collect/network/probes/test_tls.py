"""The TLS probe against OpenSSL: versions, suites and certificates as they were configured."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from plumbline.model.words import Intrusion, Outcome
from tests.collect.network.benches import scene
from tests.collect.network.certificates import issue, server_context, write_pair
from tests.collect.network.conftest import OpenBench
from tests.net.rigs import lure

V = ssl.TLSVersion


@asynccontextmanager
async def server(context: ssl.SSLContext) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(4096)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


def limited(context: ssl.SSLContext, lowest: V, highest: V) -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
        context.minimum_version, context.maximum_version = lowest, highest
    return context


@scene
async def test_a_chain_is_written_as_it_was_issued(bench: OpenBench, tmp_path: Path) -> None:
    authority, leaf = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    upper = issue(authority, "Northwind CA", ca=True)
    lower = issue(leaf, "dock-cam-1", issuer="Northwind CA", signer=authority, names=("dock-cam-1.local", "10.20.1.14"), days=(-10, 20))
    context = limited(server_context(tmp_path, leaf, [lower, upper]), V.TLSv1_2, V.TLSv1_3)
    async with server(context) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("tls", port, inside="http", intrusion=Intrusion.SESSION)
    assert seen.outcome is Outcome.OK
    row = seen.row("tls_endpoint")
    versions = {name: row[name] for name in ("ssl3", "tls1_0", "tls1_1", "tls1_2", "tls1_3")}
    assert versions == {"ssl3": False, "tls1_0": False, "tls1_1": False, "tls1_2": True, "tls1_3": True}
    assert (row["best_version"], row["best_suite"], row["protocol"]) == ("tls1.3", "TLS_AES_256_GCM_SHA384", "http")
    assert (row["weak_suites"], row["weak_kinds"]) == ([], [])
    assert (row["chain_length"], row["client_certificate_asked"]) == (2, False)
    first, second = seen.rows("certificate")
    assert (first["subject"], second["subject"]) == (f"tcp/{port}", f"tcp/{port}/chain/1")
    for found, issued, key in ((first, lower, leaf), (second, upper, authority)):
        der = issued.public_bytes(Encoding.DER)
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert found["sha256"] == hashlib.sha256(der).hexdigest()
        assert found["sha1"] == hashlib.sha1(der).hexdigest().upper()
        assert found["spki_sha256"] == hashlib.sha256(public).hexdigest()
        assert (found["not_before"], found["not_after"]) == (issued.not_valid_before_utc, issued.not_valid_after_utc)
        assert found["serial_number"] == f"{issued.serial_number:x}"
    assert (first["subject_name"], first["issuer_name"]) == ("CN=dock-cam-1", "CN=Northwind CA")
    assert (first["key_type"], first["key_bits"], first["self_signed"], first["ca"]) == ("ec", 256, False, False)
    assert first["names"] == ["dock-cam-1.local", "10.20.1.14"]
    assert (second["key_type"], second["key_bits"], second["self_signed"], second["ca"]) == ("rsa", 2048, True, True)


CERTIFICATES = {
    "rsa of 1024 bits": (lambda: rsa.generate_private_key(65537, 1024), hashes.SHA224(), ("rsa", 1024, "sha224")),
    "p-384": (lambda: ec.generate_private_key(ec.SECP384R1()), hashes.SHA384(), ("ec", 384, "sha384")),
    "ed25519": (ed25519.Ed25519PrivateKey.generate, None, ("ed25519", 256, None)),
}


@pytest.mark.parametrize("name", CERTIFICATES)
@scene
async def test_certificates_of_each_kind(bench: OpenBench, tmp_path: Path, name: str) -> None:
    make, digest, expected = CERTIFICATES[name]
    key = make()
    context = server_context(tmp_path, key, [issue(key, "printer", digest=digest, days=(-40, -10))], ciphers="ALL:@SECLEVEL=0")
    async with server(context) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("tls", port, intrusion=Intrusion.QUERY)
    row = seen.row("certificate")
    assert (row["key_type"], row["key_bits"], row["signature_hash"]) == expected
    assert row["self_signed"] is True
    endpoint = seen.row("tls_endpoint")
    assert endpoint["handshakes"] == 1, "one at query"
    assert endpoint["tls1_0"] is None and endpoint["weak_suites"] is None and endpoint["chain_length"] is None


@scene
async def test_old_versions_and_weak_suites(bench: OpenBench, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    weak = "ECDHE-RSA-AES128-GCM-SHA256:NULL-SHA256:NULL-SHA:AES128-SHA:AES256-SHA:AECDH-AES128-SHA:@SECLEVEL=0"
    context = limited(server_context(tmp_path, key, [issue(key, "router")], ciphers=weak), V.TLSv1, V.TLSv1_2)
    async with server(context) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("tls", port, intrusion=Intrusion.SESSION)
        left = rig.door.handshakes_left("127.0.0.1", port)
    row = seen.row("tls_endpoint")
    assert (row["tls1_0"], row["tls1_1"], row["tls1_2"], row["tls1_3"]) == (True, True, True, False)
    assert (row["best_version"], row["best_suite"]) == ("tls1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    assert set(row["weak_suites"]) == {"TLS_RSA_WITH_NULL_SHA256", "TLS_RSA_WITH_NULL_SHA", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"}
    assert row["weak_kinds"] == ["anon", "null"]
    assert set(row["old_suites"]) == {"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"}
    assert row["handshakes"] == 20 - left <= 20
    assert seen.covered("tls_endpoint") == (Outcome.OK, 1)


@scene
async def test_only_an_old_version_is_still_found(bench: OpenBench, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 1024)
    context = limited(server_context(tmp_path, key, [issue(key, "old")], ciphers="AES128-SHA:@SECLEVEL=0"), V.TLSv1, V.TLSv1)
    async with server(context) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("tls", port, intrusion=Intrusion.SESSION)
    row = seen.row("tls_endpoint")
    assert (row["best_version"], row["tls1_0"], row["tls1_2"], row["tls1_3"]) == ("tls1.0", True, False, False)
    assert row["old_suites"] == ["TLS_RSA_WITH_AES_128_CBC_SHA"]


@scene
async def test_tls_1_3_alone_has_no_weak_suites(bench: OpenBench, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    context = limited(server_context(tmp_path, key, [issue(key, "new")]), V.TLSv1_3, V.TLSv1_3)
    async with server(context) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("tls", port, intrusion=Intrusion.SESSION)
    row = seen.row("tls_endpoint")
    assert (row["tls1_2"], row["tls1_3"], row["weak_suites"], row["old_suites"]) == (False, True, [], [])
    assert row["handshakes"] == 5, "1.3 was chosen in the first, and is not asked for again"
    assert len(seen.rows("certificate")) == 1


@pytest.mark.parametrize("highest", [V.TLSv1_2, V.TLSv1_3])
@scene
async def test_a_server_that_wants_a_client_certificate(bench: OpenBench, tmp_path: Path, highest: V) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = issue(key, "clients' CA", ca=True)
    context = limited(server_context(tmp_path, key, [issue(key, "strict")]), V.TLSv1_2, highest)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=str(write_pair(tmp_path, key, [authority], "clients")[0]))
    async with server(context) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("tls", port, intrusion=Intrusion.SESSION)
    row = seen.row("tls_endpoint")
    assert row["client_certificate_asked"] is True
    assert (row["tls1_2"], row["tls1_3"]) == (True, highest is V.TLSv1_3)
    assert seen.rows("certificate")[0]["subject_name"] == "CN=strict"


@scene
async def test_handshakes_that_run_out_leave_it_partial(bench: OpenBench, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    context = server_context(tmp_path, key, [issue(key, "router")], ciphers="ALL:NULL-SHA:@SECLEVEL=0")
    async with server(context) as port, bench(tcp=[port]) as rig:
        await rig.visit("tls", port, intrusion=Intrusion.SESSION)
        again = await rig.visit("tls", port, intrusion=Intrusion.SESSION)
        assert rig.door.handshakes_left("127.0.0.1", port) == 0
    assert again.covered("tls_endpoint") == (Outcome.PARTIAL, 1)
    assert "handshakes" in again.detail("tls_endpoint")
    assert again.row("tls_endpoint")["old_suites"] is None


@scene
async def test_what_speaks_no_tls_is_no_endpoint(bench: OpenBench) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with lure(plain) as port, bench(tcp=[port]) as rig:
        seen = await rig.visit("tls", port, intrusion=Intrusion.SESSION)
    assert seen.outcome is Outcome.PROTOCOL_ERROR
    assert seen.rows("tls_endpoint") == []
