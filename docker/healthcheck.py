"""Ask the LVS in this container whether it is well; exit code 1 where it is not.

`/ping?deep=1` looks at the database, the library and the workers. Behind a password only the plain
`/ping` answers, which says that the server is there.
"""

import sys
import urllib.error
import urllib.request

from lvs.config_sources import load

LIMIT_S = 8
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "localhost"}  # noqa: S104  what the option says


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
    config = load().config  # what the server read, too: variables, and files in the data folder
    host = EVERYWHERE.get(config.host, config.host)
    # HTTP answers on this port whether or not HTTPS does on its own beside it.
    address = f"http://{f'[{host}]' if ':' in host else host}:{config.port}/ping"
    found = status(f"{address}?deep=1")
    return 0 if found == 200 or (found in (401, 403) and status(address) == 200) else 1


if __name__ == "__main__":
    sys.exit(main())
