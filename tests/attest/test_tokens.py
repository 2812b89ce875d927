"""A key that stays in a token seals through SoftHSM, in a token of a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.attest.tokens import load_token
from plumbline.model.errors import InputError
from tests.attest.sealing import key, no_passphrase

MODULES = [Path("/usr/lib/softhsm/libsofthsm2.so"), *Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")]
MODULE = next((path for path in MODULES if path.exists()), None)
softhsm = pytest.mark.skipif(MODULE is None or shutil.which("softhsm2-util") is None, reason="softhsm2 is missing")
# The module keeps the first configuration that a process showed it, so each use has a process of its own.
SEAL = "import sys; from plumbline.cli.main import run; run()"
STOPPED = """
from plumbline.attest.tokens import load_token
from plumbline.model.errors import StoppedError

def pin():
    raise StoppedError("by SIGINT")

try:
    load_token("hsm:2?label=seal", pin).sign(b"")
except StoppedError as error:
    print(error)
"""


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """A token `seal` with PIN 1234 and one P-256 key, id 2."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    given = {**os.environ, "SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf"), "PYKCS11LIB": str(MODULE), "PIN": "1234", "WRONG": "9999"}
    pem = key(tmp_path / "imported.pem", "ecdsa")
    for words in (
        ["--init-token", "--free", "--label", "seal", "--pin", "1234", "--so-pin", "5678"],
        ["--import", str(pem), "--token", "seal", "--label", "k", "--id", "02", "--pin", "1234"],
    ):
        subprocess.run(["softhsm2-util", *words], env=given, check=True, capture_output=True)
    return given


def plumbline(given: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", SEAL, *map(str, words)], env=given, capture_output=True, text=True, check=False)


@softhsm
@pytest.mark.system
def test_a_token_seals(out: Path, surroundings: dict[str, str]) -> None:
    wrong = plumbline(surroundings, "seal", out, "--key", "hsm:2?label=seal", "--passphrase", "env:WRONG")
    assert wrong.returncode == 2 and "the token gave no signature" in wrong.stderr
    made = plumbline(surroundings, "seal", out, "--key", "hsm:2?label=seal", "--passphrase", "env:PIN")
    assert made.returncode == 0, made.stderr
    fingerprint = made.stdout.strip().rsplit(" ", 1)[1]
    found = plumbline(surroundings, "verify", out, "--quick", "--signer", fingerprint)
    assert f"Signed by {fingerprint}, as was asked" in found.stdout


@pytest.mark.full
@softhsm
@pytest.mark.system
@pytest.mark.parametrize("name", ["hsm:7?label=seal", "hsm:2?label=other"])
def test_what_the_token_lacks(out: Path, surroundings: dict[str, str], name: str) -> None:
    ended = plumbline(surroundings, "seal", out, "--key", name, "--passphrase", "env:PIN")
    assert ended.returncode == 2 and "the token gave no signature" in ended.stderr


@pytest.mark.full
@softhsm
@pytest.mark.system
def test_a_stop_while_the_pin_is_asked_stays_one(surroundings: dict[str, str]) -> None:
    ended = subprocess.run([sys.executable, "-c", STOPPED], env=surroundings, capture_output=True, text=True, check=False)
    assert ended.stdout == "by SIGINT\n", ended.stderr


@pytest.mark.parametrize("text", ["hsm:", "hsm:x", "hsm:2?", "hsm:2#x"])
def test_no_name_of_a_key(text: str) -> None:
    with pytest.raises(InputError, match="names no key in a token"):
        load_token(text, no_passphrase)
