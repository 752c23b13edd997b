"""The announcement by mDNS, as another process with a zeroconf of its own sees it. All of it stays
on the loopback interface.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.waiting import until

from lvs.services.network.discovery import Discovery, ListeningPorts

CLIENT = Path(__file__).parents[2] / "support" / "mdns_client.py"
PATIENCE_S = 30.0


class Device:
    """Another device of the house."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def sees(self) -> Any:
        assert self._process.stdout
        return json.loads(await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S * 2))

    async def sees_once(self, wanted: str) -> Any:
        """Wait for a site (`present`) or for none (`gone`); what the device sees then."""
        assert self._process.stdin
        self._process.stdin.write(f"{wanted}\n".encode())
        await self._process.stdin.drain()
        return await self.sees()


@asynccontextmanager
async def device(name: str, interface: str = "127.0.0.1") -> AsyncIterator[Device]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(CLIENT), interface, name, str(PATIENCE_S)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Device(process)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def announcing(discovery: Discovery, port: int = 8900) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(discovery.run())
    discovery.listening(ListeningPorts(port))
    try:
        yield task
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def announced(discovery: Discovery, name: str) -> None:
    await until(lambda: discovery.announced == name)


def on_loopback(name: str, addresses: tuple[str, ...] = ("127.0.0.1",)) -> Discovery:
    return Discovery(name, addresses=lambda: addresses, poll_s=0.2)


async def test_another_process_resolves_the_name_and_finds_the_site_until_it_ends() -> None:
    discovery = on_loopback("lvs-test-one")
    async with device("lvs-test-one.local") as other:
        async with announcing(discovery, 8917):
            await announced(discovery, "lvs-test-one.local")
            seen = await other.sees()
            assert seen["addresses"] == ["127.0.0.1"]
            [site] = seen["sites"]
            assert site["name"].startswith("Local Video Server on ")
            assert (site["port"], site["server"]) == (8917, "lvs-test-one.local.")
            assert site["path"] == "/"
        assert discovery.announced == ""
        seen = await other.sees_once("gone")
        assert seen["sites"] == []
        assert seen["withdrawn"] == [site["name"]]


async def test_a_name_that_another_device_holds_is_left_to_it() -> None:
    first, second = on_loopback("lvs-test-two", ("127.0.0.2",)), on_loopback("lvs-test-two")
    async with announcing(first):
        await announced(first, "lvs-test-two.local")
        async with announcing(second):
            await announced(second, "lvs-test-two-2.local")


async def test_one_of_two_servers_that_start_at_once_takes_another_name() -> None:
    one, two = on_loopback("lvs-test-five", ("127.0.0.4",)), on_loopback("lvs-test-five")
    async with announcing(one), announcing(two):
        await until(lambda: one.announced == "lvs-test-five.local")
        await until(lambda: two.announced == "lvs-test-five-2.local")
        async with device("lvs-test-five.local") as other:
            assert (await other.sees())["addresses"] == ["127.0.0.4"]


async def test_the_announcement_follows_the_addresses_of_the_machine() -> None:
    addresses = ["127.0.0.1"]
    discovery = Discovery("lvs-test-three", addresses=lambda: tuple(addresses), poll_s=0.2)
    async with announcing(discovery), device("lvs-test-three.local") as other:
        assert (await other.sees())["addresses"] == ["127.0.0.1"]
        addresses[:] = ["127.0.0.1", "127.0.0.3"]

        async def sees_both() -> bool:
            return (await other.sees_once("present"))["addresses"] == ["127.0.0.1", "127.0.0.3"]

        await until(sees_both)


async def test_nothing_is_announced_without_a_name_or_on_this_machine_only() -> None:
    for quiet in (
        Discovery(""),
        Discovery("lvs", host="127.0.0.1"),
        Discovery("lvs", host="localhost"),
    ):
        assert not quiet.enabled
        await asyncio.wait_for(quiet.run(), 1)
        assert quiet.announced == ""


async def test_a_machine_without_a_network_says_so_and_goes_on() -> None:
    addresses: list[str] = []
    discovery = Discovery("lvs-test-four", addresses=lambda: tuple(addresses), poll_s=0.1)
    async with announcing(discovery):
        await until(lambda: bool(discovery.failure))
        assert "no IPv4 address" in discovery.failure
        addresses.append("127.0.0.1")
        await announced(discovery, "lvs-test-four.local")
        assert discovery.failure == ""
