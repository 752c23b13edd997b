"""Keeps the certificate of a running server fresh: renewed before it ends, and read again when the
household put another one in its place.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Protocol

from lvs.certificates import certificate
from lvs.config import Config
from lvs.errors import LvsError

log = logging.getLogger(__name__)

CHECK_SECONDS = 12 * 3600


class TlsSettings(Protocol):
    """Hypercorn's settings, as far as they are needed here."""

    def create_ssl_context(self) -> ssl.SSLContext | None:
        """The context by which the server greets new connections."""


class TlsRenewal:
    """Holds the context by which hypercorn greets new connections."""

    def __init__(self, http: TlsSettings) -> None:
        self._create = http.create_ssl_context
        self._context: ssl.SSLContext | None = None
        vars(http)["create_ssl_context"] = self._created  # hypercorn asks for it once

    def _created(self) -> ssl.SSLContext | None:
        self._context = self._create()
        return self._context

    async def run(
        self, config: Config, names: Callable[[], set[str]], pause_s: float = CHECK_SECONDS
    ) -> None:
        """Check again and again; later connections get the new certificate."""
        while True:
            await asyncio.sleep(pause_s)
            try:
                found = await asyncio.to_thread(lambda: certificate(config, names()))
                if found and self._context:
                    self._context.load_cert_chain(*found)
            except (LvsError, OSError, ssl.SSLError) as error:
                log.warning("the certificate for HTTPS could not be read: %s", error)
