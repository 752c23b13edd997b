"""A server that is about to be killed: `python log_writer.py DATABASE` writes as many tags as each
line of its input says, each in a transaction of some pages, and answers with a line.
"""

import asyncio
import secrets
import sys
from pathlib import Path

from lvs.db.database import Database


async def main() -> None:
    """Write until killed."""
    database = Database(Path(sys.argv[1]), checkpoints=False)
    await database.open()
    while line := await asyncio.to_thread(sys.stdin.readline):
        for _ in range(int(line)):
            async with database.transaction() as tx:
                name = secrets.token_hex(2000)
                await tx.run("INSERT INTO tags (name, key) VALUES (?, ?)", (name, name))
        print("written", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
