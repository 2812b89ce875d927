"""Logins that the customer gave, with their secrets read and seen to be usable before anything is contacted.

Rules (law 8): a secret goes into no log, message, row or file; what is remembered of a login is a digest under the rig's own key.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import asyncssh

from plumbline.model.errors import InputError
from plumbline.protocols.snmp_usm import PASSWORD_BYTES_MIN, User
from plumbline.rig.models import Asset, Login, Rig
from plumbline.rig.secrets import keyed_digest

_PEM = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class Given:
    """One [[login]]: one of password, private key (SSH) and user (SNMPv3) is set."""

    login: Login
    digest: str
    password: str | None = field(default=None, repr=False)
    private_key: asyncssh.SSHKey | None = field(default=None, repr=False)
    user: User | None = field(default=None, repr=False)


def given_logins(rig: Rig, key: bytes) -> list[Given]:
    """Read the secrets of all logins; raises InputError for the first that is not there or cannot be used."""
    return [_given(login, rig, key) for login in rig.logins]


def assets_of(rig: Rig, login: Login) -> list[Asset]:
    """Give the assets that a login is for, in the order in which it is used."""
    by_id = {asset.id: asset for asset in rig.assets}
    return [by_id[name] for name in login.assets]


def _given(login: Login, rig: Rig, key: bytes) -> Given:
    base = rig.path.parent
    secret = login.secret.read(base)
    other = login.privacy_secret.read(base) if login.privacy_secret is not None else b""
    parts = (login.kind, login.user, login.auth or "", login.privacy or "")
    digest = keyed_digest(key, "login", b"\0".join([*(part.encode() for part in parts), secret, other]))
    if login.kind == "snmp":
        return Given(login, digest, user=_user(login, secret, other))
    if _PEM in secret:
        return Given(login, digest, private_key=_private_key(login, secret))
    try:
        return Given(login, digest, password=secret.decode())
    except UnicodeDecodeError as error:
        raise InputError("is neither text nor a private key", where=str(login.secret), remedy="write the password in UTF-8") from error


def _private_key(login: Login, secret: bytes) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(secret)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        remedy = "name one in PEM or OpenSSH's form, without a passphrase, from a file that only you can read"
        raise InputError("holds no private key that can be read as it stands", where=str(login.secret), remedy=remedy) from error


def _user(login: Login, secret: bytes, other: bytes) -> User:
    try:
        return User.make(login.user.encode(), login.auth or "sha1", secret, login.privacy, other)
    except ValueError as error:
        where = str(login.secret if len(secret) < PASSWORD_BYTES_MIN else login.privacy_secret)
        raise InputError(str(error), where=where, remedy="give the user's own password") from error
