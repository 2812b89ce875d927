"""The FTP servers, visited by ftplib."""

import ftplib
import io
import ssl

import pytest

from plumbline.lab.lab import Lab
from tests.lab.conftest import Twins
from tests.lab.servers.test_web import client_context


def test_weak_router_lets_anonymous_read_and_offers_no_tls(devices: Twins) -> None:
    with ftplib.FTP() as client:
        client.connect(devices["router"].address, 2121, timeout=5)
        assert client.getwelcome() == "220 FTP ready."
        assert "AUTH" not in client.sendcmd("FEAT")
        assert client.login().startswith("230")
        assert client.nlst() == ["readme.txt"]


def test_uploads_are_refused_and_noted_as_harm(lab: Lab, devices: Twins) -> None:
    before = len(lab.watch.harms)
    with ftplib.FTP() as client:
        client.connect(devices["router"].address, 2121, timeout=5)
        client.login()
        with pytest.raises(ftplib.error_perm, match="550"):
            client.storbinary("STOR x", io.BytesIO(b"x"))
    assert [harm.what for harm in lab.watch.harms[before:]] == ["STOR on tcp/2121"]
    del lab.watch.harms[before:]


def test_hardened_router_refuses_anonymous_in_clear(lab: Lab, devices: Twins) -> None:
    before = lab.watch.logins["router-hardened", "ftp"]
    with ftplib.FTP() as client:
        client.connect(devices["router-hardened"].address, 2121, timeout=5)
        assert "AUTH TLS" in client.sendcmd("FEAT")
        with pytest.raises(ftplib.error_perm, match="530"):
            client.login()
    assert lab.watch.logins["router-hardened", "ftp"] == before + 1


def test_auth_tls_of_the_hardened_router_is_real(devices: Twins) -> None:
    with ftplib.FTP_TLS(context=client_context()) as client:
        client.connect(devices["router-hardened"].address, 2121, timeout=5)
        client.auth()
        assert isinstance(client.sock, ssl.SSLSocket)
        with pytest.raises(ftplib.error_perm, match="530"):
            client.login("anonymous", "x", secure=False)
