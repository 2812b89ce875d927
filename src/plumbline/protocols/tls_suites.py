"""The TLS cipher suites that an audit meets: number, IANA name, and what is weak about it, as data.

Numbers and names are those of the IANA registry "TLS Cipher Suites"; suites never seen on devices are left out, as are
the GREASE values, which stand for nothing (RFC 8701). Why a kind is weak, or whether it matters, is not said here.

| kind | means | source |
|---|---|---|
| null | no encryption | RFC 9325 4.1 |
| export | 40-bit keys, on purpose | RFC 9325 4.1 |
| anon | nobody is authenticated | RFC 5246 F.1.1.1 |
| rc4 | RC4 | RFC 7465 |
| des | DES with 40 or 56 bits | RFC 5469 |
| 3des | 64-bit blocks | RFC 9325 4.1 |
| md5 | HMAC-MD5 | RFC 6151 |
| cbc_sha1 | CBC with HMAC-SHA-1, MAC before encryption | RFC 7366 1 |
| rsa_kx | the key travels under the certificate's RSA key: no forward secrecy | RFC 9325 4.1 |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Weak(StrEnum):
    """One reason for which a suite counts as weak or old."""

    NULL = "null"
    EXPORT = "export"
    ANON = "anon"
    RC4 = "rc4"
    DES = "des"
    TRIPLE_DES = "3des"
    MD5 = "md5"
    CBC_SHA1 = "cbc_sha1"
    RSA_KX = "rsa_kx"


NULL: Final = Weak.NULL
EXPORT: Final = Weak.EXPORT
ANON: Final = Weak.ANON
RC4: Final = Weak.RC4
DES: Final = Weak.DES
TRIPLE_DES: Final = Weak.TRIPLE_DES
MD5: Final = Weak.MD5
CBC_SHA1: Final = Weak.CBC_SHA1
RSA_KX: Final = Weak.RSA_KX


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite by its IANA name."""

    name: str
    weak: tuple[Weak, ...] = ()


