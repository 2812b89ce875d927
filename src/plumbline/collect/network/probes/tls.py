"""TLS: what is negotiated, the certificates; under `session`, which versions and which weak suites an endpoint accepts.

Run on every port where TLS was found. Handshakes, each on its own connection and one after the other: 1 at `query`, which is that of
the identification where there was one; at `session` one for each of five versions that is not known by then, then weak suites alone and
old suites alone until the server refuses, at most 20 in all with those of other probes (law 5). A refusal is an alert or a close after
our hello; silence is not, and leaves the column unobserved.
Exchanges: two for each handshake, its connection and itself.

Hellos are made by our own codec, so that versions and suites which OpenSSL no longer speaks can be offered. No key is agreed on:
the connection ends after the server's first flight.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from plumbline.collect.certificates import describe
from plumbline.collect.network.exchange import Reading, receive_event
from plumbline.collect.network.probe import Probe, Visit, unverified_context
from plumbline.model.errors import DeviceError, HungUpError, NotPermittedError, ProtocolError, RefusedError
from plumbline.model.words import Intrusion, Transport
from plumbline.protocols.tls import Alert, Certificate, CertificateRequest, RecordDecoder, ServerHelloDone
from plumbline.protocols.tls_hello import ServerHello, TlsVersion, encode_client_hello, version_word
from plumbline.protocols.tls_suites import SUITES, Weak, suite_name

VERSIONS = (TlsVersion.SSL3_0, TlsVersion.TLS1_0, TlsVersion.TLS1_1, TlsVersion.TLS1_2, TlsVersion.TLS1_3)
COLUMNS = {
    TlsVersion.SSL3_0: "ssl3",
    TlsVersion.TLS1_0: "tls1_0",
    TlsVersion.TLS1_1: "tls1_1",
    TlsVersion.TLS1_2: "tls1_2",
    TlsVersion.TLS1_3: "tls1_3",
}
OLD = {Weak.CBC_SHA1, Weak.RSA_KX}
WEAK_SUITES = tuple(number for number, suite in SUITES.items() if set(suite.weak) - OLD)
OLD_SUITES = tuple(number for number, suite in SUITES.items() if suite.weak and not set(suite.weak) - OLD)
SUITES_1_3 = (0x1301, 0x1302, 0x1303, 0x1304)
SUITES_BELOW = tuple(number for number in SUITES if number >> 8 != 0x13)
WEAK_SOUGHT_MAX = 4  # the verdict needs one, the engineer an idea; the handshakes are the device's
OLD_SOUGHT_MAX = 2  # nearly everything takes some, and all go by one line of its configuration
CHAIN_MAX = 10
UNTOLD_MAX = 2


@dataclass
class _Flight:
    """A server's first answer to one hello."""

    hello: ServerHello | None = None
    chain: tuple[bytes, ...] = ()
    asks_certificate: bool | None = None


@dataclass
class _Found:
    versions: dict[str, Any] = field(default_factory=dict)
    chain: tuple[bytes, ...] = ()
    asks_certificate: bool | None = None
    handshakes: int = 0
    chosen: set[int] = field(default_factory=set)  # suites that the server picked of many
    kept: bytearray = field(default_factory=bytearray)


async def run(visit: Visit) -> None:
    """Shake hands as often as is permitted; write one row, and one for each certificate."""
    found = _Found()
    best, suite, leaf, failure = await _negotiate(visit, found)
    weak: list[int] | None = None
    old: list[int] | None = None
    if visit.allows(Intrusion.SESSION):
        await _versions(visit, found, best)
        if any(found.versions.get(COLUMNS[version]) for version in VERSIONS[:-1]):
            weak = await _suites(visit, found, WEAK_SUITES, WEAK_SOUGHT_MAX)
            old = await _suites(visit, found, OLD_SUITES, OLD_SOUGHT_MAX)
        elif found.versions.get("tls1_3") and all(found.versions.get(COLUMNS[version]) is False for version in VERSIONS[:-1]):
            weak, old = [], []  # TLS 1.3 has none of them
    if failure is not None and not any(found.versions.values()):
        raise failure
    chain = found.chain or ((leaf,) if leaf else ())
    visit.row(
        "tls_endpoint",
        raw=visit.keep(bytes(found.kept)) if found.kept else None,
        port=visit.port,
        protocol=visit.inside,
        best_version=best,
        best_suite=suite,
        **found.versions,
        weak_suites=_names(weak),
        weak_kinds=None if weak is None else sorted({str(kind) for number in weak for kind in SUITES[number].weak} - {str(k) for k in OLD}),
        old_suites=_names(old),
        handshakes=found.handshakes,
        client_certificate_asked=found.asks_certificate,
        chain_length=len(found.chain) or None,
    )
    _certificates(visit, chain)


async def _negotiate(visit: Visit, found: _Found) -> tuple[str | None, str | None, bytes | None, DeviceError | None]:
    """One whole handshake with everything offered: version, suite and leaf certificate, or why there was none."""
    found.handshakes += 1
    if visit.session is not None:  # the handshake of the identification offered everything, and was recorded
        return (*_negotiated(visit.session), None)
    connection = await visit.plain_connection()
    try:
        await connection.start_tls(unverified_context(), visit.name)
        assert connection.tls is not None  # start_tls returned
        return (*_negotiated(connection.tls), None)
    except (ProtocolError, RefusedError, HungUpError) as error:
        if not visit.allows(Intrusion.SESSION):
            raise
        visit.partial("certificate", f"no whole handshake: {error}")
        return None, None, None, error  # what only old software speaks is found by the hellos below
    finally:
        await connection.close()


