"""What the TLS listeners accept and show, asked by the ssl module and read by cryptography."""

import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from plumbline.lab.certificates import der
from plumbline.lab.fleet import Device
from plumbline.lab.services import Tls
from tests.lab.conftest import AT, Twins
from tests.lab.servers.test_web import WEAKEST, client_context

TLS_PORTS = [
    ("camera", 8443),
    ("router", 8443),
    ("broker", 8883),
    ("gateway", 8443),
    ("gateway", 8883),
    ("printer", 8443),
    ("controller", 8443),
]


def shake(device: Device, port: int, context: ssl.SSLContext) -> tuple[str | None, str, bytes]:
    """Give version, suite and leaf certificate."""
    with socket.create_connection((device.address, port), timeout=5) as plain, context.wrap_socket(plain) as line:
        suite = line.cipher()
        assert suite is not None
        return line.version(), suite[0], line.getpeercert(binary_form=True) or b""


def tls_of(device: Device, port: int) -> Tls:
    tls = next(service.tls for service in device.services if service.port == port and hasattr(service, "tls"))
    assert isinstance(tls, Tls)
    return tls


@pytest.mark.parametrize(("name", "port"), [*TLS_PORTS, *((f"{name}-hardened", port) for name, port in TLS_PORTS)])
def test_every_listener_shows_the_certificate_that_the_fleet_describes(devices: Twins, name: str, port: int) -> None:
    version, _, leaf = shake(devices[name], port, client_context(WEAKEST))
    assert version == "TLSv1.3"
    assert leaf == der(tls_of(devices[name], port).certificate)


def test_weak_router_takes_tls_1_0_and_a_suite_without_encryption(devices: Twins) -> None:
    router = devices["router"]
    assert shake(router, 8443, client_context(WEAKEST, ssl.TLSVersion.TLSv1))[0] == "TLSv1"
    assert "NULL" in shake(router, 8443, client_context("eNULL:@SECLEVEL=0", ssl.TLSVersion.TLSv1_2))[1]


def test_hardened_router_takes_neither(devices: Twins) -> None:
    for context in (client_context(WEAKEST, ssl.TLSVersion.TLSv1_1), client_context("eNULL:@SECLEVEL=0", ssl.TLSVersion.TLSv1_2)):
        with pytest.raises(ssl.SSLError):
            shake(devices["router-hardened"], 8443, context)


def certificate(devices: Twins, name: str, port: int) -> x509.Certificate:
    return x509.load_der_x509_certificate(shake(devices[name], port, client_context(WEAKEST))[2])


def test_weak_certificates_are_weak_in_the_way_they_should_be(devices: Twins) -> None:
    router = certificate(devices, "router", 8443).public_key()
    assert isinstance(router, rsa.RSAPublicKey) and router.key_size == 1024
    assert certificate(devices, "camera", 8443).not_valid_after_utc < AT
    assert 0 < (certificate(devices, "gateway", 8443).not_valid_after_utc - AT).days < 14
    broker = certificate(devices, "broker", 8883).signature_hash_algorithm
    assert broker is not None and broker.name == "sha1"
    assert certificate(devices, "printer", 8443) == certificate(devices, "gateway", 8443)


@pytest.mark.parametrize(("name", "port"), TLS_PORTS)
def test_hardened_certificates_have_none_of_it(devices: Twins, name: str, port: int) -> None:
    leaf = certificate(devices, f"{name}-hardened", port)
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    assert leaf.not_valid_before_utc < AT and (leaf.not_valid_after_utc - AT).days > 3000
    assert leaf.issuer != leaf.subject
    assert leaf.signature_hash_algorithm is not None and leaf.signature_hash_algorithm.name == "sha256"
