"""The Chromium of this machine."""

import shutil

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
"""Debian's headless shell where it is installed: a page costs it a quarter of the processor's time,
since it has no windows around its pages.
"""
