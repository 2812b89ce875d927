"""Timestamps: an authority's signed word that a signature was there at a moment (RFC 3161), asked for and checked.

Not the door: no rig is contacted, only the address that the auditor names with `--timestamp`, which is told the SHA-256 of a signature and
nothing else. Rules: one request for each signature, answered within TIMEOUT_S by at most ANSWER_MAX bytes; no redirect is followed; an
answer is kept only when it is granted and about this signature. Whether to believe the authority is the verifier's choice: without its
certificate nothing is said to hold. Anybody can take a stamp away or put another in its place; nobody can make one of an authority that is
believed.
"""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates

from plumbline import __version__
from plumbline.attest.envelope import Signature
from plumbline.attest.verification import Stamp
from plumbline.model.errors import EnvironmentFault, InputError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

TIMEOUT_S = 30.0
ANSWER_MAX = 64 << 10  # bytes; answers with a chain of three certificates are below 8 kB
_MISSING = "pip install 'plumbline[timestamp]'"


def stamper(url: str, authorities: Path | None) -> Callable[[Signature], Signature]:
    """Give what has a signature stamped by the authority at an address; raises InputError when the address is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise InputError("is no http or https address", where="--timestamp", remedy="name that of a timestamp authority")
    if not _installed():
        raise InputError("needs the package rfc3161-client", where="--timestamp", remedy=_MISSING)
    trusted = _certificates(authorities)

    def stamp(signature: Signature) -> Signature:
        return replace(signature, timestamps=(*signature.timestamps, _asked(url, signature.sig, trusted)))

    return stamp


def check_stamps(signature: Signature, authorities: Path | None) -> tuple[Stamp, ...]:
    """Check what timestamp authorities say of a signature; `authorities` are the certificates of those that are believed, in PEM."""
    trusted = _certificates(authorities)
    return tuple(_checked(answer, signature.sig, trusted) for answer in signature.timestamps)


def _asked(url: str, sig: bytes, trusted: list[Certificate]) -> bytes:
    from rfc3161_client import TimestampRequestBuilder
    from rfc3161_client.base import HashAlgorithm

    request = TimestampRequestBuilder().data(sig).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True).cert_request(cert_request=True)
    question = request.build()
    answer = _post(url, question.as_bytes())
    try:
        response = _decoded(answer)
        if response.tst_info.nonce != question.nonce:
            raise ValueError("its nonce is not ours")
    except ValueError as error:
        raise EnvironmentFault(f"the timestamp authority at {url} gave no timestamp: {error}") from error
    stamp = _checked(answer, sig, trusted)
    if stamp.holds is False or (trusted and not stamp.holds):
        raise EnvironmentFault(f"the timestamp authority at {url} gave a timestamp that does not hold: {stamp.why}")
    return answer


def _post(url: str, body: bytes) -> bytes:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    headers = {"Content-Type": "application/timestamp-query", "User-Agent": f"plumbline/{__version__}"}
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
            with connection.getresponse() as response:
                data = response.read(ANSWER_MAX + 1)
                if response.status != http.HTTPStatus.OK or len(data) > ANSWER_MAX:
                    raise EnvironmentFault(f"the timestamp authority at {url} answers {response.status} with {len(data)} bytes")
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EnvironmentFault(f"the timestamp authority at {url} cannot be asked: {error}") from error
    return data


def _checked(answer: bytes, sig: bytes, trusted: list[Certificate]) -> Stamp:
    if not _installed():
        return Stamp(None, "", None, f"needs the package rfc3161-client: {_MISSING}")
    try:
        response = _decoded(answer)
        if not _is_about(response, sig):
            return Stamp(None, "", False, "is about another signature")
        at, authority = response.tst_info.gen_time.isoformat(), _authority(response)
    except (ValueError, TypeError, AttributeError) as error:
        return Stamp(None, "", False, f"is no timestamp: {str(error)[:200]}")
    if not trusted:
        return Stamp(at, authority, None, f"says {at}, of {authority}; whom to believe, say with --authority")
    return _believed(response, sig, trusted, Stamp(at, authority, True))


def _believed(response: TimeStampResponse, sig: bytes, trusted: list[Certificate], stamp: Stamp) -> Stamp:
    from rfc3161_client import VerificationError, VerifierBuilder

    builder = VerifierBuilder()
    for certificate in trusted:
        builder = builder.add_root_certificate(certificate)
    try:
        builder.build().verify_message(response, sig)
    except (VerificationError, ValueError) as error:
        return replace(stamp, holds=False, why=str(error)[:200])
    return replace(stamp, why=f"{stamp.at}, of {stamp.authority}")


def _decoded(answer: bytes) -> TimeStampResponse:
    """Decode an answer; raises ValueError for anything but a granted timestamp."""
    from rfc3161_client import decode_timestamp_response

    response = decode_timestamp_response(answer)
    if response.status != 0:
        raise ValueError(f"status {response.status}: {'; '.join(response.status_string)[:200]}")
    return response


def _is_about(response: TimeStampResponse, sig: bytes) -> bool:
    return bytes(response.tst_info.message_imprint.message) == hashlib.sha256(sig).digest()


def _authority(response: TimeStampResponse) -> str:
    """Name the authority, by its own word: the subject of the certificate that it sent, and that signed by its serial number."""
    numbers = {one.serial_number for one in response.signed_data.signer_infos}
    sent = (load_der_x509_certificate(one) for one in response.signed_data.certificates)
    names = [one.subject.rfc4514_string() for one in sent if one.serial_number in numbers]
    return names[0][:200] if names else "an authority that sent no certificate"


def _certificates(path: Path | None) -> list[Certificate]:
    if path is None:
        return []
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"holds no certificates in PEM: {error}", where=str(path), remedy="give the authority's, as it publishes it"
        ) from error


def _installed() -> bool:
    try:
        import rfc3161_client  # noqa: F401 - an extra
    except ImportError:
        return False
    return True