# Signals that stand among the suites of a hello and name none. To offer the second makes a server of a higher version refuse.
EMPTY_RENEGOTIATION_INFO_SCSV = 0x00FF  # RFC 5746 3.3
FALLBACK_SCSV = 0x5600  # RFC 7507 4
_SIGNALS = {EMPTY_RENEGOTIATION_INFO_SCSV: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", FALLBACK_SCSV: "TLS_FALLBACK_SCSV"}


def is_grease(number: int) -> bool:
    """Whether a suite, group, version or extension number is one of the sixteen that RFC 8701 2 reserves."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def suite_name(number: int) -> str:
    """Name a suite as IANA does, or by its number where the table lacks it."""
    suite = SUITES.get(number)
    return suite.name if suite else _SIGNALS.get(number, f"0x{number:04X}")


SUITES: Mapping[int, Suite] = MappingProxyType(
    {
        0x0000: Suite("TLS_NULL_WITH_NULL_NULL", (NULL,)),
        0x0001: Suite("TLS_RSA_WITH_NULL_MD5", (NULL, MD5, RSA_KX)),
        0x0002: Suite("TLS_RSA_WITH_NULL_SHA", (NULL, RSA_KX)),
        0x0003: Suite("TLS_RSA_EXPORT_WITH_RC4_40_MD5", (EXPORT, RC4, MD5, RSA_KX)),
        0x0004: Suite("TLS_RSA_WITH_RC4_128_MD5", (RC4, MD5, RSA_KX)),
        0x0005: Suite("TLS_RSA_WITH_RC4_128_SHA", (RC4, RSA_KX)),
        0x0006: Suite("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", (EXPORT, MD5, RSA_KX)),
        0x0007: Suite("TLS_RSA_WITH_IDEA_CBC_SHA", (CBC_SHA1, RSA_KX)),
        0x0008: Suite("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", (EXPORT, DES, CBC_SHA1, RSA_KX)),
        0x0009: Suite("TLS_RSA_WITH_DES_CBC_SHA", (DES, CBC_SHA1, RSA_KX)),
        0x000A: Suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1, RSA_KX)),
        0x000B: Suite("TLS_DH_DSS_EXPORT_WITH_DES40_CBC_SHA", (EXPORT, DES, CBC_SHA1)),
        0x000C: Suite("TLS_DH_DSS_WITH_DES_CBC_SHA", (DES, CBC_SHA1)),
        0x000D: Suite("TLS_DH_DSS_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0x000E: Suite("TLS_DH_RSA_EXPORT_WITH_DES40_CBC_SHA", (EXPORT, DES, CBC_SHA1)),
        0x000F: Suite("TLS_DH_RSA_WITH_DES_CBC_SHA", (DES, CBC_SHA1)),
        0x0010: Suite("TLS_DH_RSA_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0x0011: Suite("TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA", (EXPORT, DES, CBC_SHA1)),
        0x0012: Suite("TLS_DHE_DSS_WITH_DES_CBC_SHA", (DES, CBC_SHA1)),
        0x0013: Suite("TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0x0014: Suite("TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA", (EXPORT, DES, CBC_SHA1)),
        0x0015: Suite("TLS_DHE_RSA_WITH_DES_CBC_SHA", (DES, CBC_SHA1)),
        0x0016: Suite("TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0x0017: Suite("TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", (EXPORT, ANON, RC4, MD5)),
        0x0018: Suite("TLS_DH_anon_WITH_RC4_128_MD5", (ANON, RC4, MD5)),
        0x0019: Suite("TLS_DH_anon_EXPORT_WITH_DES40_CBC_SHA", (EXPORT, ANON, DES, CBC_SHA1)),
        0x001A: Suite("TLS_DH_anon_WITH_DES_CBC_SHA", (ANON, DES, CBC_SHA1)),
        0x001B: Suite("TLS_DH_anon_WITH_3DES_EDE_CBC_SHA", (ANON, TRIPLE_DES, CBC_SHA1)),
        0x002C: Suite("TLS_PSK_WITH_NULL_SHA", (NULL,)),
        0x002F: Suite("TLS_RSA_WITH_AES_128_CBC_SHA", (CBC_SHA1, RSA_KX)),
        0x0030: Suite("TLS_DH_DSS_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0x0031: Suite("TLS_DH_RSA_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0x0032: Suite("TLS_DHE_DSS_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0x0033: Suite("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0x0034: Suite("TLS_DH_anon_WITH_AES_128_CBC_SHA", (ANON, CBC_SHA1)),
        0x0035: Suite("TLS_RSA_WITH_AES_256_CBC_SHA", (CBC_SHA1, RSA_KX)),
        0x0036: Suite("TLS_DH_DSS_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0x0037: Suite("TLS_DH_RSA_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0x0038: Suite("TLS_DHE_DSS_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0x0039: Suite("TLS_DHE_RSA_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0x003A: Suite("TLS_DH_anon_WITH_AES_256_CBC_SHA", (ANON, CBC_SHA1)),
        0x003B: Suite("TLS_RSA_WITH_NULL_SHA256", (NULL, RSA_KX)),
        0x003C: Suite("TLS_RSA_WITH_AES_128_CBC_SHA256", (RSA_KX,)),
        0x003D: Suite("TLS_RSA_WITH_AES_256_CBC_SHA256", (RSA_KX,)),
        0x0040: Suite("TLS_DHE_DSS_WITH_AES_128_CBC_SHA256"),
        0x0041: Suite("TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", (CBC_SHA1, RSA_KX)),
        0x0044: Suite("TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA", (CBC_SHA1,)),
        0x0045: Suite("TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA", (CBC_SHA1,)),
        0x0046: Suite("TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA", (ANON, CBC_SHA1)),
        0x0067: Suite("TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
        0x006A: Suite("TLS_DHE_DSS_WITH_AES_256_CBC_SHA256"),
        0x006B: Suite("TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
        0x006C: Suite("TLS_DH_anon_WITH_AES_128_CBC_SHA256", (ANON,)),
        0x006D: Suite("TLS_DH_anon_WITH_AES_256_CBC_SHA256", (ANON,)),
        0x0084: Suite("TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", (CBC_SHA1, RSA_KX)),
        0x0087: Suite("TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA", (CBC_SHA1,)),
        0x0088: Suite("TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", (CBC_SHA1,)),
        0x0089: Suite("TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA", (ANON, CBC_SHA1)),
        0x008A: Suite("TLS_PSK_WITH_RC4_128_SHA", (RC4,)),
        0x008B: Suite("TLS_PSK_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0x008C: Suite("TLS_PSK_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0x008D: Suite("TLS_PSK_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0x0090: Suite("TLS_DHE_PSK_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0x0091: Suite("TLS_DHE_PSK_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0x0096: Suite("TLS_RSA_WITH_SEED_CBC_SHA", (CBC_SHA1, RSA_KX)),
        0x009A: Suite("TLS_DHE_RSA_WITH_SEED_CBC_SHA", (CBC_SHA1,)),
        0x009C: Suite("TLS_RSA_WITH_AES_128_GCM_SHA256", (RSA_KX,)),
        0x009D: Suite("TLS_RSA_WITH_AES_256_GCM_SHA384", (RSA_KX,)),
        0x009E: Suite("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
        0x009F: Suite("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
        0x00A2: Suite("TLS_DHE_DSS_WITH_AES_128_GCM_SHA256"),
        0x00A3: Suite("TLS_DHE_DSS_WITH_AES_256_GCM_SHA384"),
        0x00A6: Suite("TLS_DH_anon_WITH_AES_128_GCM_SHA256", (ANON,)),
        0x00A7: Suite("TLS_DH_anon_WITH_AES_256_GCM_SHA384", (ANON,)),
        0x00A8: Suite("TLS_PSK_WITH_AES_128_GCM_SHA256"),
        0x00A9: Suite("TLS_PSK_WITH_AES_256_GCM_SHA384"),
        0x00AA: Suite("TLS_DHE_PSK_WITH_AES_128_GCM_SHA256"),
        0x00AB: Suite("TLS_DHE_PSK_WITH_AES_256_GCM_SHA384"),
        0x00AE: Suite("TLS_PSK_WITH_AES_128_CBC_SHA256"),
        0x00B0: Suite("TLS_PSK_WITH_NULL_SHA256", (NULL,)),
        0x00BA: Suite("TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256", (RSA_KX,)),
        0x00BE: Suite("TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256"),
        0x00C0: Suite("TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256", (RSA_KX,)),
        0x00C4: Suite("TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA256"),
        0x1301: Suite("TLS_AES_128_GCM_SHA256"),
        0x1302: Suite("TLS_AES_256_GCM_SHA384"),
        0x1303: Suite("TLS_CHACHA20_POLY1305_SHA256"),
        0x1304: Suite("TLS_AES_128_CCM_SHA256"),
        0x1305: Suite("TLS_AES_128_CCM_8_SHA256"),
        0xC001: Suite("TLS_ECDH_ECDSA_WITH_NULL_SHA", (NULL,)),
        0xC002: Suite("TLS_ECDH_ECDSA_WITH_RC4_128_SHA", (RC4,)),
        0xC003: Suite("TLS_ECDH_ECDSA_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0xC004: Suite("TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0xC005: Suite("TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0xC006: Suite("TLS_ECDHE_ECDSA_WITH_NULL_SHA", (NULL,)),
        0xC007: Suite("TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", (RC4,)),
        0xC008: Suite("TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0xC009: Suite("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0xC00A: Suite("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0xC00B: Suite("TLS_ECDH_RSA_WITH_NULL_SHA", (NULL,)),
        0xC00C: Suite("TLS_ECDH_RSA_WITH_RC4_128_SHA", (RC4,)),
        0xC00D: Suite("TLS_ECDH_RSA_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0xC00E: Suite("TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0xC00F: Suite("TLS_ECDH_RSA_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0xC010: Suite("TLS_ECDHE_RSA_WITH_NULL_SHA", (NULL,)),
        0xC011: Suite("TLS_ECDHE_RSA_WITH_RC4_128_SHA", (RC4,)),
        0xC012: Suite("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0xC013: Suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0xC014: Suite("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0xC015: Suite("TLS_ECDH_anon_WITH_NULL_SHA", (NULL, ANON)),
        0xC016: Suite("TLS_ECDH_anon_WITH_RC4_128_SHA", (ANON, RC4)),
        0xC017: Suite("TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA", (ANON, TRIPLE_DES, CBC_SHA1)),
        0xC018: Suite("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", (ANON, CBC_SHA1)),
        0xC019: Suite("TLS_ECDH_anon_WITH_AES_256_CBC_SHA", (ANON, CBC_SHA1)),
        0xC023: Suite("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
        0xC024: Suite("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
        0xC027: Suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
        0xC028: Suite("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
        0xC02B: Suite("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        0xC02C: Suite("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        0xC02D: Suite("TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256"),
        0xC02E: Suite("TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384"),
        0xC02F: Suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        0xC030: Suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        0xC031: Suite("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256"),
        0xC032: Suite("TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384"),
        0xC033: Suite("TLS_ECDHE_PSK_WITH_RC4_128_SHA", (RC4,)),
        0xC034: Suite("TLS_ECDHE_PSK_WITH_3DES_EDE_CBC_SHA", (TRIPLE_DES, CBC_SHA1)),
        0xC035: Suite("TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA", (CBC_SHA1,)),
        0xC036: Suite("TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA", (CBC_SHA1,)),
        0xC037: Suite("TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256"),
        0xC072: Suite("TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256"),
        0xC073: Suite("TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384"),
        0xC076: Suite("TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256"),
        0xC077: Suite("TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384"),
        0xC09C: Suite("TLS_RSA_WITH_AES_128_CCM", (RSA_KX,)),
        0xC09D: Suite("TLS_RSA_WITH_AES_256_CCM", (RSA_KX,)),
        0xC09E: Suite("TLS_DHE_RSA_WITH_AES_128_CCM"),
        0xC09F: Suite("TLS_DHE_RSA_WITH_AES_256_CCM"),
        0xC0A0: Suite("TLS_RSA_WITH_AES_128_CCM_8", (RSA_KX,)),
        0xC0A1: Suite("TLS_RSA_WITH_AES_256_CCM_8", (RSA_KX,)),
        0xC0A4: Suite("TLS_PSK_WITH_AES_128_CCM"),
        0xC0A5: Suite("TLS_PSK_WITH_AES_256_CCM"),
        0xC0A8: Suite("TLS_PSK_WITH_AES_128_CCM_8"),
        0xC0A9: Suite("TLS_PSK_WITH_AES_256_CCM_8"),
        0xC0AC: Suite("TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
        0xC0AD: Suite("TLS_ECDHE_ECDSA_WITH_AES_256_CCM"),
        0xC0AE: Suite("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
        0xC0AF: Suite("TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8"),
        0xCCA8: Suite("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        0xCCA9: Suite("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        0xCCAA: Suite("TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        0xCCAB: Suite("TLS_PSK_WITH_CHACHA20_POLY1305_SHA256"),
        0xCCAC: Suite("TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"),
    }
)
