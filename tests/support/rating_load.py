"""People who rate: `python rating_load.py ADDRESS HASH...` gives each film stars again and again.

Prints what the server acknowledged, until that is gone. One person rates one film.
"""

import http.client
import json
import sys
import threading
import time
from urllib.parse import urlsplit


def rate(address: str, media_hash: str) -> None:
    """Lines of film, stars, and the milliseconds of the clock before and after."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    stars, method = 0, "DELETE"  # stars that a film has already would be no change
    while True:
        before = time.time_ns() // 1_000_000
        try:
            connection.request(
                method,
                f"/api/ratings/{media_hash}",
                json.dumps({"value": stars}),
                {"Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return
        if answer.status == 200 and stars:
            after = time.time_ns() // 1_000_000
            sys.stdout.write(f"{media_hash} {stars} {before} {after}\n")
        stars, method = stars % 5 + 1, "POST"
        time.sleep(0.02)


def main() -> None:
    """Rate until the server is gone."""
    address, *hashes = sys.argv[1:]
    people = [threading.Thread(target=rate, args=(address, each)) for each in hashes]
    for each in people:
        each.start()
    for each in people:
        each.join()


if __name__ == "__main__":
    main()
