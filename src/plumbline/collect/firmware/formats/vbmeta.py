"""Android's vbmeta partition: Verified Boot metadata alone, which signs the digests of other partitions. The layout stands in `avb`."""

from __future__ import annotations

from plumbline.collect.firmware import avb
from plumbline.collect.firmware.format import Format, Header, Opened
from plumbline.collect.firmware.source import Budget, Source

PARTITIONS_MAX = 32


def _recognises(source: Source) -> bool:
    head = source.some(0, avb.HEADER_SIZE)
    sizes = int.from_bytes(head[12:20], "big"), int.from_bytes(head[20:28], "big")
    return len(head) == avb.HEADER_SIZE and head[4:8] == b"\0\0\0\x01" and max(sizes) <= avb.BLOCK_MAX and head[28:31] == bytes(3)


def _open(source: Source, budget: Budget) -> Opened:
    metadata = avb.read_metadata(source, "the digests of other partitions")
    budget.pay(metadata.size)
    partitions = [each.partition or "unnamed" for each in metadata.hashes[:PARTITIONS_MAX]]
    facts = {f"avb.{name}": text for name, text in list(metadata.properties.items())[:PARTITIONS_MAX]}
    facts |= {"partitions": " ".join(partitions), "flags": f"{metadata.flags:#x}", "release": metadata.release or ""}
    header = Header(security_version=metadata.rollback_index, facts={name: text for name, text in facts.items() if text})
    return Opened(header, signatures=(metadata.signature,) if metadata.signature else (), size=metadata.size)


FORMAT = Format("vbmeta", "Android Verified Boot metadata", ((0, avb.MAGIC),), _recognises, _open, embedded=True)
