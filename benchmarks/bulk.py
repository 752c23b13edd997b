"""One tag for 10,000 videos at once, and gallery pages beside it against the same server at rest.

`python benchmarks/bulk.py`
"""

import json
import statistics
import threading
import time
from collections.abc import Callable

from sides import (
    RequestQueries,
    Side,
    arguments,
    ask,
    data_folders,
    finish,
    get,
    header,
    lvs,
    row,
    running,
    together,
)

COUNT = 10_000
ROUNDS = 10
PAGES = 40  # of a visitor at rest, in each round
SETTLING_S = 5  # what a server does right after its start is not measured here
SORTS = ("added", "rating", "views", "title", "duration")


def main() -> None:
    """Tag every video and take it back, by turns with visits at rest; print both."""
    options = arguments(__doc__)
    with data_folders([COUNT], options.keep) as [data], running(lvs(data)) as [side]:
        ask(side, pages())
        time.sleep(SETTLING_S)
        tagging: list[float] = []
        undoing: list[float] = []
        rest: list[RequestQueries] = []
        beside: list[RequestQueries] = []
        for number in range(ROUNDS):
            rest.append(ask(side, pages()))
            changes: list[int] = []
            beside.append(
                visited(
                    side, lambda n=number, c=changes: c.append(tag(side, f"evening {n}", tagging))
                )
            )
            beside.append(visited(side, lambda c=changes: undo(side, c[0], undoing)))
        header("work on 10,000 videos", "median s", "slowest s")
        row("a tag put on", statistics.median(tagging), max(tagging))
        row("taken back", statistics.median(undoing), max(undoing))
        print()
        header("pages", "asked", "median ms", "p95 ms", "median ratio")
        calm, busy = together(rest), together(beside)
        row("at rest", len(calm.seconds), calm.median_ms, calm.percentile_ms(0.95), "")
        ratio = busy.median_ms / calm.median_ms
        row("beside it", len(busy.seconds), busy.median_ms, busy.percentile_ms(0.95), ratio)


def pages() -> list[Callable[..., None]]:
    """What a visitor looks at."""
    return [get(f"/?sort={SORTS[number % len(SORTS)]}&seed={number}") for number in range(PAGES)]


def visited(side: Side, work: Callable[[], None]) -> RequestQueries:
    """The visits of one person while something is done, from its beginning to its end."""
    thread = threading.Thread(target=work)
    parts: list[RequestQueries] = []
    thread.start()
    asked = iter(pages() * 1000)
    while thread.is_alive():
        parts.append(ask(side, [next(asked)]))
    thread.join()
    return together(parts)


def tag(side: Side, name: str, taken: list[float]) -> int:
    """Put a tag on every video; the id of the change."""
    done = timed(side, "/api/bulk", {"where": {}, "set": {"tags_add": [name]}}, taken)
    if done["changed"] != COUNT:
        raise SystemExit(f"{done['changed']} videos were changed, not {COUNT}")
    return int(done["change_id"])


def undo(side: Side, change_id: int, taken: list[float]) -> None:
    """Take a change back."""
    timed(side, f"/api/changes/{change_id}/undo", {}, taken)


def timed(side: Side, address: str, body: object, taken: list[float]) -> dict[str, int]:
    """Send JSON and note the seconds until the answer is whole."""
    connection = side.connect()
    began = time.perf_counter()
    connection.request("POST", address, json.dumps(body), {"Content-Type": "application/json"})
    answer: dict[str, int] = json.loads(finish(connection))
    taken.append(time.perf_counter() - began)
    connection.close()
    return answer


if __name__ == "__main__":
    main()
