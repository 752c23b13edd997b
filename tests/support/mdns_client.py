"""A device of its own for tests: resolves a name and lists web sites by mDNS, as JSON on standard
output.

`python mdns_client.py INTERFACE NAME SECONDS` waits until the name is answered, or the time is up.
"""

import itertools
import json
import sys
import time

from zeroconf import AddressResolverIPv4, IPVersion, ServiceBrowser, ServiceListener, Zeroconf  # type: ignore[attr-defined]

TYPE = "_http._tcp.local."


class Sites(ServiceListener):
    """The sites listed now, and those withdrawn."""

    def __init__(self) -> None:
        self.present: set[str] = set()
        self.withdrawn: set[str] = set()

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.present.add(name)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.present.add(name)

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.present.discard(name)
        self.withdrawn.add(name)


def main() -> None:
    """Print what is found, and again whenever a line arrives on standard input."""
    interface, name, patience = sys.argv[1], sys.argv[2], float(sys.argv[3])
    zeroconf = Zeroconf(interfaces=[interface], ip_version=IPVersion.V4Only)
    sites = Sites()
    ServiceBrowser(zeroconf, TYPE, sites)
    for line in itertools.chain(["present"], sys.stdin):
        print(json.dumps(look(zeroconf, sites, name, line.strip(), patience)), flush=True)
    zeroconf.close()


def look(
    zeroconf: Zeroconf, sites: Sites, name: str, wanted: str, patience: float
) -> dict[str, object]:
    """Wait until a site is there (or `gone`), and say what is known."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if bool(sites.present) == (wanted != "gone"):
            break
        time.sleep(0.1)
    resolver = AddressResolverIPv4(f"{name}.")
    resolver.request(zeroconf, 1500)
    services = [zeroconf.get_service_info(TYPE, each, 2000) for each in sorted(sites.present)]
    return {
        "addresses": sorted(resolver.parsed_addresses()),
        "sites": [
            {
                "name": each.name,
                "port": each.port,
                "server": each.server,
                "addresses": each.parsed_addresses(),
                "path": (each.properties.get(b"path") or b"").decode(),
            }
            for each in services
            if each
        ],
        "withdrawn": sorted(sites.withdrawn),
    }


main()
