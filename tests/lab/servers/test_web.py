"""The web servers, asked by http.client."""

import http.client
import ssl
import warnings

import pytest

from plumbline.lab.fleet import Device
from plumbline.lab.lab import Lab
from tests.lab.conftest import Twins

WEAKEST = "ALL:eNULL:@SECLEVEL=0"


def client_context(suites: str = "DEFAULT", newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
    context.set_ciphers(suites)
    return context


def ask(
    device: Device, port: int, *, tls: bool = False, method: str = "GET", path: str = "/", fields: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, str]:
    connection: http.client.HTTPConnection
    if tls:
        connection = http.client.HTTPSConnection(device.address, port, timeout=5, context=client_context(WEAKEST))
    else:
        connection = http.client.HTTPConnection(device.address, port, timeout=5)
    try:
        connection.request(method, path, headers=fields or {})
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


def test_weak_camera_shows_its_login_form_in_clear_and_its_version(devices: Twins) -> None:
    response, body = ask(devices["camera"], 8080)
    assert response.status == 200
    assert 'type="password"' in body
    assert response.headers["server"] == "CamHttpd/1.4.2"


def test_hardened_camera_redirects_to_https_and_names_no_version(devices: Twins) -> None:
    camera = devices["camera-hardened"]
    response, _ = ask(camera, 8080)
    assert (response.status, response.headers["location"]) == (301, f"https://{camera.address}:8443/")
    assert response.headers["server"] == "CamHttpd"


@pytest.mark.parametrize(("name", "flagged"), [("camera", False), ("camera-hardened", True)])
def test_cookie_flags(devices: Twins, name: str, flagged: bool) -> None:
    response, _ = ask(devices[name], 8443, tls=True)
    cookie = response.headers["set-cookie"]
    assert all((flag in cookie) is flagged for flag in ("Secure", "HttpOnly", "SameSite"))


@pytest.mark.parametrize(("name", "mirrored"), [("gateway", "https://foreign.example"), ("gateway-hardened", None)])
def test_foreign_origins(devices: Twins, name: str, mirrored: str | None) -> None:
    response, _ = ask(devices[name], 8443, tls=True, fields={"Origin": "https://foreign.example"})
    assert response.headers["access-control-allow-origin"] == mirrored


@pytest.mark.parametrize(
    ("name", "port", "tls", "words"),
    [
        ("printer", 8000, False, "Firmware update"),
        ("printer", 8000, False, "Reboot"),
        ("printer", 8081, False, "Index of /"),
        ("printer-hardened", 8081, False, "Ready."),
        ("controller-hardened", 8443, True, 'type="password"'),
        ("camera", 8443, True, "Firmware version: 1.4.2"),
        ("stranger", 7070, False, "It works"),
    ],
)
def test_pages(devices: Twins, name: str, port: int, tls: bool, words: str) -> None:
    assert words in ask(devices[name], port, tls=tls)[1]


def test_router_asks_for_basic_in_clear_and_counts_what_it_is_given(lab: Lab, devices: Twins) -> None:
    response, _ = ask(devices["router"], 8080)
    assert (response.status, response.headers["www-authenticate"]) == (401, 'Basic realm="Router"')
    before = lab.watch.logins["router", "http"]
    ask(devices["router"], 8080, fields={"Authorization": "Basic YTpi"})
    assert lab.watch.logins["router", "http"] == before + 1


def test_upnp_description_offers_gateway_control(devices: Twins) -> None:
    response, body = ask(devices["router"], 5000, path="/rootDesc.xml")
    assert response.headers["content-type"].startswith("text/xml")
    assert "WANIPConnection:1" in body


def test_post_is_refused_and_noted_as_harm(lab: Lab, devices: Twins) -> None:
    before = len(lab.watch.harms)
    response, _ = ask(devices["camera"], 8080, method="POST", path="/login")
    assert response.status == 405
    assert [harm.what for harm in lab.watch.harms[before:]] == ["POST on tcp/8080"]
    del lab.watch.harms[before:]


def test_head_has_no_body_and_one_connection_serves_several_requests(devices: Twins) -> None:
    connection = http.client.HTTPConnection(devices["camera"].address, 8080, timeout=5)
    for method, empty in (("HEAD", True), ("GET", False)):
        connection.request(method, "/")
        assert (connection.getresponse().read() == b"") is empty
    connection.close()
