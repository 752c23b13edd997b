"""Live events: what listeners hear over a real server, and the bounds of all of it."""

import asyncio
import json
import re
import signal
import socket
from pathlib import Path
from typing import Any, Self

from support import processes
from support.home import Home
from support.wire import Wire

from lvs.models import Limits
from lvs.services.auth import AccessFile
from lvs.services.events import Event
from lvs.services.household.people import NewPerson
from lvs.services.live_events import MOST_VIDEOS, JobsState, LiveEvent, LiveEvents, jobs_state

ADDRESS = "/api/events"


class Listening:
    """A client of `/api/events` that reads one event after the other."""

    def __init__(self, wire: Wire, *headers: str) -> None:
        self._wire, self._headers = wire, headers

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await self._wire.connect()
        lines = "\r\n".join(("Host: localhost", *self._headers))
        self._writer.write(f"GET {ADDRESS} HTTP/1.1\r\n{lines}\r\n\r\n".encode())
        self.head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        self.status = int(self.head.split()[1])
        self._rest = b""
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def next(self, name: str) -> Any:
        """The data of the next event of this name."""
        async with asyncio.timeout(30):
            while True:
                found = re.search(rb"event: (\w+)\ndata: (.*)\n\n", self._rest)
                if found is None:
                    size = int(await self._reader.readline(), 16)  # chunked (RFC 9112, 7.1)
                    self._rest += (await self._reader.readexactly(size + 2))[:-2]
                    continue
                self._rest = self._rest[found.end() :]
                if found[1].decode() == name:
                    return json.loads(found[2])


async def film(home: Home, name: str = "film.mp4") -> str:
    home.add(name)
    await home.scan()
    return (await home.video(name)).media_hash


async def test_stars_films_and_work_are_told_as_they_happen(home: Home) -> None:
    async with Wire(home.app) as wire, Listening(wire) as listening, Listening(wire) as other:
        assert listening.status == 200
        assert "text/event-stream" in listening.head
        assert (await listening.next("jobs"))["scanning"] is False
        media_hash = await film(home)
        assert media_hash in (await listening.next("library"))["media_hashes"]
        answer = await home.client.post(f"/api/ratings/{media_hash}", json={"value": 4})
        assert answer.status_code == 201
        for each in (listening, other):
            told = await each.next("ratings")
            assert told == {"ratings": [{"media_hash": media_hash, "rating": 4}]}
        answer = await home.client.post(
            "/api/bulk", json={"where": {}, "set": {"rating": 2, "favorite": True}}
        )
        assert (await listening.next("ratings"))["ratings"][0]["rating"] == 2
        change_id = (await answer.get_json())["change_id"]
        await home.client.post(f"/api/changes/{change_id}/undo")
        assert (await listening.next("ratings"))["ratings"][0]["rating"] == 4
        await home.client.delete(f"/api/ratings/{media_hash}")
        assert (await listening.next("ratings"))["ratings"][0]["rating"] is None
        home.services.events.publish(Event.CHANGED_EXTERNALLY, ())
        assert await listening.next("resync") == {}
    await home.until(lambda: home.services.live_events.count == 0)


async def test_every_value_given_to_a_film_is_an_event(home: Home) -> None:
    media_hash = await film(home)
    url = f"/api/videos/{media_hash}"
    async with Wire(home.app) as wire, Listening(wire) as listening:
        await listening.next("jobs")
        for method, address, body in (
            ("put", f"{url}/favorite", None),
            ("post", f"{url}/tags", {"tag": "snow"}),
            ("put", f"{url}/notes", {"notes": "The harbour"}),
            ("put", f"{url}/hidden", {"hidden": True}),
            ("delete", f"{url}/tags/snow", None),
        ):
            call = getattr(home.client, method)
            answer = await (call(address, json=body) if body else call(address))
            assert answer.status_code == 200, address
            assert await listening.next("library") == {"media_hashes": [media_hash]}, address
            number = home.services.live_events._number
            again = await (call(address, json=body) if body else call(address))
            assert again.status_code == 200
            assert home.services.live_events._number == number, address  # nothing changed
        await home.services.videos.retitle(media_hash, "Harbour", "tester")
        assert await listening.next("library") == {"media_hashes": [media_hash]}


async def test_connections_are_bounded_for_each_device_and_in_all(home: Home) -> None:
    live = home.services.live_events
    live._most_of_client, live._most = 2, 3
    async with Wire(home.app) as wire, Listening(wire) as first, Listening(wire) as second:
        await first.next("jobs")
        await second.next("jobs")
        refused = await wire.ask(ADDRESS)
        assert (refused.status, refused.headers["retry-after"]) == (429, "30")
        assert "has 2 event streams open" in refused.text
        live._most_of_client = 9
        async with Listening(wire) as third:
            await third.next("jobs")
            refused = await wire.ask(ADDRESS)
            assert refused.status == 503
            assert "All 3 event streams are in use" in refused.text
            assert refused.headers["content-type"] == "application/problem+json"
        await home.until(lambda: live.count == 2)
        assert (await wire.ask(ADDRESS, method="HEAD")).status == 200  # takes no place
        async with Listening(wire) as again:
            await again.next("jobs")
    await home.until(lambda: live.count == 0)
    assert not live._clients


