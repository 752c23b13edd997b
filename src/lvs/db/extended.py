"""The `extended_fingerprints` table: contents of which more was read than samples."""

from collections.abc import Mapping

from lvs.db.database import Connection, Transaction

WHOLE = "whole:"  # before a hash of all of a file that is too large for its extended fingerprint


async def of_fingerprint(db: Connection, fingerprint: str) -> dict[str, int]:
    """The extended fingerprints of the contents with these samples, and their videos."""
    sql = "SELECT extended, video_id FROM extended_fingerprints WHERE fingerprint = ?"
    return {row[0]: row[1] for row in await db.all(sql, (fingerprint,))}


def wholly_read(known: Mapping[str, int]) -> dict[str, int]:
    """Extended fingerprints among these that cover a whole file, and their videos."""
    return {
        each.removeprefix(WHOLE): video_id
        for each, video_id in known.items()
        if each.startswith(WHOLE)
    }


async def add(tx: Transaction, fingerprint: str, extended: str, video_id: int) -> None:
    """Keep the extended fingerprint of a content of this video."""
    sql = """
        INSERT INTO extended_fingerprints (fingerprint, extended, video_id) VALUES (?, ?, ?)
        ON CONFLICT (fingerprint, extended) DO NOTHING
    """
    await tx.run(sql, (fingerprint, extended, video_id))
