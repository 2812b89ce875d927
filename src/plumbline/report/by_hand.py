"""Tests by hand as the report lists them: who found what, how, when, and by which files; passes as well as fails.

Not their judgement, which stands in the ledger. Rules: what a tester did not give stays None, and is said; the list is a sample beside its
count; files are named by digest and stay with their owner.
"""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.evidence.engine import Connection
from plumbline.report.standards_data import HandTest

LISTED = 200
ATTACHMENTS_LISTED = 4


def hand_tests(connection: Connection, names: Mapping[str, str]) -> tuple[tuple[HandTest, ...], int]:
    """Read the results of tests by hand, fails first, and count them; `names` gives the name of an entity's asset."""
    rows = connection.execute(
        f"""
        select entity, coalesce(provision, 'check/' || check_id, subject), verdict, tester, method, performed_at, observations,
          attachments[1:{ATTACHMENTS_LISTED}], coalesce(len(attachments), 0), count(*) over ()
        from base.manual_result
        order by verdict is distinct from 'fail', verdict, 2, entity, performed_at, tester, observations limit {LISTED}
        """
    ).fetchall()
    found = tuple(
        HandTest(names.get(entity, entity), about, verdict, tester, method, performed_at, seen, tuple(files or ()), count)
        for entity, about, verdict, tester, method, performed_at, seen, files, count, _ in rows
    )
    return found, rows[0][-1] if rows else 0
