"""From the start of the process to the first gallery page, with 100,000 videos known: `python
benchmarks/start.py`.
"""

import http.client
import statistics
import time

from sides import arguments, data_folders, finish, header, lvs, reference, row, running

TIMES = 7


def main() -> None:
    """Make a database, start LVS and the reference by turns, print."""
    options = arguments(__doc__)
    with data_folders([100_000], options.keep) as [data]:
        header("side", "median s", "slowest s", "processor s, median")
        results: dict[str, list[tuple[float, float]]] = {}
        for _ in range(TIMES):
            for make in (lvs(data), reference(data)):
                with running(make) as [side]:
                    while True:
                        try:
                            connection = side.connect()
                            connection.request("GET", "/")
                            finish(connection)
                            break
                        except (ConnectionError, http.client.HTTPException):
                            time.sleep(0.01)
                    results.setdefault(side.name, []).append(
                        (time.perf_counter() - side.started, side.cpu_seconds())
                    )
        for name, found in results.items():
            seconds = [each[0] for each in found]
            row(
                name,
                statistics.median(seconds),
                max(seconds),
                statistics.median(each[1] for each in found),
            )


if __name__ == "__main__":
    main()
