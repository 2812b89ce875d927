"""The rig file as it goes into a bundle: as used, without secrets.

Not a copy: comments are dropped, for people note passwords there, and so are values that look like secrets. Rules: what is left is
TOML of the same tables, and the original's digest stands in its first line.
"""

from __future__ import annotations

import re

from plumbline.rig.lines import Layout, locate
from plumbline.rig.models import Rig

REDACTED = '"<redacted>"'
_SECRET_KEY = re.compile(
    r"secret|password|passwd|passphrase|pwd|token|credential_value|connection_?string|(?:^|[_-])(?:key|psk|pin)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|SharedAccess(?:Key|Signature)"
    r"|[?&]sig="
    r"|://[^/\s:@\"']+:[^/\s@\"']+@"  # user:password@ in a URL
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ",  # a JSON Web Token (RFC 7519)
)


def redacted_text(rig: Rig) -> str:
    """Give the text of a rig file without comments and secrets, for a bundle."""
    body = _without_secrets(rig.text, locate(rig.text))
    return f"# as used; comments and secrets removed; sha256 of the original: {rig.sha256}\n{body}"


def _without_secrets(text: str, layout: Layout) -> str:
    cuts = [(start, end, "") for start, end in layout.comments]
    for path, (start, end) in layout.values.items():
        names = [part for part in path if isinstance(part, str)]
        if (names and _SECRET_KEY.search(names[-1])) or (text[start : start + 1] in ('"', "'") and _SECRET_VALUE.search(text, start, end)):
            cuts.append((start, end, REDACTED))
    cuts.sort(key=lambda cut: (cut[0], -cut[1]))
    out: list[str] = []
    at = 0
    for start, end, instead in cuts:
        if start < at:
            continue  # inside a value that is gone already
        out += (text[at:start], instead)
        at = end
    return "".join(out) + text[at:]
