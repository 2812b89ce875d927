"""Several steps at once, of which none outlives the others: what one raises ends them all before it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def together(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run the steps concurrently; raises the first error as it is, once every other step has ended or was cancelled."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
