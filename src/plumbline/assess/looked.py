"""What an audit saw to be absent: so that a finding which is not there any more is told from one that nobody looked at again.

    OUT/looked.parquet    asset, "table", subjects

    a table's name        all attempts to fill it from this asset were ok; subjects is null
    `host`                its ports that are closed
    `service`             its open ports of which it is known what speaks there

and of each network whose sweep came to its end

    `address`             the ranges of which each address was asked
    `left_out`            what was not asked all the same: excluded, or never to be touched

Hub identities are not in it: whether one is gone is for the coverage of its hub to say, which the ledger holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from plumbline.evidence.engine import Connection, literal
from plumbline.evidence.parts import atomic

FILE = "looked.parquet"
ADDRESS, LEFT_OUT = "address", "left_out"
_SCHEMA = pa.schema([("asset", pa.string()), ("table", pa.string()), ("subjects", pa.list_(pa.string()))])


def write_looked(
    connection: Connection, filled: Collection[str], swept: Mapping[str, tuple[Sequence[str], Sequence[str]]], out: Path
) -> None:
    """Write it into OUT; `filled` are the tables with rows, `swept` the ranges of each network, with what was left out."""
    rows = [
        {"asset": network, "table": table, "subjects": texts}
        for network, both in swept.items()
        for table, texts in zip((ADDRESS, LEFT_OUT), both, strict=True)
    ]
    connection.register("swept", pa.Table.from_pylist(rows, schema=_SCHEMA))
    parts = [
        "select asset, \"table\", null::varchar[] as subjects from known.coverage group by all having max(outcome) = 'ok'",
        *(
            ["select asset, 'host', list_sort(flatten(list(closed))) from main.host where closed is not null group by asset"]
            if "host" in filled
            else []
        ),
        *(
            ["select asset, 'service', list_sort(list(subject)) from main.service where protocol is not null group by asset"]
            if "service" in filled
            else []
        ),
    ]
    ended = "select entity from known.coverage where \"table\" = 'host' group by entity having max(outcome) = 'ok'"
    parts.append(f"from swept where asset in ({ended}) and len(subjects) > 0")
    with atomic(out / FILE) as temporary:
        every = f"select * from ({' union all '.join(parts)}) order by all"
        connection.execute(f"copy ({every}) to {literal(str(temporary))} (format parquet, compression zstd)")
        temporary.chmod(0o600)  # the engine makes the file anew
    connection.unregister("swept")
