"""Ask the LVS in this container whether it is well; exit code 1 where it is not.

`/ping?deep=1` looks at the database, the library and the workers. Behind a password only the plain
`/ping` answers, which says that the server is there.
"""

import os
import sys
import urllib.error
import urllib.request

LIMIT_S = 8


def status(address: str) -> int:
    """The status of the answer; 0 where there is none."""
    try:
        with urllib.request.urlopen(address, timeout=LIMIT_S) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def main() -> int:
    """0 where it is well."""
    # HTTP answers on this port whether or not HTTPS does on its own beside it.
    address = f"http://127.0.0.1:{os.environ.get('LVS_PORT') or 8900}/ping"
    found = status(f"{address}?deep=1")
    return 0 if found == 200 or (found in (401, 403) and status(address) == 200) else 1


if __name__ == "__main__":
    sys.exit(main())
