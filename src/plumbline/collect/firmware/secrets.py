"""Secrets in the bytes of a file: connection strings with a key, access keys, tokens, each by a form of its own.

Not private keys (`keys`), and not settings that only their name calls a secret (`secrets_in_text`). The secret goes no further than its
digest (law 8). Rules: a form is strict and bounded, and is tried only where its needle stands; placeholders and the makers' own examples do
not count.

| kind | form | service |
|---|---|---|
| azure_connection_string | HostName or Endpoint or DeviceId ...;SharedAccessKey= base64 | the host that it names |
| azure_storage_key | AccountKey= 64 bytes in base64 | the account |
| aws_access_key | aws_secret_access_key and 40 characters | aws |
| github_token, slack_token, google_api_key | prefix and fixed length | its maker |
| json_web_token | header, claims and signature in base64url (RFC 7519) | none |
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.collect.firmware.needles import Hits
from plumbline.collect.json_text import parse
from plumbline.collect.secrets_in_text import is_placeholder
from plumbline.model.errors import ProtocolError

BEFORE, BEHIND = 512, 2048  # bytes around a needle
HITS_MAX = 200  # of one needle in one file
_SETTING = rb"(?:HostName|Endpoint|DeviceId|ModuleId|SharedAccessKeyName|EntityPath|GatewayHostName)=[\x21-\x3a\x3c-\x7e]{1,200};"
_HOST = re.compile(rb"(?:HostName=|Endpoint=[a-z]{2,8}://)([A-Za-z0-9.-]{3,200})")
_EXAMPLES = re.compile(rb"(?i)example|sample|your|dummy|test|xxxx|0000000000|1234567890|abcdefghij")


@dataclass(frozen=True, slots=True)
class Form:
    """One form: its needle, and a pattern with the group `secret`, and where it tells one `service`, or `lead`, settings in front."""

    kind: str
    needle: bytes
    pattern: re.Pattern[bytes]
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One secret at an offset in bytes; `service` is what it opens, where its form tells."""

    kind: str
    service: str | None
    offset: int
    secret: bytes


FORMS = (
    Form(
        "azure_connection_string",
        b"SharedAccessKey=",
        re.compile(rb"(?P<lead>(?:" + _SETTING + rb"){1,6})SharedAccessKey=(?P<secret>[A-Za-z0-9+/]{20,128}={0,2})"),
    ),
    Form(
        "azure_storage_key",
        b"AccountKey=",
        re.compile(rb"(?:AccountName=(?P<service>[a-z0-9]{3,24});)?AccountKey=(?P<secret>[A-Za-z0-9+/]{86}==)"),
    ),
    Form(
        "aws_access_key",
        b"ecret_access_key",
        re.compile(rb"(?i:aws_)?[Ss]ecret_access_key[\"']?\s{0,4}[=:]\s{0,4}[\"']?(?P<secret>[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/])"),
        "aws",
    ),
    *(
        Form("github_token", needle, re.compile(rb"\b(?P<secret>" + needle + rb"[A-Za-z0-9]{36})\b"), "github")
        for needle in (b"ghp_", b"gho_", b"ghs_", b"ghr_")
    ),
    Form("github_token", b"github_pat_", re.compile(rb"\b(?P<secret>github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b"), "github"),
    *(
        Form("slack_token", needle, re.compile(rb"\b(?P<secret>" + needle + rb"[0-9]{8,14}-[A-Za-z0-9-]{10,120})"), "slack")
        for needle in (b"xoxb-", b"xoxp-", b"xoxa-")
    ),
    Form("google_api_key", b"AIza", re.compile(rb"\b(?P<secret>AIza[A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"), "google"),
    Form(
        "json_web_token",
        b".eyJ",
        re.compile(rb"\b(?P<secret>eyJ[A-Za-z0-9_-]{8,400}\.eyJ[A-Za-z0-9_-]{8,1200}\.[A-Za-z0-9_-]{27,700})(?![A-Za-z0-9_.-])"),
    ),
)


def needles() -> Iterator[bytes]:
    """Give the needles of all forms."""
    return (form.needle for form in FORMS)


def find(data: bytes, hits: Hits) -> list[Found]:
    """Find the secrets of a file, each once."""
    found: dict[tuple[str, bytes], Found] = {}
    for form in FORMS:
        for at in list(hits.get(form.needle, ()))[:HITS_MAX]:
            start = max(0, at - BEFORE)
            for match in form.pattern.finditer(data, start, at + BEHIND):
                one = _found(form, match)
                if one is not None:
                    found.setdefault((form.kind, one.secret), one)
    return sorted(found.values(), key=lambda one: one.offset)


def _found(form: Form, match: re.Match[bytes]) -> Found | None:
    secret = match["secret"]
    if _EXAMPLES.search(secret) or len(set(secret)) < 8 or is_placeholder(match[0].decode("latin-1")):
        return None
    if form.kind == "json_web_token" and not _is_token(secret):
        return None
    groups = match.groupdict()
    host = _HOST.search(groups.get("lead") or b"")
    named = host[1] if host else groups.get("service")
    return Found(form.kind, named.decode("ascii") if named else form.service, match.start("secret"), secret)


def _is_token(secret: bytes) -> bool:
    """Tell whether the first two parts of a JSON web token are objects, and no example of a page about it."""
    for part in secret.split(b".")[:2]:
        try:
            claims = parse(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
        except (binascii.Error, ProtocolError):
            return False
        if not isinstance(claims, dict) or "John Doe" in claims.values() or "1234567890" in claims.values():
            return False
    return True
