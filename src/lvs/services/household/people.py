"""People: who watches on a device. None at first, and then everything is the household's.

The cookie of a device names a person and is signed with that person's own secret. A new PIN is a
new secret, so that the devices have to be told again.
"""

import asyncio
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from msgspec import Struct
from msgspec.structs import replace

from lvs.client_key import client_key
from lvs.clock import now_ms
from lvs.db import people
from lvs.db.database import Database, Transaction
from lvs.db.people import Person
from lvs.errors import Conflict, Invalid, NotFound, Refused
from lvs.services.back_off import BackOff
from lvs.services.curation.base import clean_line
from lvs.viewer import Limits

__all__ = ["Device", "NewPerson", "People", "Person"]

MAX_NAME = 50
MAX_PEOPLE = 50
MAX_LIMITS = 50
REMOVED_KEPT_MS = 30 * 24 * 3_600_000
START_PAGES = {
    "": "All videos",
    "/continue": "Continue watching",
    "/favorites": "Favorites",
    "/later": "Later",
    "/playlists": "Playlists",
}

_VIEW = re.compile(r"/view/[0-9a-f]{16}", re.ASCII)
_PIN = re.compile(r"[0-9]{4,12}", re.ASCII)
_COOKIE = re.compile(r"([0-9]{1,9})\.([01])\.([0-9a-f]{64})", re.ASCII)


class Device(Struct, frozen=True):
    """The content of a device's cookie: who watches, and whether the device is bound to them."""

    person: Person
    bound: bool


class NewPerson(Struct, frozen=True):
    """A person as people describe them. `pin` is None where it stays, and empty for none."""

    name: str
    pin: str | None = None
    limits: Limits | None = None
    start_page: str = ""


class People:
    """Knows who watches. All of them are kept in memory: every request asks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._people: dict[int, Person] = {}
        self._back_off = BackOff()
        self._checking = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._known, self._latest = 0, 1  # which state was read, and which there is

    async def load(self) -> None:
        """Read everybody, where that is needed. Nobody is answered by what was there before: a
        request that ends meanwhile, or a database that cannot be read, leaves it to the next one.
        """
        if self._known == self._latest:
            return
        async with self._reading:
            while self._known != self._latest:
                read = self._latest
                async with self._database.read() as db:
                    self._people = {person.id: person for person in await people.every(db)}
                self._known = read

    def forget(self) -> None:
        """Read everybody again before the next answer."""
        self._latest += 1

    # --- Who there is ---

    @property
    def every(self) -> list[Person]:
        """Everybody by name."""
        return [person for person in self._people.values() if person.removed_at is None]

    @property
    def removed(self) -> list[Person]:
        """The people who can be brought back."""
        oldest = now_ms() - REMOVED_KEPT_MS
        return [each for each in self._people.values() if (each.removed_at or 0) > oldest]

    def get(self, person_id: int) -> Person:
        """A person. Raises NotFound."""
        found = self._people.get(person_id)
        if found is None or found.removed_at is not None:
            raise NotFound("There is no such person.")
        return found

    def named(self, name: str) -> Person | None:
        """The person of this name."""
        key = name_key(name)
        return next((each for each in self.every if name_key(each.name) == key), None)

    # --- Devices ---

    def cookie(self, person: Person, bound: bool) -> str:
        """The value of the cookie by which a device is known as this person's."""
        return f"{person.id}.{int(bound)}.{_signature(person, bound)}"

    def device(self, cookie: str) -> Device | None:
        """The device that a cookie is of; None where it is forged or stale."""
        found = _COOKIE.fullmatch(cookie)
        person = self._people.get(int(found[1])) if found else None
        if found is None or person is None or person.removed_at is not None:
            return None
        device = Device(person, found[2] == "1")
        signed = hmac.compare_digest(_signature(person, device.bound), found[3])
        return device if signed else None

    async def check_pin(self, person: Person, pin: str, client: str) -> None:
        """Raise Refused where it is not the person's PIN, TooManyRequests after too many of
        those.
        """
        if not person.pin:
            return
        guesser = f"{client_key(client)} {person.id}"
        self._back_off.check(guesser)
        async with self._checking:  # each takes a twentieth of a second, on purpose
            self._back_off.check(guesser)
            right = await asyncio.to_thread(_is_pin, person.pin, pin)
            self._back_off.note(guesser, right)
        if not right:
            raise Refused(f"That is not the PIN of {person.name}. Try again.")

    async def release(self, device: Device, pin: str, client: str) -> None:
        """Check that somebody who sees everything lets this device go: the PIN is that of any of
        them. Where none of them has a PIN, nobody has to. Raises Refused, TooManyRequests.
        """
        keepers = [each for each in self.every if each.limits is None and each.pin]
        for keeper in keepers:
            try:
                await self.check_pin(keeper, pin, client)
            except Refused:
                continue
            return
        if keepers:
            raise Refused(
                f"This device is {device.person.name}’s. Give the PIN of somebody who sees"
                " everything."
            )

    # --- Changes ---

    async def create(self, new: NewPerson) -> Person:
        """Make a person. Raises Invalid, Conflict where the name is taken."""
        name = _name(new.name)
        pin = await _pin_hash(new.pin or "")

        async def write(tx: Transaction) -> int:
            if len([each for each in await people.every(tx) if not each.removed_at]) >= MAX_PEOPLE:
                raise Conflict(f"There are {MAX_PEOPLE} people. Remove one first.")
            await _refuse_taken(tx, name)
            key, secret, now = name_key(name), secrets.token_hex(16), now_ms()
            person_id = await people.add(tx, name, key, secret, now)
            made = Person(
                person_id, name, secret, pin, _limits(new.limits), _start(new.start_page), now, None
            )
            await people.change(tx, made, key)
            await people.purge(tx, now - REMOVED_KEPT_MS)
            return person_id

        return await self._written(await self._database.write(write))

    async def change(self, person_id: int, new: NewPerson) -> Person:
        """Write what is said of a person. Raises Invalid, NotFound, Conflict."""
        before, name = self.get(person_id), _name(new.name)
        changed = replace(
            before,
            name=name,
            limits=_limits(new.limits),
            start_page=_start(new.start_page),
            pin=before.pin if new.pin is None else await _pin_hash(new.pin),
            secret=before.secret if new.pin is None else secrets.token_hex(16),
        )

        async def write(tx: Transaction) -> None:
            await _refuse_taken(tx, name, person_id)
            await people.change(tx, changed, name_key(name))

        await self._database.write(write)
        return await self._written(person_id)

    async def choose_start_page(self, person_id: int, page: str) -> Person:
        """Have a person begin with this page. Raises Invalid, NotFound."""
        changed = replace(self.get(person_id), start_page=_start(page))

        async def write(tx: Transaction) -> None:
            await people.change(tx, changed, name_key(changed.name))

        await self._database.write(write)
        return await self._written(person_id)

    async def remove(self, person_id: int) -> Person:
        """Remove a person, who can be brought back for 30 days. Raises NotFound."""
        person = self.get(person_id)

        async def write(tx: Transaction) -> None:
            await people.purge(tx, now_ms() - REMOVED_KEPT_MS)
            await people.remove(tx, person_id, now_ms())

        await self._database.write(write)
        return await self._written(person.id)

    async def purge(self) -> None:
        """Remove for good, with all that was theirs, who cannot be brought back any more."""
        before = now_ms() - REMOVED_KEPT_MS
        if any(each.removed_at and each.removed_at < before for each in self._people.values()):
            await self._database.write(lambda tx: people.purge(tx, before))
            self.forget()

    async def bring_back(self, person_id: int) -> Person:
        """Bring a person back, under another name where their own is taken. Raises NotFound."""
        person = next((each for each in self.removed if each.id == person_id), None)
        if person is None:
            raise NotFound("There is no removed person with this number.")

        async def write(tx: Transaction) -> None:
            name, number = person.name, 1
            while await people.of_key(tx, name_key(name)) is not None:
                number += 1
                name = f"{person.name} ({number})"
            await people.bring_back(tx, person_id, name, name_key(name))

        await self._database.write(write)
        return await self._written(person_id)

    async def _written(self, person_id: int) -> Person:
        self.forget()
        await self.load()
        return self._people[person_id]