def _negotiated(session: ssl.SSLObject) -> tuple[str | None, str | None, bytes | None]:
    cipher, version = session.cipher(), session.version()
    names = {"SSLv3": "ssl3", "TLSv1": "tls1.0", "TLSv1.1": "tls1.1", "TLSv1.2": "tls1.2", "TLSv1.3": "tls1.3"}
    numbers = {offered["name"]: offered["id"] & 0xFFFF for offered in session.context.get_ciphers()}
    suite = suite_name(numbers[cipher[0]]) if cipher and cipher[0] in numbers else None
    return names.get(version or ""), suite, session.getpeercert(binary_form=True)


async def _versions(visit: Visit, found: _Found, best: str | None) -> None:
    """Offer each version alone; 1.3 is known where it was chosen before. 1.2 is asked for all the same: it shows the chain in clear."""
    untold = 0
    for version in VERSIONS:
        if version is TlsVersion.TLS1_3 and best == version_word(version):
            found.versions[COLUMNS[version]] = True
            continue
        offered = SUITES_1_3 if version is TlsVersion.TLS1_3 else SUITES_BELOW
        flight = await _offer(visit, found, version, offered, whole=version is TlsVersion.TLS1_2)
        if flight is None:
            untold += 1
            if untold >= UNTOLD_MAX and not found.versions:
                return  # it speaks no TLS to us at all; three more silences would say no more
            continue
        found.versions[COLUMNS[version]] = flight.hello is not None and flight.hello.version == version
        if flight.hello is not None:
            found.chosen.add(flight.hello.suite)
        found.chain = found.chain or flight.chain
        if flight.asks_certificate is not None:
            found.asks_certificate = flight.asks_certificate


async def _suites(visit: Visit, found: _Found, suites: Sequence[int], sought: int) -> list[int] | None:
    """Which of the suites are accepted when offered alone, at most `sought`; None when that could not be told."""
    taken = [number for number in suites if number in found.chosen][:sought]
    left = [number for number in suites if number not in taken]
    while left and len(taken) < sought:
        flight = await _offer(visit, found, TlsVersion.TLS1_2, left, whole=False)
        if flight is None:
            return taken or None
        if flight.hello is None or flight.hello.suite not in left:
            break
        taken.append(flight.hello.suite)
        left.remove(flight.hello.suite)
    return taken


async def _offer(visit: Visit, found: _Found, version: TlsVersion, suites: Sequence[int], *, whole: bool) -> _Flight | None:
    """Send one hello; None when the answer is neither acceptance nor refusal, which is said as partial."""
    share = X25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) if version is TlsVersion.TLS1_3 else None
    session = secrets.token_bytes(32) if share else b""
    random = secrets.token_bytes(32)
    hello = encode_client_hello([version], suites, random=random, session_id=session, server_name=visit.name, key_share=share)
    flight = _Flight()

    def collect(event: object) -> bool | None:
        match event:
            case ServerHello():
                flight.hello = event
                return None if whole else True
            case Certificate():
                flight.chain = event.chain
            case CertificateRequest():
                flight.asks_certificate = True
            case ServerHelloDone():
                flight.asks_certificate = bool(flight.asks_certificate)
                return True
            case Alert() if event.fatal:
                return True
        return None

    try:
        connection = await visit.plain_connection(Intrusion.SESSION)
    except (DeviceError, NotPermittedError) as error:
        _untold(visit, version, error)
        return None
    try:
        await connection.request(hello, handshake=True)
        found.handshakes += 1
        await receive_event(connection, Reading(RecordDecoder()), collect, kept=found.kept)
    except (HungUpError, RefusedError):
        pass  # closed or reset after our hello: turned down
    except (DeviceError, NotPermittedError) as error:
        if flight.hello is None:
            _untold(visit, version, error)
            return None
    finally:
        await connection.close()
    return flight


def _untold(visit: Visit, version: TlsVersion, error: Exception) -> None:
    visit.partial("tls_endpoint", f"offering {version_word(version)}: {error}")


def _names(suites: list[int] | None) -> list[str] | None:
    return None if suites is None else [suite_name(number) for number in sorted(suites)]


def _certificates(visit: Visit, chain: Sequence[bytes]) -> None:
    for position, der in enumerate(chain[:CHAIN_MAX]):
        subject = visit.subject if position == 0 else f"{visit.subject}/chain/{position}"
        try:
            columns = describe(der)
        except ProtocolError as error:
            visit.partial("certificate", f"position {position}: {error}")
            continue
        visit.row("certificate", subject, raw=visit.writer.raw(der), port=visit.port, position=position, **columns)


PROBE = Probe(
    protocol="tls",
    tables=("tls_endpoint", "certificate"),
    transport=Transport.TCP,
    ports=frozenset(),
    tls_ports=frozenset({443, 4443, 8443, 8883, 9443}),
    intrusion=Intrusion.QUERY,
    exchanges=40,
    run=run,
)
