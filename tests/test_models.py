"""Methods of the models."""

import pytest

from lvs.web.card_templates import NO_CARD


@pytest.mark.parametrize(
    ("width", "height", "badge"),
    [
        (7680, 4320, "8K"),
        (3840, 2160, "4K"),
        (2160, 3840, "4K"),  # upright
        (3840, 1606, "4K"),  # a wide film
        (1920, 800, "1080p"),
        (1280, 720, "720p"),
        (1024, 576, "576p"),
        (854, 480, "480p"),
        (640, 360, ""),  # nothing to boast of
        (640, 320, ""),
        (3440, 720, "720p"),  # of a very wide picture only the lines count
        (64, 4000, ""),
        (4000, 64, ""),
        (0, 0, ""),
    ],
)
def test_the_badge_of_a_resolution_misleads_nobody(width: int, height: int, badge: str) -> None:
    assert NO_CARD._replace(width=width, height=height).resolution == badge
