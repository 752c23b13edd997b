"""The name under which a client is counted."""

import ipaddress

IPV6_NETWORK_BITS = 64  # a household, and any one device, has at least so much IPv6 to itself


def client_key(client: str) -> str:
    """The address of a client, or its network where it has a whole IPv6 network: from there it
    could come with a new address every time.
    """
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if address.version == 4:
        return client
    return str(ipaddress.ip_network((int(address), IPV6_NETWORK_BITS), strict=False))
