"""Films that are said to be long, for what hangs on their length."""

from support.home import Home

from lvs.db import gallery
from lvs.db.database import Transaction


async def a_film(home: Home, duration_s: float = 3600.0, name: str = "film.mp4") -> str:
    """The hash of a film that is said to be so long."""
    home.add(name)
    await home.scan()
    await home.probed()
    video = await home.video(name)
    await set_length(home, video.id, duration_s)
    return video.media_hash


async def set_length(home: Home, video_id: int, duration_s: float | None) -> None:
    async def change(tx: Transaction) -> None:
        await tx.run("UPDATE videos SET duration_s = ? WHERE id = ?", (duration_s, video_id))
        await gallery.refresh(tx, [video_id])

    await home.services.database.write(change)
