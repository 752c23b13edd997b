"""Languages as file names spell them: two letters, three letters, or the English name."""

import re

_SPELLINGS = """
ar ara Arabic|be bel Belarusian|bg bul Bulgarian|bn ben Bengali|bs bos Bosnian|ca cat Catalan
cs cze ces Czech
cy wel cym Welsh|da dan Danish|de ger deu German|el gre ell Greek|en eng English|es spa Spanish
et est Estonian|eu baq eus Basque|fa per fas Persian|fi fin Finnish|fr fre fra French|ga gle Irish
gl glg Galician|he heb Hebrew|hi hin Hindi|hr hrv Croatian|hu hun Hungarian|hy arm hye Armenian
id ind Indonesian|is ice isl Icelandic|it ita Italian|ja jpn Japanese|ka geo kat Georgian
kk kaz Kazakh
ko kor Korean|la lat Latin|lt lit Lithuanian|lv lav Latvian|mk mac mkd Macedonian|ml mal Malayalam
ms may msa Malay|nb nob Norwegian|nl dut nld Dutch|nn nno Nynorsk|no nor Norwegian|pl pol Polish
pt por Portuguese|ro rum ron Romanian|ru rus Russian|sk slo slk Slovak|sl slv Slovenian
sq alb sqi Albanian
sr srp Serbian|sv swe Swedish|ta tam Tamil|te tel Telugu|th tha Thai|tl tgl Tagalog|tr tur Turkish
uk ukr Ukrainian|ur urd Urdu|vi vie Vietnamese|zh chi zho cmn Chinese|af afr Afrikaans
az aze Azerbaijani|eo epo Esperanto|fil Filipino|gu guj Gujarati|km khm Khmer|kn kan Kannada
lb ltz Luxembourgish|lo lao Lao|mn mon Mongolian|mr mar Marathi|my bur mya Burmese|ne nep Nepali
pa pan Punjabi|si sin Sinhala|sw swa Swahili|uz uzb Uzbek|yue Cantonese
"""
_BY_SPELLING: dict[str, tuple[str, str]] = {}
for _entry in _SPELLINGS.strip().replace("\n", "|").split("|"):
    _code, *_others, _name = _entry.split()
    for _spelling in (_code, *_others, _name.lower()):
        _BY_SPELLING.setdefault(_spelling, (_code, _name))

# As files from East Asia and from Brazil are often named, and where a country stands for its
# language.
_OTHERS_SPELLINGS = {
    "chs": "zh-Hans",
    "sc": "zh-Hans",
    "zhs": "zh-Hans",
    "simplified chinese": "zh-Hans",
    "chinese simplified": "zh-Hans",
    "cht": "zh-Hant",
    "tc": "zh-Hant",
    "zht": "zh-Hant",
    "traditional chinese": "zh-Hant",
    "chinese traditional": "zh-Hant",
    "cn": "zh",
    "pob": "pt-BR",
    "pb": "pt-BR",
    "ptbr": "pt-BR",
    "brazilian": "pt-BR",
    "brazilian portuguese": "pt-BR",
    "portuguese brazil": "pt-BR",
    "portuguese brazilian": "pt-BR",
    "latin american spanish": "es-419",
    "spanish latin american": "es-419",
    "spanish latin america": "es-419",
    "cz": "cs",
    "dk": "da",
    "gr": "el",
    "jp": "ja",
    "ua": "uk",
}
# A language, and its script (four letters) or region (two letters or three digits).
_TAG = re.compile(
    r"([a-z]+)((?:[-_](?:[a-z]{4}|[a-z]{2}|[0-9]{3})){0,3})", re.ASCII | re.IGNORECASE
)
_BETWEEN = re.compile(r"[^a-z0-9]+", re.ASCII)


def language_of(text: str) -> tuple[str, str] | None:
    """The language tag (RFC 5646) and the English name that a spelling such as `en`, `ger`, `pt-BR`
    or `Spanish` stands for.
    """
    words = _BETWEEN.sub(" ", text.lower()).strip()
    found = _TAG.fullmatch(_OTHERS_SPELLINGS.get(words, text))
    known = _BY_SPELLING.get(found[1].lower()) if found else None
    if known is None or found is None:
        return None
    regions = [part for part in re.split("[-_]", found[2]) if part]
    tag = "-".join(
        [known[0], *(part.upper() if len(part) == 2 else part.capitalize() for part in regions)]
    )
    return tag, known[1] + (f" ({tag.partition('-')[2]})" if regions else "")
