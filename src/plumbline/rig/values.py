"""How single values of a rig file are read: addresses, networks, MACs, instants, names.

Not shape (`schema`) and not what values mean to each other (`crosschecks`). Rules: each function takes what `tomllib` gave, checks its
type, and returns the value or raises WrongValueError with a sentence and a remedy; nothing is guessed at.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from zoneinfo import ZoneInfo

from plumbline.rig.addresses import NOT_UNICAST, Address, IPNetwork, is_unicast
from plumbline.rig.discovery import GROUPS
from plumbline.rig.ports import PortSet, read_ports
from plumbline.rig.secret_references import SecretReference
from plumbline.rig.windows import DAY_MINUTES, DAYS

TEXT_MAX = 200  # characters; these words are printed in tables and reports
SWEEP_PREFIX_MIN = 16  # 65,536 addresses: at 45 ports and 500 exchanges a second already an hour and a half
SCOPE_PREFIX_MIN_V6 = 64  # one IPv6 subnet (RFC 4291, 2.5.4); too wide to sweep, so only declared addresses are contacted
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")  # IFNAMSIZ is 16 with its final NUL
_YEARS = range(2000, 2200)
_AS_INSTANT = "write it with an offset: 2026-11-01T00:00:00Z, without quotes"


class WrongValueError(ValueError):
    """A value that cannot stand; `remedy` says what would."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)


def text(value: Any) -> str:
    """Read printable text of 1 to 200 characters."""
    word = _string(value)
    if not word.strip() or len(word) > TEXT_MAX or not word.isprintable():
        raise WrongValueError(f"wants 1 to {TEXT_MAX} printable characters, and has {_seen(word)}", "shorten it to one plain line")
    return word


def identifier(value: Any) -> str:
    """Read a name that stands in paths and ids."""
    word = _string(value)
    if _IDENTIFIER.fullmatch(word) is None:
        raise WrongValueError(f"{_seen(word)} is not an id", "use up to 64 letters, digits, '.', '_', ':' and '-', a letter or digit first")
    return word


def site(value: Any) -> str:
    """Read the name of a site; empty where a rig has only one."""
    return "" if value == "" else identifier(value)


def path_identifier(value: Any) -> str:
    """Read the id of a rig, which names a folder too."""
    word = identifier(value)
    if ":" in word or word.endswith("."):
        raise WrongValueError(f"{_seen(word)} cannot name a folder", "leave ':' and a final '.' out")
    return word


def address(value: Any) -> Address:
    """Read one address of one device."""
    word = _string(value)
    try:
        found = ip_address(word)
    except ValueError:
        raise WrongValueError(f"{_seen(word)} is not an address", "write an IPv4 or IPv6 address, without a prefix length") from None
    _one_spelling(found, word)
    if not is_unicast(found):
        raise WrongValueError(f"{word} cannot belong to one device", "multicast, broadcast and unspecified addresses are no devices")
    return found


def addresses(value: Any) -> tuple[Address, ...]:
    """Read one address or a list of them, for a device with several."""
    return tuple(address(item) for item in value) if isinstance(value, list) else (address(value),)


def network(value: Any) -> IPNetwork:
    """Read a network in CIDR notation, or one address."""
    word = _string(value)
    try:
        return ip_network(word)
    except ValueError as error:
        if "host bits" in str(error):
            right = ip_network(word, strict=False)
            single = word.split("/")[0]
            raise WrongValueError(f"{word} has host bits set", f"write {right} for the network, or {single} for the address") from None
        raise WrongValueError(f"{_seen(word)} is not a network", "write it as 10.20.0.0/16 or fd00:20::/64") from None


def swept_range(value: Any) -> IPNetwork:
    """Read a range of a [[network]]: a network that an audit can finish."""
    found = network(value)
    least = SWEEP_PREFIX_MIN if found.version == 4 else SCOPE_PREFIX_MIN_V6
    if found.prefixlen < least:
        raise WrongValueError(f"{found} is wider than /{least}", "list the subnets where devices really are, each in its own range")
    if NOT_UNICAST.overlaps(found):
        raise WrongValueError(f"{found} holds addresses that no device has", "multicast, broadcast and unspecified ranges are not swept")
    return found


def exclusion(value: Any) -> IPNetwork:
    """Read an exclusion: an address or a network."""
    word = _string(value)
    try:
        found = network(word)
    except WrongValueError as error:
        if "host bits" in error.message:
            raise
        remedy = "write an address or a network like 10.20.5.0/28; asset ids and MACs stand in never_touch"
        raise WrongValueError(f"{_seen(word)} is no form of exclusion", remedy) from None
    _one_spelling(found.network_address, word)
    return found


def never_touch(value: Any) -> IPNetwork | str:
    """Read an entry of never_touch: a network, a MAC (lower case, with colons) or an asset's id."""
    word = _string(value)
    try:
        return mac(word)
    except WrongValueError:
        pass
    if "/" in word or _is_address(word):
        return exclusion(word)
    return identifier(word)


