"""HTTP and RTSP in clear: kinds of requests, firmware downloads, and the credentials that requests carry.

A request's kind is its method, host and the shape of its path. What others sent in bodies is counted by the codec and never seen
here, but for the password fields of a form.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import deque
from urllib.parse import parse_qsl

from plumbline.collect.traffic.conversation import Conversation, Opening
from plumbline.collect.traffic.facts import Ends, HttpFacts, Notes, cut
from plumbline.model.words import Transport
from plumbline.protocols.http_seen import MAX_UNANSWERED, Head, MessageDecoder, Side
from plumbline.protocols.mqtt_topics import topic_shape

_REQUEST = re.compile(rb"[A-Z]{3,16} [^ \r\n]{1,4096} (HTTP|RTSP)/\d\.\d\r?\n")
_RESPONSE = re.compile(rb"(HTTP|RTSP)/\d\.\d \d{3}[ \r\n]")
_IMAGE = re.compile(
    r"\.(?:bin|img|fw|swu|ipk|deb|rpm|apk|opk|chk|trx|dfu|uf2|hex|s19|ubi|ubifs|squashfs|rom|bsp|mender|raucb|upd|pkg|firmware|ota|cpio|itb)"
    r"(?:\.(?:gz|xz|bz2|zst|zip|signed?|enc))?$",
    re.IGNORECASE,
)
_IMAGE_TYPES = frozenset(
    {
        "application/vnd.debian.binary-package",
        "application/x-debian-package",
        "application/x-deb",
        "application/x-rpm",
        "application/x-redhat-package-manager",
        "application/x-firmware",
        "application/firmware",
        "application/vnd.android.package-archive",
        "application/x-binary-firmware",
    }
)
_PASSWORD_FIELD = re.compile(
    r"(?:^|[_.\-\[])(?:password|passwd|passwort|passphrase|pwd|pass|psw|psd)\d?\]?$|^(?:user|login|admin|log)_?(?:pass|pwd|psw)$",
    re.IGNORECASE,
)
_USER_FIELD = re.compile(r"^(?:user|username|user_?name|login|login_?name|account|usr|uid|name|email)$", re.IGNORECASE)
_TOKEN_FIELD = re.compile(r"^(?:access_?token|auth_?token|api_?key|apikey|sig)$", re.IGNORECASE)
_KEY_HEADERS = ("x-api-key", "x-auth-token")
MAX_FIELDS = 64


class Http(Conversation):
    """One connection of requests and responses; done when another protocol takes over."""

    protocol = "http"
    transports = frozenset({Transport.TCP})

    def __init__(self, ends: Ends, notes: Notes) -> None:
        super().__init__(ends, notes)
        self._client = MessageDecoder(Side.CLIENT)
        self._server = MessageDecoder(Side.SERVER)
        self._asked: deque[HttpFacts | None] = deque(maxlen=MAX_UNANSWERED)

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """A request line or a status line of this protocol."""
        found = _REQUEST.match(opening.client) or _RESPONSE.match(opening.server)
        return found is not None and found[1].decode("ascii").lower() == cls.protocol

    def from_client(self, data: bytes) -> None:
        """Note each request, its credentials and those in its form."""
        for event in self._client.feed(data):
            if isinstance(event, Head):
                self._server.expect(event.method or "")
                self._request(event)
            elif event.form:
                self._form(event.form.decode("latin-1"), "form")

    def from_server(self, data: bytes) -> None:
        """Look whether a response is firmware."""
        for event in self._server.feed(data):
            if isinstance(event, Head) and event.status is not None and event.status >= 200:
                facts = self._asked.popleft() if self._asked else None
                if facts is not None and event.status < 300 and _is_image(event):
                    facts.firmware_download = True
        self.done = self._server.switched or self._client.switched

    def _request(self, head: Head) -> None:
        path, _, query = (head.target or "").partition("?")
        facts = None
        if not self.ends.inbound and head.protocol == "http":
            key = (self.ends, head.method or "", cut(head.first("host") or ""), cut(topic_shape(_path(path))))
            facts = self.notes.http_request(key, head.first("user-agent"), self.place)
            if facts is not None and head.method in ("GET", "HEAD") and _IMAGE.search(path):
                facts.firmware_download = True
        self._asked.append(facts)
        for name, value in head.fields:
            if name in ("authorization", "proxy-authorization"):
                self._authorization(value)
            elif name in _KEY_HEADERS and value:
                self.credential(f"{self.protocol}_api_key", None, value.encode("latin-1"), secret_kind="token")
        if query:
            self._form(query[:4096], "query")
        if match := re.match(r"[a-z]+://([^/@:]{0,256}):([^/@]{1,256})@", head.target or ""):
            self.credential(f"{self.protocol}_url", match[1].encode("latin-1"), match[2].encode("latin-1"))

    def _authorization(self, value: str) -> None:
        scheme, _, rest = value.strip().partition(" ")
        match scheme.lower():
            case "basic":
                try:
                    user, colon, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
                except (binascii.Error, ValueError):
                    return
                if colon:
                    self.credential(f"{self.protocol}_basic", user, password)
            case "bearer" | "token" if rest:
                self.credential(f"{self.protocol}_bearer", None, rest.strip().encode("latin-1"), secret_kind="token")
            case "sharedaccesssignature" if rest:
                self.credential("sas_token", None, value.strip().encode("latin-1"), secret_kind="token")

    def _form(self, text: str, where: str) -> None:
        """Look for passwords and tokens among the fields of a form or a query."""
        try:
            fields = parse_qsl(text, encoding="latin-1", max_num_fields=MAX_FIELDS)
        except ValueError:
            return  # more fields than any login has
        user = next((value.encode("latin-1", "replace") for name, value in fields if _USER_FIELD.match(name)), None)
        for name, value in fields:
            secret = value.encode("latin-1", "replace")
            if _PASSWORD_FIELD.search(name):
                self.credential(f"{self.protocol}_{where}", user, secret)
            elif where == "query" and _TOKEN_FIELD.match(name) and len(value) >= 8:
                self.credential(f"{self.protocol}_query", None, secret, secret_kind="token")


class Rtsp(Http):
    """RTSP: the same messages; streams between them are passed over."""

    protocol = "rtsp"


def _path(target: str) -> str:
    """Cut scheme and host off a target in absolute form (RFC 9112 3.2.2)."""
    return re.sub(r"^[a-z]+://[^/]*", "", target) or "/"


def _is_image(head: Head) -> bool:
    kind = (head.first("content-type") or "").partition(";")[0].strip().lower()
    name = re.search(r"filename\*?=\"?(?:[\w-]+'')?([^\";]{1,256})", head.first("content-disposition") or "", re.IGNORECASE)
    return kind in _IMAGE_TYPES or (name is not None and _IMAGE.search(name[1].strip()) is not None)
