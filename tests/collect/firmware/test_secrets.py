"""Secrets by their form: found with what they open, and not where a text only shows the form."""

from __future__ import annotations

import base64
import hashlib

import pytest

from plumbline.collect.firmware.needles import Needles
from plumbline.collect.firmware.secrets import HITS_MAX, find, needles
from tests.collect.firmware.told import told_of_files

KEY = base64.b64encode(hashlib.sha256(b"a").digest()).decode()
LONG = base64.b64encode(hashlib.sha512(b"a").digest()).decode()
JWT = ".".join(
    base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"HS256"}', b'{"sub":"cam-1"}', hashlib.sha256(b"b").digest())
)
TOKEN = hashlib.sha256(b"c").hexdigest()[:36]
FOUND = {
    "device": (
        f"HostName=nw.azure-devices.net;DeviceId=cam-1;SharedAccessKey={KEY}",
        "azure_connection_string",
        "nw.azure-devices.net",
        KEY,
    ),
    "policy": (
        f"cs=HostName=nw.azure-devices.net;SharedAccessKeyName=device;SharedAccessKey={KEY}\n",
        "azure_connection_string",
        "nw.azure-devices.net",
        KEY,
    ),
    "event hub": (
        f'"Endpoint=sb://nw.servicebus.windows.net/;SharedAccessKeyName=s;SharedAccessKey={KEY};EntityPath=e"',
        "azure_connection_string",
        "nw.servicebus.windows.net",
        KEY,
    ),
    "storage": (f"DefaultEndpointsProtocol=https;AccountName=nwfiles;AccountKey={LONG};", "azure_storage_key", "nwfiles", LONG),
    "aws": (f"aws_secret_access_key = {LONG[:40]}\n", "aws_access_key", "aws", LONG[:40]),
    "github": (f"token ghp_{TOKEN}\n", "github_token", "github", f"ghp_{TOKEN}"),
    "google": (f"key=AIza{TOKEN[:35]};", "google_api_key", "google", f"AIza{TOKEN[:35]}"),
    "jwt": (f"Authorization: Bearer {JWT}\n", "json_web_token", None, JWT),
}
STRANGERS = {
    "a placeholder": "HostName=${HUB};DeviceId=cam-1;SharedAccessKey={key}",
    "a format string": "HostName=%s;DeviceId=%s;SharedAccessKey=%s",
    "a key alone": f"SharedAccessKey={KEY}",
    "the maker's example": "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "a token of x": "ghp_" + "x" * 36,
    "the example of every page": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0."
    + "a1B2c3D4" * 5,
    "parts that are no JSON": "eyJhbGciOiJIUzI1NiIs.eyJhbGciOiJIUzI1NiIs." + "a1B2c3D4" * 5,
    "two parts": JWT.rpartition(".")[0],
    "a key too short for an account": f"AccountKey={KEY}",
}


def found(text: str) -> list[tuple[str, str | None, str, int]]:
    data = b"\0\x01" * 300 + text.encode() + b"\0" * 9
    hits = Needles(needles()).find([data])[0]
    return [(one.kind, one.service, one.secret.decode(), one.offset) for one in find(data, hits)]


@pytest.mark.parametrize("case", FOUND)
def test_found(case: str) -> None:
    text, kind, service, secret = FOUND[case]
    assert found(text) == [(kind, service, secret, 600 + text.index(secret))]


@pytest.mark.parametrize("case", STRANGERS)
def test_not_found(case: str) -> None:
    assert found(STRANGERS[case]) == []


def test_a_secret_that_stands_twice_is_told_once() -> None:
    assert len(found(f"ghp_{TOKEN} ghp_{TOKEN}")) == 1


def test_places_beyond_the_limit_are_said() -> None:
    told = told_of_files({"/etc/many": b"ghp_ " * (HITS_MAX + 1), "/etc/few": b"ghp_ " * HITS_MAX})
    assert [said for said in told.said_of("image_secret") if "/etc/few" in said] == []
    assert any("/etc/many: only the first" in said for said in told.said_of("image_secret"))
