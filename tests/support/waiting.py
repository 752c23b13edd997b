"""Waiting in tests for something to become true."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_S = 60.0


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is true. It never being so is a failure."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            value = true()
            if await value if isinstance(value, Awaitable) else value:
                return
            await asyncio.sleep(0.05)
