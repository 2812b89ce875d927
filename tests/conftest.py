"""For the whole suite: coroutine tests, no machine too slow for Hypothesis, and no silent skip where every system package is promised."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

REQUIRED = "PLUMBLINE_REQUIRE_SYSTEM"
# A test of files that lie beside the project, and not in it, may skip anywhere; so may one that only an ordinary user can make fail.
EXCUSED = ("beside", "root may")

# How fast the machine is decides no test: what a test sets by itself comes on top of this (complete/test_settings.py).
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_configure() -> None:
    """Hide the developer's own reference data, and let children hear Ctrl-C.

    A shell that started us in the background has SIGINT ignored, which children would inherit.
    """
    os.environ["XDG_DATA_HOME"] = "/nonexistent"
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Call a coroutine function to its end within a minute; leave every other test to pytest."""
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted})

    asyncio.run(bounded())
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where the run promises every system package (`.ci/run`), a skip for want of one is a failure."""
    report = yield
    if os.environ.get(REQUIRED) and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not any(word in reason for word in EXCUSED):
            report.outcome = "failed"
            report.longrepr = f"skipped although {REQUIRED} is set: {reason}"
    return report
