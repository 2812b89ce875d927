"""WWW-Authenticate and Authorization (RFC 9110 11)."""

from __future__ import annotations

import pytest

from plumbline.protocols.challenge import MAX_CHALLENGES, Challenge, parse_challenges, scheme_of
from tests.protocols.fuzzing import FuzzTarget

CASES: dict[str, tuple[list[str], tuple[Challenge, ...]]] = {
    "RFC 9110 11.6.1: two challenges in one field": (
        ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
        (Challenge("basic", "simple"), Challenge("newauth", "apps")),
    ),
    "RFC 7616 3.9.1: Digest": (
        ['Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/"'],
        (Challenge("digest", "http-auth@example.org", "SHA-256"),),
    ),
    "scheme alone": (["Negotiate"], (Challenge("negotiate", None),)),
    "token68 after the scheme": (["NTLM TlRMTVNTUAACAAAA/+==, Basic realm=x"], (Challenge("ntlm", None), Challenge("basic", "x"))),
    "several fields": (
        ["Negotiate", "NTLM", 'Basic realm=""'],
        (Challenge("negotiate", None), Challenge("ntlm", None), Challenge("basic", "")),
    ),
    "escaped quotes": (['Basic realm="a\\"b\\\\"'], (Challenge("basic", 'a"b\\'),)),
    "case and spaces": (["  BASIC   REALM = cam "], (Challenge("basic", "cam"),)),
    "a break keeps what stood before it": (
        ['Basic realm="x", Digest realm="unclosed'],
        (Challenge("basic", "x"), Challenge("digest", None)),
    ),
    "nonsense": (["=?", ""], ()),
}


@pytest.mark.parametrize(("values", "challenges"), CASES.values(), ids=CASES)
def test_challenges(values: list[str], challenges: tuple[Challenge, ...]) -> None:
    assert parse_challenges(values) == challenges


def test_no_more_than_a_server_would_offer() -> None:
    assert len(parse_challenges(["a, " * 1000])) == MAX_CHALLENGES


@pytest.mark.parametrize(
    ("value", "scheme"),
    [("Basic dXNlcjpwYXNz", "basic"), ("Bearer abc.def", "bearer"), ("Digest username=x", "digest"), (" ", None), ("", None)],
)
def test_scheme(value: str, scheme: str | None) -> None:
    assert scheme_of(value) == scheme


def entry(data: bytes) -> object:
    text = data.decode("latin-1")
    return parse_challenges(text.split("\n")), scheme_of(text)


FUZZ = [FuzzTarget("challenge", entry, ["\n".join(values).encode() for values, _ in CASES.values()])]
