"""Systems seen from inside: by logins that the customer gave (SSH, SNMPv3) and by files that hostkit wrote on devices."""

from plumbline.collect.host.attempting import TABLES
from plumbline.collect.host.collector import collect

__all__ = ["TABLES", "collect"]
