"""The sockets that the server listens on."""

import errno
import os
import socket

from msgspec import Struct

from lvs.config import Config
from lvs.errors import Invalid, LvsError, Unavailable

BACKLOG = 512


class ListeningSockets(Struct, frozen=True):
    """The listening sockets for HTTP and, where there is a certificate, for HTTPS beside it."""

    plain: list[socket.socket]
    secure: list[socket.socket]

    def with_ports(self, config: Config) -> Config:
        """The configuration with the ports that were taken, where it leaves the choice to us."""
        ports = {"port": port_of(self.plain)}
        if self.secure:
            ports["tls_port"] = port_of(self.secure)
        return config.model_copy(update=ports)


def listening_sockets(config: Config, secure: bool) -> ListeningSockets:
    """The sockets for these settings; `secure` where there is a certificate.

    Raises Unavailable when a port is taken, Invalid when the host is not this machine or both share
    a port.
    """
    if secure and config.port and config.port == config.tls_port:
        raise Invalid(
            f"HTTP and HTTPS cannot share port {config.port}. Choose another one with --tls-port."
        )
    sockets = listen(config.host, config.port)
    try:
        return ListeningSockets(
            sockets, listen(config.host, config.tls_port, "--tls-port") if secure else []
        )
    except LvsError:
        for each in sockets:
            each.close()
        raise


def listen(host: str, port: int, flag: str = "--port") -> list[socket.socket]:
    """Listening sockets on every address of `host`, all with one port (port 0: a free one).

    Raises Unavailable when the port is taken, Invalid when the host is not this machine.
    """
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise Invalid(
            f"host is {host}, a name that this machine cannot look up. Use 0.0.0.0 for every"
            " address of it."
        ) from None
    for family, address in dict.fromkeys((family, str(rest[0])) for family, _, _, _, rest in found):
        both = address == "::" and socket.has_dualstack_ipv6()
        try:
            place = (address, port_of(sockets) if sockets else port)
            sockets.append(
                socket.create_server(place, family=family, backlog=BACKLOG, dualstack_ipv6=both)
            )
        except OSError as error:
            failure = error
            if (
                error.errno != errno.EADDRNOTAVAIL
            ):  # one of the name's addresses may be missing: IPv6 that is switched off
                break
    if failure is not None and (not sockets or failure.errno != errno.EADDRNOTAVAIL):
        for each in sockets:
            each.close()
        raise _listen_error(failure, host, port, flag)
    return sockets


def port_of(sockets: list[socket.socket]) -> int:
    """The port that these sockets share."""
    return int(sockets[0].getsockname()[1])


def _listen_error(error: OSError, host: str, port: int, flag: str) -> LvsError:
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"Port {port} is taken by another program. Stop that one, or choose another port with"
            f" {flag}."
        )
    if error.errno == errno.EACCES:
        return Unavailable(
            f"Port {port} may not be used by this user. Choose one above 1023 with {flag}."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return Invalid(
            f"host is {host}, which is no address of this machine. Use 0.0.0.0 for every address"
            " of it."
        )
    return Unavailable(
        f"Port {port} on {host} cannot be used:"
        f" {os.strerror(error.errno) if error.errno else error}."
    )
