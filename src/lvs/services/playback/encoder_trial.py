"""A trial of the hardware encoders, each in a process of its own: a broken driver may end the
process, or never answer.
"""

import asyncio
import logging
from collections.abc import Sequence

from lvs.errors import LvsError
from lvs.services.playback.encoders import HARDWARE, SOFTWARE, codec_name
from lvs.services.playback.player import start_player

log = logging.getLogger(__name__)

TRIAL_S = 20.0


async def working_encoder(
    memory_limit_bytes: int = 2 << 30, candidates: Sequence[str] = HARDWARE
) -> str:
    """The first of these hardware encoders that encodes a picture here; empty where none does."""
    for encoder in candidates:
        if await _works(encoder, memory_limit_bytes):
            log.info("films are converted by the encoder %s", codec_name(encoder))
            return encoder
    log.info("no hardware encoder works here: films are converted by %s", SOFTWARE)
    return ""


async def _works(encoder: str, memory_limit_bytes: int) -> bool:
    player = await start_player(memory_limit_bytes)
    try:
        async with asyncio.timeout(TRIAL_S):
            return (await player.make("try", encoder=encoder)).content == b"works"
    except (OSError, EOFError, ValueError, TimeoutError, LvsError) as error:
        log.info("the encoder %s does not work: %s", codec_name(encoder), error)
        return False
    finally:
        player.kill()
        await player.wait()
