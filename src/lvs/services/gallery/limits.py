"""Sizes at which the gallery takes another way."""

from msgspec import Struct


class GalleryLimits(Struct, frozen=True):
    """Sizes of pages and of what is ranked, walked along or looked at one by one."""

    page_size: int = 60
    ranked_at_most: int = 10_000
    """Of more videos than this nobody asks the relevance: the latest come first."""

    walked_at_most: int = 5000
    walked_share: int = 30
    """Going along so large a share of all videos costs as much as putting them in order."""

    few: int = 500
    """Of so few the titles are looked at one by one."""
