"""The lab's private keys, made from names: the same name gives the same key in every process.

They protect nothing and must protect nothing: anyone can derive them. That is what makes the rig's files reproducible, and what lets an
image and a web server hold the same key without passing it around.

| kind | how |
|---|---|
| ec | P-256, the scalar is SHA-512(name) modulo the group's order |
| ed25519 | the 32 seed bytes are SHA-256(name) (RFC 8032, 5.1.5) |
| rsa-<bits> | two primes searched upward from SHA-512 output; e = 65537 |
"""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import count

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-4, D.1.2.3
_PUBLIC_EXPONENT = 65537
_SMALL_PRIMES = [n for n in range(3, 8000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
_ROUNDS = 7  # Miller-Rabin, for primes of 512 bits and more (FIPS 186-4, table C.2)


@cache
def private_key(kind: str, name: str) -> PrivateKey:
    """Give the key of a name; `kind` is "ec", "ed25519" or "rsa-<bits>"; raises ValueError for any other."""
    seed = f"plumbline lab {kind} {name}".encode()
    if kind == "ec":
        return ec.derive_private_key(int.from_bytes(hashlib.sha512(seed).digest()) % (_P256_ORDER - 1) + 1, ec.SECP256R1())
    if kind == "ed25519":
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed).digest())
    word, _, bits = kind.partition("-")
    if word != "rsa" or not bits.isdigit():
        raise ValueError(f"no such kind of key: {kind!r}")
    return _rsa(seed, int(bits))


def private_pem(key: PrivateKey) -> bytes:
    """Write a key as devices store it: PKCS #8 in PEM, without a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_digest(key: PrivateKey) -> str:
    """Give the SHA-256 of the public key's SubjectPublicKeyInfo, in hex."""
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def _rsa(seed: bytes, bits: int) -> rsa.RSAPrivateKey:
    for attempt in count():
        p, q = (_prime(seed + f" {attempt} {half}".encode(), bits // 2) for half in ("p", "q"))
        phi = (p - 1) * (q - 1)
        if p != q and phi % _PUBLIC_EXPONENT and (p * q).bit_length() == bits:
            break
    p, q = max(p, q), min(p, q)
    d = pow(_PUBLIC_EXPONENT, -1, phi)
    public = rsa.RSAPublicNumbers(_PUBLIC_EXPONENT, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


def _prime(seed: bytes, bits: int) -> int:
    stream = b"".join(hashlib.sha512(seed + bytes([block])).digest() for block in range((bits + 511) // 512))
    start = int.from_bytes(stream) % (1 << bits) | (0b11 << bits - 2) | 1  # two top bits: the product then has the full length
    return next(n for n in range(start, start + (1 << 16), 2) if all(n % small for small in _SMALL_PRIMES) and _is_prime(n))


def _is_prime(n: int) -> bool:
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in _SMALL_PRIMES[:_ROUNDS]:
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
