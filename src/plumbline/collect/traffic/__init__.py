"""The traffic collector: what captures that the customer supplied say of stations, flows and what travels in clear.

A passive reader of files: it opens no socket. Nobody's payload is kept; secrets become keyed digests at once (law 8).

    pcapfile   records of a capture file       link, ip, tcp   headers and byte streams
    walk       one pass over all packets       connections     who talks to whom, and when that ends
    reading    from a stream to a protocol     conversations/  what each protocol tells
    facts      what was found, under caps      rows            facts as rows, and their coverage
"""

from plumbline.collect.traffic.collector import TABLES, collect

__all__ = ["TABLES", "collect"]
