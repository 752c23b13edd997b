"""Choices of a person for themselves: the languages of subtitles and sound. And the page that LVS
begins with for the household; a person's stands with the person.
"""

import re

from msgspec import Struct

from lvs.db import preferences
from lvs.db.database import Database
from lvs.errors import Invalid
from lvs.models import HOUSEHOLD
from lvs.option_values import RateLimit
from lvs.services.household.people import is_start_page
from lvs.services.lru import LRU
from lvs.services.rate_limit import RateLimiter
from lvs.viewer import person_or_viewer

LANGUAGES = ("subtitles", "sound")
START_PAGE = "start_page"
OFF = "off"
CHOICES = RateLimit(60, 10)  # of one client
PEOPLE_KEPT = 50

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)


class Languages(Struct, frozen=True):
    """Language tags (RFC 5646, section 2.1) that a person chose last; empty without a choice."""

    subtitles: str = ""
    sound: str = ""


class Preferences:
    """Keeps the languages of each person."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limiter = RateLimiter(CHOICES)
        self._languages: LRU[int, Languages] = LRU(PEOPLE_KEPT)
        self._start_page: str | None = None

    async def languages(self, *, person: int | None = None) -> Languages:
        """The languages that a person chose."""
        person = person_or_viewer(person)
        known = self._languages.get(person)
        if known is not None:
            return known
        async with self._database.read() as db:
            kept = await preferences.of_person(db, person)
        chosen = {name: kept[name] for name in LANGUAGES if name in kept}
        return self._languages.put(person, Languages(**chosen))

    async def choose_language(
        self, name: str, value: str, client: str, *, person: int | None = None
    ) -> None:
        """Keep the language of subtitles or sound. Raises Invalid, TooManyRequests."""
        person = person_or_viewer(person)
        if name not in LANGUAGES or not _TAG.fullmatch(value):
            raise Invalid("The language is a tag such as en, pt-BR, or off.")
        self._limiter.check(client)
        await self._database.write(lambda tx: preferences.put(tx, person, name, value))
        self._languages.clear()

    async def start_page(self) -> str:
        """The page that LVS begins with where nobody was chosen; empty for all videos."""
        if self._start_page is None:
            async with self._database.read() as db:
                kept = await preferences.of_person(db, HOUSEHOLD)
            page = kept.get(START_PAGE, "")
            self._start_page = page if is_start_page(page) else ""
        return self._start_page

    async def choose_start_page(self, page: str) -> None:
        """Have LVS begin with this page where nobody was chosen. Raises Invalid."""
        if not is_start_page(page):
            raise Invalid("LVS cannot start with this page.")
        await self._database.write(lambda tx: preferences.put(tx, HOUSEHOLD, START_PAGE, page))
        self._start_page = page

    def forget(self) -> None:
        """Read every choice again from now on."""
        self._languages.clear()
        self._start_page = None
