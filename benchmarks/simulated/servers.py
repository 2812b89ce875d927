"""Serves a simulated site from one process and one event loop: `python -m benchmarks.simulated.servers BASE HOSTS`.

Says "ready" once every port listens, and ends with its standard input. Nothing it does depends on which scanner asks.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
import warnings
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from benchmarks.simulated import talk
from benchmarks.simulated.site import Host, hosts
from benchmarks.simulated.streams import listen

SSH = {
    "camera": "dropbear_2017.75",
    "gateway": "OpenSSH_8.9p1",
    "router": "dropbear_2022.83",
    "sensor hub": "OpenSSH_7.9p1 Debian-10+deb10u2",
}
SSH_OLD = {
    "kex_algs": ["curve25519-sha256", "diffie-hellman-group1-sha1"],
    "encryption_algs": ["aes128-ctr", "aes128-cbc"],
    "mac_algs": ["hmac-sha1"],
}


async def main(base: str, count: int) -> None:
    """Start everything, say so, and serve until the standard input ends."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # that TLS 1.0 is old is the point
    for host in hosts(base, count):
        for port, word in host.services.items():
            await _start(host, port, word)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _start(host: Host, port: int, word: str) -> None:
    if word == "ssh":
        keys = [asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ecdsa-sha2-nistp256")]
        old = SSH_OLD if host.number % 4 == 0 else {}
        await asyncssh.listen(host.address, port, server_host_keys=keys, server_version=SSH[host.kind], **old)
        return
    plain = {"https": "http", "mqtts": "mqtt"}.get(word, word)
    context = _context(host.kind, host.number % 3) if plain != word else None
    await listen(host.address, port, partial(getattr(talk, plain), host), context)


@cache
def _context(kind: str, variant: int) -> ssl.SSLContext:
    """TLS as that kind of device does it: old versions too on one of three; RSA, as nearly all of them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1 if variant == 0 else ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DEFAULT:@SECLEVEL=0" if variant == 0 else "DEFAULT")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with TemporaryDirectory() as folder:  # the ssl module loads certificates from files only
        path = Path(folder) / "chain.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + _certificate(kind, key, timedelta(days=(-30, 20, 700)[variant])))
        context.load_cert_chain(path)
    return context


def _certificate(kind: str, key: rsa.RSAPrivateKey, left: timedelta) -> bytes:
    now, name = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kind)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=400)).not_valid_after(now + left)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
