"""Which settings are secrets, by name and form."""

from __future__ import annotations

import pytest

from plumbline.collect.secrets_in_text import is_placeholder, is_secret, names_secret, secret_paths

SECRETS = {
    "a password": ("MQTT_PASSWORD", "hunter2"),
    "a default password is one too": ("password", "changeme"),
    "a password of digits": ("adminPassword", 12345678),
    "a key of base64": ("primaryKey", "c2VjcmV0LXNlY3JldC1zZWNyZXQ="),
    "an API key in camel case": ("weatherApiKey", "0a1b2c3d4e5f"),
    "numbered": ("WIFI_PSK_2", "correct horse"),
    "a connection string, whatever its name": ("setting", "HostName=h.azure-devices.net;DeviceId=d;SharedAccessKey=c2VjcmV0c2VjcmV0"),
    "a storage account": ("store", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abcdefgh12345678=="),
    "a SAS link": ("upload", "https://a.blob.core.windows.net/c?sv=2020&se=2027&sig=abcdEFGH1234abcdEFGH1234%3D"),
    "a private key": ("blob", "-----BEGIN EC PRIVATE KEY-----\nMHcC"),
    "a bearer token": ("x", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.sig"),
    "a link with a password": ("broker", "mqtt://cam:s3cret@broker:1883"),
    "a database string": ("sql", "Server=db;User=sa;Password=Passw0rd!;"),
}
OTHERS = {
    "a placeholder": ("MQTT_PASSWORD", "${MQTT_PASSWORD}"),
    "a placeholder in angle brackets": ("password", "<CR.Password>"),
    "a template's parameter": ("primaryKey", "[parameters('key')]"),
    "a placeholder in a connection string": ("c", "HostName=h;SharedAccessKey=${KEY}"),
    "a placeholder in a link": ("broker", "mqtt://cam:${PASS}@broker"),
    "a mask": ("primaryKey", "********"),
    "a path to it": ("DB_PASSWORD", "/run/secrets/db"),
    "a file name": ("passwordFile", "secret.txt"),
    "a kind of token": ("tokenType", "bearer-token"),
    "a public key": ("publicKey", "c2VjcmV0LXNlY3JldC1zZWNyZXQ="),
    "a vault's link": ("secret", "https://vault.example/secrets/x"),
    "a vault's reference": ("apiKey", "@Microsoft.KeyVault(SecretUri=x)"),
    "a pin of a chip": ("ledPin", "14"),
    "a page": ("nextToken", "abcdefghijkl"),
    "off": ("password", False),
    "empty": ("password", ""),
    "a word": ("authKey", "disabled"),
    "an ordinary setting": ("interval", "PT5M"),
    "a key of a map": ("key", "temperature-room-1"),
}


@pytest.mark.parametrize("case", SECRETS)
def test_secret(case: str) -> None:
    assert is_secret(*SECRETS[case])


@pytest.mark.parametrize("case", OTHERS)
def test_not_secret(case: str) -> None:
    assert not is_secret(*OTHERS[case])


def test_paths_name_the_place_and_stop_at_the_limit() -> None:
    found: list[str] = []
    tree = {"wifi": {"password": "hunter2", "ssid": "x"}, "keys": [{"apiKey": "0a1b2c3d4e"}], "$metadata": {"password": "hunter2"}}
    secret_paths(tree, "tags", found, 10)
    assert found == ["tags.wifi.password", "tags.keys[0].apiKey"]
    found = []
    secret_paths({f"password{n}": "hunter2" for n in range(1000)}, "tags", found, 3)
    assert len(found) == 3


def test_a_tree_deeper_than_the_limit_ends() -> None:
    tree: dict[str, object] = {"password": "hunter2"}
    for _ in range(5000):
        tree = {"n": tree}
    found: list[str] = []
    secret_paths(tree, "tags", found, 10)
    assert found == []


def test_hostile_text_ends() -> None:
    # A pattern that backtracks over these would run into the suite's time limit.
    for hostile in (
        "eyJ" * 100_000,
        "eyJaaaaaaaa." * 50_000,
        "a." * 200_000,
        "<a" * 200_000,
        "%a" * 200_000,
        ";pwd=" * 100_000,
        "-" * 300_000,
    ):
        is_placeholder(hostile)
        names_secret(hostile)
        assert is_secret("password", hostile) in (True, False)
