"""What an audit saw to be absent: so that a finding which is not there any more is told from one that nobody looked at again.

    OUT/looked.parquet    asset, "table", subjects

    a table's name        all attempts to fill it from this asset were ok; subjects is null
    `host`                its ports that are closed
    `service`             its open ports of which it is known what speaks there

Hub identities are not in it: whether one is gone is for the coverage of its hub to say, which the ledger holds.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from plumbline.evidence.engine import Connection, literal
from plumbline.evidence.parts import atomic

FILE = "looked.parquet"


def write_looked(connection: Connection, filled: Collection[str], out: Path) -> None:
    """Write it into OUT; `filled` are the tables with rows."""
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
    with atomic(out / FILE) as temporary:
        rows = f"select * from ({' union all '.join(parts)}) order by all"
        connection.execute(f"copy ({rows}) to {literal(str(temporary))} (format parquet, compression zstd)")
        temporary.chmod(0o600)  # the engine makes the file anew
