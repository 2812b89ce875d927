"""Update clients of an image by their settings: which client, from where it fetches, and with which keys it verifies what it gets.

Not whether a device insists on a signature: a client may be built to, or be told so by its server. Rules: settings are read strictly; keys
count by the paths that the settings name, whether the image holds them or not; an address is told as host and scheme alone.

| client | settings | its keys |
|---|---|---|
| swupdate | /etc/swupdate.cfg; conf.d/* beside it, and the scripts and units that start it | globals.public-key-file, ca-path; `-k` |
| rauc | /etc/rauc/system.conf | path, directory of [keyring] |
| mender | /etc/mender/mender.conf | ArtifactVerifyKey, ArtifactVerifyKeys |
| opkg | /etc/opkg.conf | /etc/opkg/keys/*, where `option check_signature` stands |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plumbline.collect.firmware import libconfig
from plumbline.collect.firmware.tree import Entry, Tree
from plumbline.collect.json_text import list_of, object_of, parse, text_of
from plumbline.model.errors import ProtocolError

KEYS_MAX = 100
_PLACES = {
    "swupdate": ("/etc/swupdate.cfg", "/etc/swupdate/swupdate.cfg"),
    "rauc": ("/etc/rauc/system.conf", "/usr/lib/rauc/system.conf"),
    "mender": ("/etc/mender/mender.conf", "/data/mender/mender.conf", "/var/lib/mender/mender.conf"),
    "opkg": ("/etc/opkg.conf",),
}
_ARGUMENTS = re.compile(
    r"/(?:etc|usr/lib)/swupdate/conf\.d/[^/]+|/etc/(?:default|init\.d|rc\.d)/[^/]*swupdate[^/]*|/usr/(?:s?bin|lib/swupdate)/[^/]*swupdate[^/]*\.sh"
    r"|/(?:etc|lib|usr/lib)/systemd/system/[^/]*swupdate[^/]*\.service"
)
_COMMENT = re.compile(r"(?m)^[ \t]{0,200}(?:[#;]|//).*$")
_KEY_ARGUMENT = re.compile(r"(?m)^[^#\n]{0,2000}?\s(?:-k|--key)[ =]{0,4}(/[\w./@+-]{1,300})")
_OPKG_KEY = re.compile(r"/etc/opkg/keys/[^/]+")
_SECTION = re.compile(r"(?ms)^\[keyring\]\s*$(.*?)(?=^\[|\Z)")
_RAUC_KEY = re.compile(r"(?m)^\s{0,8}(?:path|directory)\s{0,8}=\s{0,8}(\S{1,300})")
_CHECKED = re.compile(r"(?m)^\s{0,8}option\s{1,8}check_signature(?:\s{1,8}1)?\s*$")
_URL = re.compile(r"\b(https?|ftp)://(?:[^\s/@\"']{0,256}@)?([A-Za-z0-9.-]{1,253})")


@dataclass(frozen=True, slots=True)
class Client:
    """One client: the file of its settings, the keys that they name, and the servers, as scheme and host."""

    name: str
    entry: Entry
    keys: tuple[str, ...]
    servers: tuple[str, ...]

    @property
    def in_clear(self) -> bool | None:
        """Whether one of the servers is asked without TLS; None where none is named."""
        return any(not server.startswith("https:") for server in self.servers) if self.servers else None


def clients(tree: Tree, read: Callable[[Entry], str | None]) -> Iterator[Client | tuple[Entry, str]]:
    """Give the clients of a tree; where settings cannot be understood, their file and why."""
    for name, places in _PLACES.items():
        entry = next((found for place in places if (found := tree.resolve(place)) is not None and found.kind == "file"), None)
        text = read(entry) if entry is not None else None
        if entry is None or text is None:
            continue
        try:
            keys = _KEYS[name](text, tree, read)
        except ProtocolError as error:
            yield entry, str(error)
            continue
        servers = dict.fromkeys(f"{scheme}://{host}" for scheme, host in _URL.findall(_COMMENT.sub("", text)))
        yield Client(name, entry, tuple(dict.fromkeys(keys))[:KEYS_MAX], tuple(servers)[:KEYS_MAX])


Read = Callable[[Entry], str | None]


def _swupdate(text: str, tree: Tree, read: Read) -> list[str]:
    settings = object_of(object_of(libconfig.parse(text)).get("globals"))
    keys = [key for name in ("public-key-file", "ca-path") if (key := text_of(settings.get(name)))]
    for path in filter(_ARGUMENTS.fullmatch, tree.entries):
        entry = tree.resolve(path)
        if entry is not None and entry.kind == "file":
            keys += _KEY_ARGUMENT.findall(read(entry) or "")
    return keys


def _rauc(text: str, _tree: Tree, _read: Read) -> list[str]:
    section = _SECTION.search(text)
    return _RAUC_KEY.findall(section[1]) if section else []


def _mender(text: str, _tree: Tree, _read: Read) -> list[str]:
    settings: Mapping[str, Any] = object_of(parse(text))
    named = [settings.get("ArtifactVerifyKey"), *list_of(settings.get("ArtifactVerifyKeys"))]
    return [key for value in named if (key := text_of(value))]


def _opkg(text: str, tree: Tree, _read: Read) -> list[str]:
    return [path for path in tree.entries if _OPKG_KEY.fullmatch(path)] if _CHECKED.search(text) else []


_KEYS: Mapping[str, Callable[[str, Tree, Read], list[str]]] = {"swupdate": _swupdate, "rauc": _rauc, "mender": _mender, "opkg": _opkg}