async def test_a_returning_listener_hears_of_missed_events(home: Home) -> None:
    media_hash = await film(home)
    live = home.services.live_events
    async with Wire(home.app) as wire:
        async with Listening(wire) as listening:
            await listening.next("jobs")
        known = live._id
        async with Listening(wire, f"Last-Event-ID: {known}") as listening:
            await home.services.ratings.rate(media_hash, 3, "tester")
            await listening.next("ratings")
            assert b"resync" not in listening._rest
        async with Listening(wire, f"Last-Event-ID: {known}") as listening:
            assert await listening.next("resync") == {}


async def heard(listening: Any, name: str) -> LiveEvent:
    async with asyncio.timeout(30):
        async for event in listening:
            if event.name == name:
                found: LiveEvent = event
                return found
    raise AssertionError(f"{name} never came")


async def test_a_slow_listener_is_told_to_begin_anew_and_holds_no_queue(home: Home) -> None:
    await film(home)
    services = home.services
    live = LiveEvents(
        services.database,
        services.events,
        lambda: jobs_state(services.library, services.jobs, services.background_tasks),
        heartbeat_s=0,
    )
    slow = live.listen("slow")
    await heard(slow, "jobs")  # and now it takes nothing more
    [listener] = live._listeners
    for number in range(3 * MOST_VIDEOS):
        services.events.publish(Event.CHANGED, [number])
        services.events.publish(Event.RATED, [number])
        assert len(listener.library) + len(listener.rated) <= 2 * MOST_VIDEOS
    assert (await heard(slow, "resync")).data == {}
    assert (await heard(slow, "")).data == {}  # a heartbeat: nothing is left to tell
    services.events.publish(Event.CHANGED, ())
    assert (await heard(slow, "library")).data == {"media_hashes": []}
    await slow.aclose()
    assert live.count == 0


async def test_work_is_told_only_when_it_changed(home: Home) -> None:
    states = [JobsState(1, 2, 3, False, ()), JobsState(1, 2, 3, False, ())]
    states.append(JobsState(0, 0, 0, True, ("Backup",)))
    live = LiveEvents(
        home.services.database,
        home.services.events,
        lambda: states.pop(0) if len(states) > 1 else states[0],
    )
    listening = live.listen("one")
    assert (await heard(listening, "jobs")).data["waiting"] == 2
    told = (await heard(listening, "jobs")).data
    assert (told["scanning"], told["tasks"]) == (True, ["Backup"])
    live.end()
    assert (await heard(listening, "end")).data == {"reason": "LVS is stopping."}
    await listening.aclose()


def test_the_end_of_the_server_is_told_and_not_held_up(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    with (
        processes.serving(tmp_path / "films", tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as client,
    ):
        client.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        received = b""
        while b"event: jobs" not in received:
            received += client.recv(65536)
        assert server.stop(signal.SIGTERM) == 0
        while chunk := client.recv(65536):
            received += chunk
    assert b"event: end" in received
    assert received.endswith(b"0\r\n\r\n")  # a whole answer, not one that was cut off


async def ends(listening: Listening) -> str:
    reason: str = (await listening.next("end"))["reason"]
    assert int(await listening._reader.readline(), 16) == 0  # and the answer is over
    return reason


async def test_listeners_are_cut_off_as_their_session_or_token_ends(
    tmp_path: Path,
) -> None:
    async with Home(tmp_path) as home, Wire(home.app) as wire:
        access = AccessFile(home.data)
        access.set_password("correct horse")
        passwords, live = home.services.passwords, home.services.live_events
        await home.until(lambda: passwords.required)
        token = f"Authorization: Bearer {access.add_token('player')}"
        cookie = f"Cookie: lvs_session={passwords.new_session()}"
        await home.until(lambda: passwords.is_token(token.rpartition(" ")[2]))
        async with Listening(wire, cookie) as browser, Listening(wire, token) as program:
            await browser.next("jobs")
            await program.next("jobs")
            away = [heard(live.listen("10.0.0.9"), "end")]
            other = asyncio.create_task(away[0])
            answer = await wire.ask("/sign-out", [cookie], "POST")
            assert answer.status == 303
            for each in (browser, program):  # whoever still may comes again
                assert "signed out" in await ends(each)
            assert not other.done()
            other.cancel()
        async with Listening(wire, cookie) as browser, Listening(wire, token) as program:
            await browser.next("jobs")
            await program.next("jobs")
            access.set_password("another horse")  # which ends sessions, and no token
            await ends(browser)
            access.revoke_token("player")
            await ends(program)
        await home.until(lambda: live.count == 0)


async def test_listeners_are_cut_off_as_they_become_a_person_with_limits(home: Home) -> None:
    people = home.services.people
    mum, kid = [await people.create(NewPerson(name)) for name in ("Mum", "Kid")]
    async with Wire(home.app) as wire:
        as_kid = f"Cookie: lvs_person={people.cookie(kid, False)}"
        async with Listening(wire) as anybody, Listening(wire, as_kid) as child:
            await anybody.next("jobs")
            await child.next("jobs")
            limits = Limits(tags=("kids",))
            await people.change(kid.id, NewPerson("Kid", limits=limits))
            await ends(child)
            assert (await wire.ask(ADDRESS, [as_kid])).status == 403
            body = f"person={mum.id}".encode()
            form = "Content-Type: application/x-www-form-urlencoded"
            assert (await wire.ask("/people/choose", [form], "POST", body)).status == 303
            await ends(anybody)  # another person is at this device
