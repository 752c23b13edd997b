"""Subtitle files of other kinds and encodings as WebVTT (W3C Candidate Recommendation, sections 4
and 6): pure functions.

pysubs2 takes SubRip and SubStation apart, charset-normalizer guesses encodings. The WebVTT is
written here, because a `<` or a blank line in somebody's text must not end a cue. Everything takes
time in proportion to the file's size.
"""

import codecs
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lvs.errors import Unreadable

if TYPE_CHECKING:  # both take their time, and only films with subtitles need them
    import pysubs2

LANGUAGE_ENCODINGS = {
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256", "iso8859_6")),
    **dict.fromkeys(
        ("bg", "mk", "ru", "sr", "uk", "be"), ("cp1251", "koi8_r", "cp866", "iso8859_5", "cp1250")
    ),
    **dict.fromkeys(
        ("bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"), ("cp1250", "iso8859_2")
    ),
    **dict.fromkeys(("et", "lt", "lv"), ("cp1257",)),
    "el": ("cp1253", "iso8859_7"),
    "he": ("cp1255",),
    "ja": ("cp932", "euc_jp"),
    "ko": ("cp949",),
    "th": ("cp874",),
    "tr": ("cp1254",),
    "vi": ("cp1258",),
    "zh": ("gb18030", "big5"),
}
# Where the name says no language; of two that fit alike the earlier one is taken.
ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949", "koi8_r", "cp874"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What it finds odd in a file is nothing that anybody at the server's terminal could put right.
warnings.filterwarnings("ignore", module=r"pysubs2\.")

_HEADER = re.compile(r"WEBVTT(?:[ \t\n]|\Z)")
_OVERRIDES = re.compile(r"(\{[^{}]*\})")
_OVERRIDE = re.compile(r"\\([ibu])([01])(?![0-9])|\\(p)([0-9]+)|\\an?([0-9]+)", re.ASCII)
_TAG = re.compile(
    r"<(/?)[ ]{0,3}(i|b|u|s|font|span)(?:[ ][^<>=]{0,100}=[^<>]{0,200})?[ ]{0,3}>", re.IGNORECASE
)
_STYLES = "ibu"


def to_webvtt(content: bytes, kind: str, language: str = "") -> str:
    """The subtitle file as WebVTT. `kind` is its extension (srt, vtt, ass, ssa); `language` helps
    to guess the encoding.

    Raises Unreadable where the file is none.
    """
    import pysubs2  # noqa: PLC0415

    text = (
        decoded(content, language).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    )
    if _HEADER.match(text):
        return text.rstrip("\n") + "\n"
    form = "srt" if kind == "vtt" else kind  # many a .vtt is a SubRip file with another name
    try:
        subtitles = pysubs2.SSAFile.from_string(_shortened(text), format_=form, keep_html_tags=True)
        cues = [
            cue
            for event in sorted(subtitles, key=lambda event: event.start)
            if (cue := _cue(subtitles, event))
        ]
    except (
        pysubs2.Pysubs2Error,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
    ):
        raise Unreadable("This subtitle file is damaged.") from None
    if text.strip() and not cues:
        raise Unreadable("There are no subtitles in this file.")
    return "\n\n".join(("WEBVTT", *cues)) + "\n"


def decoded(content: bytes, language: str = "") -> str:
    """The text of a subtitle file: by its byte order mark, as UTF-8, or else by the likeliest
    encoding.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(
            _likeliest_encoding(content, LANGUAGE_ENCODINGS.get(language, ENCODINGS)), "replace"
        )


def _likeliest_encoding(content: bytes, candidates: Sequence[str]) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415

    # Lines in plain ASCII tell nothing and would drown those that do.
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())
    matches = [
        match
        for match in from_bytes(telling, cp_isolation=list(candidates))
        if match.encoding in candidates
    ]
    if not matches:
        return candidates[0]
    best = min(
        matches,
        key=lambda match: (
            -round(match.coherence - match.chaos, 1),
            candidates.index(match.encoding),
        ),
    )
    return best.encoding


def _shortened(text: str) -> str:
    """The text without runs of blank lines and overlong lines, which no subtitle needs and some
    patterns take long over.
    """
    lines = [line for line in text.split("\n") if len(line) <= 20_000]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _cue(subtitles: "pysubs2.SSAFile", event: "pysubs2.SSAEvent") -> str:
    """One event as a WebVTT cue; empty for a comment, a drawing, or where nothing would be seen."""
    start_ms, end_ms = max(0, int(event.start)), int(event.end)
    if event.is_comment or end_ms <= start_ms:
        return ""
    style = subtitles.styles.get(event.style)
    text, on_top = _text(event.text, italic=style is not None and style.italic)
    if not text:
        return ""
    settings = " line:0" if on_top else ""
    return f"{timestamp(start_ms)} --> {timestamp(end_ms)}{settings}\n{text}"


def _text(raw: str, italic: bool) -> tuple[str, bool]:
    """The text as cue text, and whether it wants to stand at the top of the picture."""
    now = {"i": italic, "b": False, "u": False}
    on_top = drawing = False
    parts: list[str] = []
    for piece in _OVERRIDES.split(raw):
        if piece.startswith("{") and piece.endswith("}"):
            for letter, switch, draws, scale, place in _OVERRIDE.findall(piece):
                if letter:
                    now[letter] = switch == "1"
                elif draws:
                    drawing = int(scale[:9]) > 0
                else:
                    on_top = place in {"7", "8", "9"}
        elif piece and not drawing:
            parts.append(_styled(piece, "".join(letter for letter in _STYLES if now[letter])))
    lines = (line.strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line), on_top


def _styled(piece: str, styles: str) -> str:
    text = piece.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    escaped, behind = [], 0
    for tag in _TAG.finditer(text):
        escaped.append(_escaped(text[behind : tag.start()]))
        name = tag[2].lower()
        if name in _STYLES:
            escaped.append(f"<{tag[1]}{name}>")
        behind = tag.end()
    escaped.append(_escaped(text[behind:]))
    inner = "".join(escaped)
    if not inner.strip():
        return inner
    return (
        "".join(f"<{letter}>" for letter in styles)
        + inner
        + "".join(f"</{letter}>" for letter in reversed(styles))
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_TIMES = re.compile(
    r"^((?:\d{2,4}:)?\d{2}:\d{2}\.\d{3})([ \t]+-->[ \t]+)((?:\d{2,4}:)?\d{2}:\d{2}\.\d{3})",
    re.ASCII | re.MULTILINE,
)


def delayed(webvtt: str, delay_ms: int) -> str:
    """The cues so many milliseconds later, or earlier where that is below zero.

    What would begin before the film begins with it; what would end before it is never shown.
    """

    def moved(match: re.Match[str]) -> str:
        start, end = (timestamp(max(0, _ms(match[at]) + delay_ms)) for at in (1, 3))
        return f"{start}{match[2]}{end}"

    return _TIMES.sub(moved, webvtt) if delay_ms else webvtt


def _ms(stamp: str) -> int:
    """Milliseconds of a time stamp (section 4.1, "WebVTT timestamp")."""
    clock, _, fraction = stamp.partition(".")
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds * 1000 + int(fraction)


def timestamp(ms: int) -> str:
    """`HH:MM:SS.mmm`."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"
