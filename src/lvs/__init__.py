"""Local Video Server: shows, plays and curates a household's own video files."""

__version__ = "1.0.0"
