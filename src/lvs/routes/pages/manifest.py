"""The web application manifest (W3C), by which a phone, a headset or a desktop installs LVS."""

import json

from quart import Response

COLOUR = "#101114"
ICONS = (("192", "any"), ("512", "any"), ("512", "maskable"))


async def manifest() -> Response:
    """The manifest. Its addresses are relative, so that a prefix below a proxy holds."""
    icons = [
        {
            "src": f"static/icons/icon-{size}{'-maskable' if purpose == 'maskable' else ''}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for size, purpose in ICONS
    ]
    content = {
        "name": "LVS",
        "short_name": "LVS",
        "description": "The household's videos",
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": COLOUR,
        "theme_color": COLOUR,
        "icons": icons,
        "shortcuts": [
            {"name": "Continue watching", "url": "continue"},
            {"name": "Later", "url": "later"},
            {"name": "Playlists", "url": "playlists"},
        ],
    }
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(json.dumps(content), 200, headers, content_type="application/manifest+json")
