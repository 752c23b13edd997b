"""Usage of the library: views by day, what is played most, how stars and tags are spread."""

from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from lvs.db import changes, tags
from lvs.db import statistics as rows
from lvs.db.database import Database
from lvs.models import Tag

DAYS = 30
MOST = 20


class UsageStatistics(Struct, frozen=True):
    """Figures of the usage page.

    `days` are the last 30, the latest last; `ratings` go from 5 stars to none.
    """

    days: list[tuple[date, int]]
    most_viewed: list[tuple[str, str, int]]
    ratings: list[tuple[int, int]]
    tags: list[Tag]
    tag_count: int
    total_views: int


class Usage:
    """The usage of the library in figures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def statistics(self, most: int = MOST, skip: int = 0) -> UsageStatistics:
        """The present state, with so many of the videos and tags used most, behind the first
        `skip`.

        Views of days come from the journal; those brought along from elsewhere have no day.
        """
        today = datetime.now(UTC).astimezone().date()
        days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
        midnight = datetime(days[0].year, days[0].month, days[0].day).astimezone()
        async with self._database.read() as db:
            viewed = await changes.views_by_day(db, int(midnight.timestamp() * 1000))
            rated = await rows.by_rating(db)
            counted = await tags.counted(db)
            return UsageStatistics(
                days=[(day, viewed.get(day.isoformat(), 0)) for day in days],
                most_viewed=await rows.most_viewed(db, most, skip),
                ratings=[(stars, rated.get(stars, 0)) for stars in range(5, -1, -1)],
                tags=sorted(counted, key=lambda tag: -tag.count)[skip : skip + most],
                tag_count=len(counted),
                total_views=await rows.total_views(db),
            )
