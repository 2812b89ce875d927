"""Messages as they are read from the ledger."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.checks.examples import ExampleRunner
from plumbline.checks.linter import Linter
from plumbline.checks.messages import message_sql
from plumbline.evidence.engine import connect
from tests.checks.making import AS_OF, made_check, made_example


@pytest.mark.parametrize(
    ("message", "columns", "expected"),
    [
        ("nothing to fill in", {}, "nothing to fill in"),
        ("{subject} of {asset}", {}, "tcp/1883 of a"),
        ("version {broker_version}", {"broker_version": "2.0"}, "version 2.0"),
        ("version {broker_version}", {}, "version unknown"),
        ("port {port}, TLS {tls}", {"port": 1883}, "port 1883, TLS true"),
        ("{versions}", {"versions": ["3.1.1", "5.0"]}, "3.1.1, 5.0"),
        ("{versions}", {"versions": []}, ""),
        ("{versions}", {}, "unknown"),
        ("{versions}", {"versions": [None, "x"]}, "unknown, x"),
        ("seen {observed_at}", {"observed_at": AS_OF}, "seen 2026-11-21 00:00 UTC"),
        ("it's {broker_version}", {"broker_version": 'a"b\\c\n<d>\u20ac'}, "it's a\"b\\c\n<d>\u20ac"),
    ],
)
def test_rendered(message: str, columns: dict[str, Any], expected: str) -> None:
    query = "select asset, subject, tls as failed, [row_id] as evidence, broker_version, port, tls, versions, observed_at from mqtt_broker"
    check = made_check(query, message=message)
    shape = Linter().shape(check)
    row = {"asset": "a", "subject": "tcp/1883", "tls": True, **columns}
    [got] = ExampleRunner().run(check, shape, made_example({"mqtt_broker": [row]}))
    ledger = "select $asset::varchar as asset, $subject::varchar as subject, $detail::varchar as detail"
    values = {name: got[name] for name in ("asset", "subject", "detail")}
    [[rendered]] = connect(threads=1).execute(f"select {message_sql(check, shape)} from ({ledger})", values).fetchall()
    assert rendered == expected
