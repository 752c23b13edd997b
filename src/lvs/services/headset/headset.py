"""The services that the players' addresses need, in one bundle."""

from msgspec import Struct

from lvs.config import Config
from lvs.db.database import Database
from lvs.services.auth import Passwords
from lvs.services.cache import Cache
from lvs.services.curation.favorites import Favorites
from lvs.services.curation.ratings import Ratings
from lvs.services.curation.tags import Tags
from lvs.services.curation.views import Views
from lvs.services.events import Events
from lvs.services.headset.access import HeadsetAccess
from lvs.services.headset.library_document import LibraryDocuments
from lvs.services.headset.positions import HeadsetProgress, Positions
from lvs.services.headset.scripts import Scripts
from lvs.services.headset.write_back import AllowedWrites, WriteBack
from lvs.services.library.library import Library


class Headset(Struct, frozen=True):
    """Services for HereSphere and DeoVR."""

    access: HeadsetAccess
    documents: LibraryDocuments
    write_back: WriteBack
    positions: Positions
    scripts: Scripts


def build(
    config: Config,
    database: Database,
    cache: Cache,
    events: Events,
    library: Library,
    passwords: Passwords,
    progress: HeadsetProgress | None = None,
) -> Headset:
    """The bundle for this configuration; without `progress` positions are not remembered."""
    return Headset(
        HeadsetAccess(passwords),
        LibraryDocuments(database, only_vr=config.headset_library == "vr"),
        WriteBack(
            Ratings(database, cache, events),
            Favorites(database, cache, events),
            Tags(database, cache, events),
            AllowedWrites.from_words(config.headset_writes),
        ),
        Positions(Views(database, cache, events), progress),
        Scripts(library),
    )