def mac(value: Any) -> str:
    """Read the MAC of one device, as lower case with colons."""
    word = _string(value)
    plain = word.lower().replace("-", ":")
    if re.fullmatch(r"(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", plain):
        digits = plain.replace(".", "")
        plain = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    if _MAC.fullmatch(plain) is None:
        raise WrongValueError(f"{_seen(word)} is not a MAC", "write six bytes: 24:a4:3c:10:00:01")
    if int(plain[:2], 16) & 1 or plain == "00:00:00:00:00:00":
        raise WrongValueError(f"{word} belongs to no single device", "its group bit is set or it is all zero; read it off the device again")
    return plain


def is_mac(word: str) -> bool:
    """Say whether text is a MAC as `mac` writes it."""
    return _MAC.fullmatch(word) is not None


def instant(value: Any) -> datetime:
    """Read an instant, as UTC."""
    if not isinstance(value, datetime):
        raise WrongValueError(f"{_seen(value)} is not a date with a time", _AS_INSTANT)
    if value.tzinfo is None:
        raise WrongValueError(f"{value.isoformat()} has no offset from UTC", _AS_INSTANT)
    if value.year not in _YEARS:
        raise WrongValueError(f"the year {value.year} is not believable", _AS_INSTANT)
    return value.astimezone(UTC)


def day(value: Any) -> int:
    """Read a day of the week, as `date.weekday` counts."""
    word = _string(value)
    if word not in DAYS:
        raise WrongValueError(f"{_seen(word)} is not a day", f"use {', '.join(DAYS)}")
    return DAYS.index(word)


def clock(value: Any) -> int:
    """Read a wall time `HH:MM`, up to 24:00, in minutes after midnight."""
    word = _string(value)
    match = _CLOCK.fullmatch(word)
    if match is None:
        raise WrongValueError(f"{_seen(word)} is not a time of day", 'write it as "01:30"; the end of a day is "24:00"')
    return DAY_MINUTES if word == "24:00" else int(match[1]) * 60 + int(match[2])


def timezone(value: Any) -> ZoneInfo:
    """Read a name of the IANA time zone database."""
    word = _string(value)
    try:
        return ZoneInfo(word)
    except (KeyError, ValueError, OSError):  # OSError: the name of one of the database's folders, or one too long
        raise WrongValueError(f"{_seen(word)} is not a time zone", 'use a name of the IANA database: "Europe/London"') from None


def host(value: Any) -> str:
    """Read a host name, lower case and without its final dot."""
    word = _string(value).lower().removesuffix(".")
    if _is_address(word):
        raise WrongValueError(f"{word} is an address", "addresses stand in networks; hosts are names")
    if _HOST.fullmatch(word) is None:
        raise WrongValueError(f"{_seen(word)} is not a host name", "write one whole name, without scheme, port or wildcard")
    return word


def interface(value: Any) -> str:
    """Read the name of a network interface."""
    word = _string(value)
    if _INTERFACE.fullmatch(word) is None:
        raise WrongValueError(f"{_seen(word)} is not a network interface", 'use its name: "eth1"')
    return word


def group(value: Any) -> str:
    """Read the name of a multicast group."""
    word = _string(value)
    if word not in GROUPS:
        raise WrongValueError(f"{_seen(word)} is not a discovery group", f"use {', '.join(GROUPS)}")
    return word


def secret(value: Any) -> SecretReference:
    """Read where a secret is to be found; the secret itself never stands in a rig file."""
    try:
        return SecretReference.parse(_string(value))
    except ValueError as error:
        remedy = 'name where it is: "env:NAME", "file:path" or "keyring:service/name"; a rig file is handed around'
        raise WrongValueError(str(error), remedy) from None


def ports(value: Any) -> PortSet:
    """Read the ports of a network."""
    whole = isinstance(value, list) and all(isinstance(item, int | str) and not isinstance(item, bool) for item in value)
    if not isinstance(value, str) and not whole:
        raise WrongValueError(f"{_seen(value)} is neither a named set nor a list of ports", 'write "iot" or [80, 443, "udp/5683"]')
    try:
        return read_ports(value)
    except ValueError as error:
        raise WrongValueError(str(error), 'write a named set, or a list such as [80, "8000-8010", "udp/5683"]') from None


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValueError(f"wants text, and has {_seen(value)}", "put it in quotes")
    return value


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


def _one_spelling(found: Address, word: str) -> None:
    """Refuse spellings under which a rule about an address could miss the device (RFC 4291 2.5.5.2, RFC 4007)."""
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        raise WrongValueError(f"{word} is an IPv4 address in IPv6 dress", f"write {found.ipv4_mapped}")
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        raise WrongValueError(f"{word} names an interface", "leave the part after % off; authorisation.source names the interface")


def _seen(value: object) -> str:
    word = value if isinstance(value, str) else str(value)
    return repr(word if len(word) <= 60 else word[:57] + "...")
