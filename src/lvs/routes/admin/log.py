"""The latest lines of the log."""

import asyncio
import hashlib
from typing import Any
from urllib.parse import urlencode

from quart import Response

from lvs.errors import Invalid
from lvs.services.monitoring import log_tail
from lvs.web.request_args import arguments, text
from lvs.web.responses import page, partial, services, wants_partial

LOG = "/admin/log"
Context = dict[str, Any]


async def log() -> Response:
    """The latest lines of the log from one level on; an open page may follow it."""
    args = arguments()
    level, follow = text(args, "level") or "info", text(args, "follow") == "1"
    if level not in log_tail.LEVELS:
        raise Invalid(f"The level is one of {', '.join(log_tail.LEVELS)}.")
    context: Context = {
        "level": level,
        "follow": follow,
        "levels": log_tail.LEVELS[:-1],
        "problem": "",
    }
    try:
        folder = services().config.data_directory / "logs"
        context["entries"] = await asyncio.to_thread(log_tail.latest, folder, level)
    except OSError as error:
        context |= {"entries": [], "problem": f"The log cannot be read: {error.strerror}."}
    seen = hashlib.blake2b(
        repr(context["entries"]).encode("utf-8", "replace"), digest_size=8
    ).hexdigest()
    if wants_partial() and text(args, "seen") == seen:
        return Response(status=204)
    context["refresh_url"] = (
        f"{LOG}?{urlencode({'level': level, 'follow': int(follow), 'seen': seen})}"
    )
    response = (
        partial("admin_log.html", **context)
        if wants_partial()
        else page("admin_log.html", **context, current="admin")
    )
    response.headers["Cache-Control"] = "no-store"
    return response
