"""Sizes at which the gallery changes its strategy."""

from msgspec import Struct


class GalleryLimits(Struct, frozen=True):
    """Sizes of pages and of results that are ranked, walked or checked one by one."""

    page_size: int = 60
    ranked_at_most: int = 10_000
    """Larger results are not ranked by relevance: the latest videos come first."""

    walked_at_most: int = 5000
    walked_share: int = 30
    """Walking along such a share of all videos costs as much as sorting them."""

    few: int = 500
    """The titles of so few videos are compared one by one."""
