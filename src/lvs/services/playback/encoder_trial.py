"""Trials of this machine before it has converted a film: which hardware encoders work, and how
quickly it converts in software.

Each takes a process of its own: a broken driver may end the process, or never answer.
"""

import asyncio
import logging
from collections.abc import Sequence

from lvs.errors import LvsError
from lvs.services.playback.encoders import HARDWARE, SOFTWARE, codec_name
from lvs.services.playback.player import start_player

log = logging.getLogger(__name__)

TRIAL_S = 20.0
PACE_TRIAL_S = 3.0
CONVERTED_WHILE_ENCODED = 1.5
"""Megapixels of an H.264 film of 1080 lines that are converted to 720 while software encodes one;
measured by `benchmarks/conversion_costs.py`.
"""


async def working_encoder(
    memory_limit_bytes: int = 2 << 30, candidates: Sequence[str] = HARDWARE
) -> str:
    """The first of these hardware encoders that encodes a picture here; empty where none does."""
    for encoder in candidates:
        if await _works(encoder, memory_limit_bytes):
            log.info("videos are converted by the encoder %s", codec_name(encoder))
            return encoder
    log.info("no hardware encoder works here: videos are converted by %s", SOFTWARE)
    return ""


async def conversion_pace(memory_limit_bytes: int = 2 << 30) -> float:
    """Megapixels of H.264 films that this machine converts to 720 lines per second, about; 0 where
    it does not tell within PACE_TRIAL_S.
    """
    player = await start_player(memory_limit_bytes)
    try:
        async with asyncio.timeout(PACE_TRIAL_S):
            pace = float((await player.make("pace")).content)
    except (OSError, EOFError, ValueError, TimeoutError, LvsError) as error:
        log.info("the conversion speed of this machine could not be measured: %r", error)
        return 0.0
    finally:
        player.kill()
        await player.wait()
    return CONVERTED_WHILE_ENCODED * pace


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
