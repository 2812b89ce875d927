"""Timestamps by an authority of openssl's, served on loopback: what it signs is believed by its certificate alone."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from plumbline.attest.envelope import Envelope, parse_envelope
from plumbline.attest.keys import load_signer
from plumbline.attest.timestamp import check_stamps, stamper
from plumbline.attest.verify import Asked, verify
from plumbline.model.errors import EnvironmentFault, InputError, ProtocolError
from tests.attest.sealing import key, needs_openssl, no_passphrase, sealed

pytest.importorskip("rfc3161_client", reason="rfc3161-client is missing")
pytestmark = [pytest.mark.system, needs_openssl]

CONFIG = """[tsa]
default_tsa = t
[t]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[stamping]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[req]
distinguished_name = dn
[dn]
"""


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@dataclass(frozen=True)
class Authority:
    """A folder with an authority's certificate, that of whom it is of, and its key."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "ca.pem"

    def answer(self, question: bytes) -> bytes:
        (self.folder / "q").write_bytes(question)
        openssl(self.folder, "ts", "-reply", "-queryfile", "q", "-config", "cnf", "-section", "t", "-out", "r")
        return (self.folder / "r").read_bytes()


def authority(folder: Path) -> Authority:
    folder.mkdir()
    (folder / "cnf").write_text(CONFIG)
    (folder / "serial").write_text("01\n")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", "cnf"]
    openssl(folder, "req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Root", "-extensions", "ca", "-days", "9")
    openssl(folder, "req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test authority")
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "2", "-days", "9", "-extfile", "cnf", "-extensions", "stamping"]
    openssl(folder, "x509", "-req", "-in", "tsa.csr", *by, "-out", "tsa.pem")
    return Authority(folder)


@contextmanager
def served(answer: Callable[[bytes], bytes], status: int = 200) -> Iterator[str]:
    """Answer questions on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            data = answer(question)
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tsa") / "ours")


@pytest.fixture(scope="module")
def stamped(ours: Authority, tmp_path_factory: pytest.TempPathFactory) -> Envelope:
    pem = key(tmp_path_factory.mktemp("key") / "key.pem")
    envelope = Envelope(b"{}").signed(load_signer(pem, no_passphrase))
    with served(ours.answer) as url:
        return replace(envelope, signatures=(stamper(url, None)(envelope.signatures[0]),))


def test_a_sealed_assessment(out: Path, tmp_path: Path, ours: Authority) -> None:
    with served(ours.answer) as url:
        sealed(out, key(tmp_path / "key.pem"), stamp=stamper(url, ours.root))
    unknown = verify(out, Asked(again=False))
    assert not unknown.wrong and unknown.unchecked
    assert "whom to believe, say with --authority" in {claim.why.split("; ")[-1] for claim in unknown.claims}
    found = verify(out, Asked(again=False, authorities=ours.root))
    [stamp] = [stamp for signer in found.signers for stamp in signer.stamps]
    assert stamp.holds is True and stamp.authority == "CN=Test authority"


def test_another_authority_is_not_believed(stamped: Envelope, tmp_path: Path) -> None:
    theirs = authority(tmp_path / "theirs")
    [stamp] = check_stamps(stamped.signatures[0], theirs.root)
    assert stamp.holds is False


def test_the_stamp_of_another_signature(stamped: Envelope, ours: Authority) -> None:
    [stamp] = check_stamps(replace(stamped.signatures[0], sig=b"other"), ours.root)
    assert (stamp.holds, stamp.why) == (False, "is about another signature")


def test_flipped_bytes_of_a_stamp(stamped: Envelope, ours: Authority) -> None:
    """In the file its digest shows it; an answer that comes with a digest made to fit is not believed, or says the same as before."""
    document = stamped.document()
    document["signatures"][0]["timestamps"][0]["response"] = document["signatures"][0]["timestamps"][0]["response"].replace("A", "B", 1)
    with pytest.raises(ProtocolError, match="a timestamp with another digest"):
        parse_envelope(document)
    [answer] = stamped.signatures[0].timestamps
    [due] = check_stamps(stamped.signatures[0], ours.root)
    for at in range(0, len(answer), 7):
        changed = answer[:at] + bytes([answer[at] ^ 0x10]) + answer[at + 1 :]
        [stamp] = check_stamps(replace(stamped.signatures[0], timestamps=(changed,)), ours.root)
        assert stamp.holds is False or stamp == due, at


ANSWERS: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "nothing": (lambda _: b"", 200),
    "no timestamp": (lambda _: b"hello", 200),
    "an error": (lambda _: b"", 503),
    "a redirect": (lambda _: b"", 302),
    "too much": (lambda _: bytes(70_000), 200),
    "a refusal": (lambda _: bytes.fromhex("30053003020102"), 200),
}


@pytest.mark.parametrize(("answer", "status"), ANSWERS.values(), ids=ANSWERS)
def test_no_timestamp_is_no_seal(out: Path, tmp_path: Path, answer: Callable[[bytes], bytes], status: int) -> None:
    before = (out / "seal.dsse.json").read_bytes()
    with served(answer, status) as url, pytest.raises(EnvironmentFault, match="the timestamp authority at"):
        sealed(out, key(tmp_path / "key.pem"), stamp=stamper(url, None))
    assert (out / "seal.dsse.json").read_bytes() == before


def test_the_answer_to_another_question(ours: Authority, stamped: Envelope) -> None:
    """An old answer has another nonce, or is about another signature."""
    with served(lambda _: stamped.signatures[0].timestamps[0]) as url, pytest.raises(EnvironmentFault, match="its nonce is not ours"):
        stamper(url, None)(stamped.signatures[0])


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "http://", "file:///etc/passwd", "http://user:word@127.0.0.1/"])
def test_no_address(url: str) -> None:
    with pytest.raises(InputError, match="is no http or https address"):
        stamper(url, None)
