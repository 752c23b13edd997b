"""`/connect`: the addresses of this server for phones and headsets, with a QR code."""

from markupsafe import Markup
from quart import Response

from lvs.services.network import qr
from lvs.web.responses import page, services


async def connect() -> Response:
    """Every address, whether it answers, and what to do where one does not."""
    found = await services().reachability.now()
    return page(
        "connect.html",
        found=found,
        drawn=_code(found.best),
        self_signed=services().config.tls_self_signed,
        current="connect",
    )


def _code(address: str) -> Markup:
    """The QR code as SVG; empty where there is no address that a phone could use."""
    try:
        return Markup(qr.svg(address)) if address else Markup("")  # noqa: S704  drawn from modules
    except ValueError:
        return Markup("")