def name_key(name: str) -> str:
    """A key that all spellings of a name share."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def limits_from(tags: Sequence[str], folders: Sequence[str]) -> Limits:
    """Limits as people write them, without empty lines. Raises Invalid."""
    try:
        encoded = tuple(os.fsencode(each.strip().strip("/")) for each in folders if each.strip())
    except UnicodeEncodeError:
        raise Invalid("Write a folder as it appears in addresses.") from None
    return Limits(tuple(tag.strip().lstrip("#") for tag in tags if tag.strip()), encoded)


def _signature(person: Person, bound: bool) -> str:
    content = f"{person.id}.{int(bound)}".encode()
    return hmac.new(person.secret.encode(), content, "sha256").hexdigest()


def _name(text: str) -> str:
    name = clean_line(text, "name", MAX_NAME)
    if not name:
        raise Invalid("A person needs a name.")
    return name


def _limits(limits: Limits | None) -> Limits | None:
    if limits and len(limits.tags) + len(limits.folders) > MAX_LIMITS:
        raise Invalid(f"A person is limited by at most {MAX_LIMITS} tags and folders.")
    return limits


def is_start_page(page: str) -> bool:
    """True for a page that LVS may begin with; a saved view among them may be gone."""
    return page in START_PAGES or bool(_VIEW.fullmatch(page))


def _start(page: str) -> str:
    if not is_start_page(page):
        known = ", ".join(filter(None, START_PAGES))
        raise Invalid(f"The start page is one of {known}, or the address of a saved view.")
    return page


async def _refuse_taken(tx: Transaction, name: str, but: int = 0) -> None:
    other = await people.of_key(tx, name_key(name))
    if other is not None and other != but:
        raise Conflict(f"There is a person named {name} already. Choose another name.")


async def _pin_hash(pin: str) -> str:
    if not pin:
        return ""
    if not _PIN.fullmatch(pin):
        raise Invalid("A PIN has 4 to 12 digits.")
    return await asyncio.to_thread(PasswordHasher().hash, pin)


def _is_pin(known: str, pin: str) -> bool:
    try:
        return PasswordHasher().verify(known, pin[:100])
    except (Argon2Error, InvalidHashError):
        return False
