"""File names as households have them, and worse."""

ODD_NAMES: list[str | bytes] = [
    "two  spaces.mp4",
    " leading space.mp4",
    'it\'s "quoted".mp4',
    "100% #1 - what? yes!.mp4",
    "a&b=c;d+e.mp4",
    "-rf.mp4",
    "percent%20encoded%2Fslash.mp4",
    "back\\slash\\..\\x.mp4",
    "🎬 film 🍿.mp4",
    "שלום (2019).mp4",
    "Café (NFC).mp4",
    "Cafe\u0301 (NFD).mp4",
    "<script>alert(1)<!--.mp4",
    "new\nline.mp4",
    "x" * 251 + ".mp4",
    b"latin-1 caf\xe9.mp4",
    b"\xff\xfe not utf-8.mp4",
]
