"""The real templates, as a browser, a screen reader and a script see them."""

import gzip
import hashlib
import itertools
import mimetypes
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pytest
from msgspec.structs import replace
from support.html_tree import Tree

from lvs import text
from lvs.db.tag_changes import FIRST_ID, TagJournalLine
from lvs.db.tag_details import TagDetails
from lvs.filters import FILTERS
from lvs.models import (
    Card,
    Cursor,
    File,
    MediaHash,
    Page,
    Probe,
    Progress,
    Projection,
    Query,
    Related,
    Root,
    Shape,
    Sort,
    State,
    Stereo,
    Video,
)
from lvs.paths import static_folder
from lvs.routes.hooks.compression import minified
from lvs.routes.pages.player import PlayerChoice, PlayerView
from lvs.routes.pages.projection import SHAPE_LABELS, STEREO_LABELS
from lvs.routes.pages.tags import in_words
from lvs.services.gallery.facets import Facet, FacetOption, Facets
from lvs.services.media.projection import LENS_NAMES
from lvs.web import templates
from lvs.web.list_places import Neighbour
from lvs.web.templates import Templates
from lvs.web.undo import Undo
from lvs.web.urls import Urls

HASH = MediaHash("00ff00ff00ff00ff")
DAY_MS = 86_400_000
HOSTILE = "\"><script>alert(1)</script>&amp; it's"
TITLES = ("Alps", HOSTILE, "عنوان طويل", "🎬 " + "long " * 60, "x" * 251, "日本の夏")


class Chip(NamedTuple):
    label: str
    url: str
    word: str = ""
    heading: str = "#alps"


FACETS = Facets(
    stars=tuple(
        FacetOption(stars, f"{stars} or more", 6 - stars, stars == 3) for stars in range(1, 6)
    ),
    flags=(
        ("favorite", FacetOption(1, "Favorites", 2, False)),
        ("viewed", FacetOption(1, "Viewed", 2, True)),
    ),
    choices=(Facet("resolution", "Resolution", (FacetOption("4K", "4K", 2, False),)),),
    dates=tuple(each for each in FILTERS if each.kind.control == "date"),
    tags=(FacetOption("alps", "alps", 12, True), FacetOption(HOSTILE, HOSTILE, 1, False)),
)
PANEL = {
    "facets": FACETS,
    "folders": [("Summer", "Summer", 3), ("Winter", "Winter", 4)],
    "words": "is:favorite tag:alps",
}


ROOT = Root(1, b"/videos", "videos")
FRAME = {
    "current": "home",
    "search": "",
    "theme": "auto",
    "size": "normal",
    "page_url": "/?q=a&tag=b",
}
QUIET = Progress(scanning=False, scans_ended=1, files_seen=0, files_added=0, to_probe=0, version=7)


@pytest.fixture
def pages() -> Templates:
    return Templates(Urls(lambda: {1: ROOT}), static_folder())


def a_card(number: int = 1, **changes: Any) -> Card:
    card = Card(
        id=number,
        media_hash=MediaHash(f"{number:016x}"),
        version=1,
        root_id=1,
        path=f"Summer 100%/film {number}.mp4".encode(),
        title=TITLES[number % len(TITLES)],
        added_at=1_700_000_000_000,
        duration_s=3723.4,
        width=1920,
        height=1080,
        size_bytes=1_400_000_000,
        rating=number % 6,
        views=1234,
        last_viewed_at=0,
        favorited_at=number % 2,
        projection=0,
        tags=("alps", "عائلة", HOSTILE, "snow", "beach")[: number % 6],
        state=State.READY,
        poster="0123456789abcdef" if number % 3 else None,
        offline=number % 7 == 0,
        colour="27d" if number % 2 else "",
    )
    return card._replace(**changes)


def a_tag(name: str, films: int) -> TagDetails:
    return TagDetails(
        1, name, name, "#c0392b", HOSTILE, HOSTILE, (HOSTILE,), films, films, films, (HOSTILE,)
    )


A_TAG_CHANGE = TagJournalLine(
    id=FIRST_ID + 1,
    at=1_700_000_000_000,
    what="merge",
    name=HOSTILE,
    target="alps",
    renamed=None,
    before={},
    after={},
    films=3,
    client="192.168.1.7",
    undoes=None,
    undone_by=None,
)


def gallery_context(**changes: Any) -> dict[str, Any]:
    cards = tuple(a_card(number) for number in range(1, 61))
    context = {
        "page": Page(cards, Cursor(5, 60)),
        "query": Query(
            q="sea", tags=("alps",), min_rating=3, min_minutes=7, folder=b"Summer", sort=Sort.TITLE
        ),
        "total": 128,
        "heading": "All videos",
        "message": "128 videos",
        "chips": [Chip("tagged alps", "/?q=sea")],
        "offers": [("Unrated", "/?unrated=1"), (f"#{HOSTILE}", "/?tag=x")],
        "panel": None,
        "next_url": "/?q=sea&after=x",
        "refresh_url": "/?q=sea&until=x",
        "progress": QUIET,
        "status_url": "/library/status?version=7",
        "roots": ["/videos"],
        "formats": ["mkv", "mp4"],
        "links": 2,
        "drop": [],
        "meant": [],
        "started": None,
        "following": [],
    }
    return FRAME | context | changes


def a_video(**changes: Any) -> Video:
    video = Video(
        id=1,
        media_hash=HASH,
        title=HOSTILE,
        title_edited=True,
        added_at=1_700_000_000_000,
        state=State.READY,
        reason=None,
        probe=Probe("mov,mp4", "h264", 60.0, 1080, 1920, 1920, 1080, rotation=90),
        rating=4,
        rated_at=1,
        views=1,
        last_viewed_at=0,
        favorited_at=0,
        tags=("alps", HOSTILE),
        files=(File(1, 1, 1, b"caf\xe9/a b.mp4", 5, 1, "f", "o"),),
        poster="0123456789abcdef",
        version=1,
    )
    return replace(video, **changes)


PROJECTION: dict[str, Any] = {
    "media_hash": "0" * 16,
    "projection": Projection(Shape.EQUIRECT180, Stereo.SBS, reason=HOSTILE),
    "projection_words": "180°, side by side",
    "offered": Projection(Shape.FLAT, Stereo.SBS, reason="Looks like 3D, side by side."),
    "shapes": SHAPE_LABELS,
    "stereos": STEREO_LABELS,
    "lenses": LENS_NAMES,
}


def a_player(message: str = "") -> PlayerView:
    sources = (
        ("/video/caf%E9/a%20b.mp4", 'video/mp4; codecs="avc1.64001f, mp4a.40.2"'),
        ("/hls/00112233445566aa/0011aabb/master.m3u8", "application/vnd.apple.mpegurl"),
    )
    return PlayerView(
        sources=() if message else sources,
        preload="metadata",
        message=message,
        fact=message or "plays everywhere",
        choice=PlayerChoice(audio=1),
        audio_tracks=("English", "German <b>"),
        audio_languages=("en", "de"),
        heights=(720, 480, 360),
    )


def watch_context(**changes: Any) -> dict[str, Any]:
    context = {
        "video": a_video(),
        "card": a_card(),
        "query": Query(tags=("alps",)),
        "related": tuple(Related(a_card(number), "same folder") for number in range(2, 14)),
        "previous": Neighbour(a_card(2), "/watch/2.mp4?tag=alps"),
        "next": Neighbour(a_card(3), "/watch/3.mp4?tag=alps"),
        "player": a_player(),
        "chosen_subtitles": "en",
        "subtitles": [("/video/a.vtt", "English", "en"), ("/video/b.vtt", "b", "")],
        "suggestions": ["snow", HOSTILE],
        "facts": [("File", HOSTILE)],
        "back_url": "/?tag=alps",
        "offline": False,
        "unreadable": False,
        "copies": 2,
        "former": a_video(),
        "watched": False,
        "later": True,
        "start_over_url": "/watch/caf%E9/a%20b.mp4?t=0",
        "secure_url": "https://nas.local:8943/watch/a.mp4",
        **PROJECTION,
    }
    return FRAME | context | changes


TAGS: dict[str, Any] = {
    "tags": [a_tag("alps", 12), a_tag(HOSTILE, 1)],
    "order": "name",
    "filter": "",
    "editable": True,
    "notice": A_TAG_CHANGE,
    "latest": [A_TAG_CHANGE],
    "in_words": in_words,
}
TROUBLE = {
    "status": 404,
    "title": "Not found",
    "message": HOSTILE,
    "unchanged": "",
    "request_id": "ab12",
    "next_step": ("All videos", "/"),
}

EVERY_PAGE: list[tuple[str, dict[str, Any]]] = [
    ("gallery.html", gallery_context(panel=PANEL)),
    ("gallery.html", gallery_context(undo=Undo("tag", HASH, HOSTILE))),
    (
        "filters.html",
        FRAME | {"query": Query(tags=("alps",)), "total": 3, "panel": PANEL},
    ),
    (
        "gallery.html",
        gallery_context(
            page=Page((), None),
            next_url=None,
            drop=[("tagged alps (3)", "/")],
            total=0,
            panel=PANEL,
            meant=[(HOSTILE, "/?q=x")],
        ),
    ),
    (
        "gallery.html",
        gallery_context(
            page=Page((), None),
            query=Query(),
            chips=[],
            offers=[],
            next_url=None,
            total=0,
        ),
    ),
    (
        "gallery.html",
        gallery_context(
            page=Page((a_card(),), None, start=Cursor("b", 3)),
            query=Query(sort=Sort.RANDOM, seed=5),
        ),
    ),
    ("watch.html", watch_context()),
    (
        "watch.html",
        watch_context(
            offline=True,
            card=None,
            related=(),
            previous=None,
            next=None,
            subtitles=[],
            facts=[],
            copies=1,
        ),
    ),
    (
        "watch.html",
        watch_context(
            video=a_video(probe=None, tags=()), player=a_player(message="No browser plays it.")
        ),
    ),
    ("tags.html", FRAME | TAGS | {"current": "tags"}),
    ("tags.html", FRAME | TAGS | {"tags": [], "filter": HOSTILE}),
    ("error.html", FRAME | TROUBLE),
    ("error.html", FRAME | TROUBLE | {"theme": "dark", "size": "large", "next_step": None}),
]

TAG_FORM: dict[str, Any] = {
    "media_hash": HASH,
    "tags": ("alps", HOSTILE),
    "suggestions": ["snow"],
    "error": None,
    "entered": "",
    "undo": None,
}
EVERY_PARTIAL: list[tuple[str, str, dict[str, Any]]] = [
    ("rating.html", f"rating-{HASH}", {"media_hash": HASH, "value": 3}),
    ("favorite.html", f"favorite-{HASH}", {"media_hash": HASH, "favorite": True}),
    ("views.html", f"views-{HASH}", {"media_hash": HASH, "views": 1}),
    ("tags.html", f"tags-{HASH}", TAG_FORM),
    (
        "tags.html",
        f"tags-{HASH}",
        TAG_FORM
        | {
            "error": "Too long.",
            "entered": HOSTILE,
            "suggestions": [],
        },
    ),
    (
        "title.html",
        f"title-{HASH}",
        {"media_hash": HASH, "title": HOSTILE, "edited": True, "error": "No.", "editing": True},
    ),
    ("tag_suggestions.html", "tag-suggestions", {"names": ["alps", HOSTILE]}),
    ("tag_list.html", "tag-list", TAGS),
    ("video_card.html", "video-card-3", {"card": a_card(3), "query": Query()}),
    (
        "video_grid.html",
        "run-first",
        {"page": Page((a_card(),), None), "query": Query(), "next_url": None, "refresh_url": "/"},
    ),
    (
        "library_status.html",
        "library-status",
        {"progress": QUIET, "status_url": "/library/status?version=7"},
    ),
    ("toast.html", "", TROUBLE),
]


@pytest.mark.parametrize(("template", "context"), EVERY_PAGE)
def test_every_page_is_sound(pages: Templates, template: str, context: dict[str, Any]) -> None:
    tree = Tree(pages.render(template, **context))
    ids = Counter(element.get("id") for element in tree.elements if "id" in element.attributes)
    assert [name for name, times in ids.items() if times > 1] == []
    assert len(tree.all("h1")) == 1
    assert len(tree.all("main")) == 1
    assert tree.all("title")[0].text
    for element in tree.elements:
        refers = [
            element.get(name)
            for name in (
                "for",
                "form",
                "list",
                "aria-labelledby",
                "aria-describedby",
                "popovertarget",
            )
        ]
        hx_target = element.get("hx-target") or element.get("hx-target:inherited")
        refers.append(hx_target.removeprefix("#") if hx_target.startswith("#") else "")
        assert [name for name in refers if name and name not in ids] == [], element


@pytest.mark.parametrize(("template", "context"), EVERY_PAGE)
def test_no_page_carries_inline_script_or_style_or_leaves_the_machine(
    pages: Templates, template: str, context: dict[str, Any]
) -> None:
    html = pages.render(template, **context)
    tree = Tree(html)
    assert tree.all("style") == []
    assert all(script.get("src") and not script.text.strip() for script in tree.all("script"))
    assert "<script>alert" not in html
    for element in tree.elements:
        for name, value in element.attributes.items():
            assert not re.fullmatch(r"style|on\w+|hx-on.*", name), f"{element.tag} {name}"
            # The only exception is this very server over HTTPS, which has another port.
            same_server = (element.tag, name, value) == ("a", "href", context.get("secure_url"))
            assert same_server or not re.match(r"\s*(https?:|//|javascript:|js:)", value), (
                f"{element.tag} {name}={value}"
            )
            assert name != "hx-trigger" or "[" not in value, (
                "trigger filters need eval, which the policy forbids"
            )


@pytest.mark.parametrize(("template", "context"), EVERY_PAGE)
def test_everything_on_a_page_has_a_name_and_a_box(
    pages: Templates, template: str, context: dict[str, Any]
) -> None:
    tree = Tree(pages.render(template, **context))
    for element in tree.elements:
        if element.tag in ("a", "button", "summary"):
            assert element.get("aria-label") or element.text.strip(), element
        if element.tag in ("input", "select") and element.get("type") != "hidden":
            assert element.get("aria-label") or (
                element.parent and element.parent.tag == "label"
            ), element
        if element.tag == "img":
            assert {"alt", "width", "height"} <= set(element.attributes), element
        if element.tag == "svg":
            assert element.get("aria-hidden") == "true", element


@pytest.mark.parametrize(("template", "context"), EVERY_PAGE)
def test_every_form_works_without_script(
    pages: Templates, template: str, context: dict[str, Any]
) -> None:
    tree = Tree(pages.render(template, **context))
    assert tree.all("form")
    for form in tree.all("form"):
        assert form.get("action").startswith("/"), form
        assert form.get("hx-post") in ("", form.get("action")), form
        assert form.get("hx-get") in ("", form.get("action")), form
    for link in tree.all("a"):
        assert link.get("href"), link
        assert link.get("hx-get") in ("", link.get("href")), link


@pytest.mark.parametrize(("partial", "root_id", "context"), EVERY_PARTIAL)
def test_a_partial_is_one_element_with_the_id_of_its_file(
    pages: Templates, partial: str, root_id: str, context: dict[str, Any]
) -> None:
    roots = [
        element
        for element in Tree(pages.render(f"partials/{partial}", **context)).elements
        if element.parent is None
    ]
    assert [root.get("id") for root in roots] == [root_id]


@pytest.mark.parametrize(("partial", "root_id", "context"), EVERY_PARTIAL)
def test_a_partial_fails_loudly_where_it_is_told_too_little(
    pages: Templates, partial: str, root_id: str, context: dict[str, Any]
) -> None:
    with pytest.raises(jinja2.UndefinedError):
        pages.render(f"partials/{partial}")


def test_a_card_is_as_programs_expect_it(pages: Templates) -> None:
    tree = Tree(pages.render("gallery.html", **gallery_context()))
    cards = tree.of_class("video-card")
    assert [card.get("id") for card in cards] == [f"video-card-{number}" for number in range(1, 61)]
    assert all(re.fullmatch("[0-9a-f]{16}", card.get("data-media-hash")) for card in cards)
    pictures = [image.attributes for image in tree.all("img")]
    asked_for = [
        "first" if "fetchpriority" in image else "near" if "loading" in image else "with the page"
        for image in pictures
    ]
    # Every third card has no poster.
    assert asked_for == ["first"] * 3 + ["with the page"] * 5 + ["near"] * 32


def test_a_card_without_poster_has_no_picture(pages: Templates) -> None:
    assert (
        Tree(pages.render("partials/video_card.html", card=a_card(poster=None), query=Query())).all(
            "img"
        )
        == []
    )


@pytest.mark.parametrize(
    ("width", "height", "whole"),
    [(1920, 1080, False), (640, 480, False), (1080, 1920, True), (640, 640, True)],
)
def test_upright_films_are_shown_whole(
    pages: Templates, width: int, height: int, whole: bool
) -> None:
    card = a_card(width=width, height=height)
    (image,) = Tree(pages.render("partials/video_card.html", card=card, query=Query())).all("img")
    assert ("whole" in image.classes) == whole


@pytest.mark.parametrize("value", range(6))
def test_stars_say_what_is_given(pages: Templates, value: int) -> None:
    tree = Tree(pages.render("partials/rating.html", media_hash=HASH, value=value))
    stars = [button for button in tree.all("button") if button.get("name") == "value"]
    # The lit star clears.
    sent = [0 if number == value else number for number in range(1, 6)]
    assert [star.get("value") for star in stars] == [str(each) for each in sent]
    assert [star.get("aria-label").split()[0] for star in stars] == ["1", "2", "3", "4", "5"]
    assert [star.get("value") for star in stars if star.get("aria-pressed") == "true"] == (
        ["0"] if value else []
    )
    assert ["on" in star.classes for star in stars] == [n <= value for n in range(1, 6)]


@pytest.mark.parametrize(("favorite", "next_value"), [(False, "1"), (True, "0")])
def test_the_heart_sends_the_state_it_leads_to(
    pages: Templates, favorite: bool, next_value: str
) -> None:
    (button,) = Tree(
        pages.render("partials/favorite.html", media_hash=HASH, favorite=favorite)
    ).all("button")
    assert button.get("value") == next_value
    assert button.get("aria-pressed") == str(favorite).lower()


@pytest.mark.parametrize(
    ("template", "values"),
    [
        *(("rating.html", {"value": value, "error": ""}) for value in range(6)),
        *(("favorite.html", {"favorite": favorite}) for favorite in (True, False, 1, 0)),
        *(("views.html", {"views": views}) for views in (0, 1, 1234)),
        ("title.html", {"title": "<b>&", "edited": True, "error": None, "editing": True}),
    ],
)
def test_a_partial_kept_for_all_videos_is_what_would_be_rendered(
    pages: Templates, template: str, values: dict[str, Any]
) -> None:
    for media_hash in ("0123456789abcdef", "fedcba9876543210"):
        rendered = pages.render(f"partials/{template}", media_hash=media_hash, **values)
        assert pages.render_of_video(f"partials/{template}", media_hash, **values) == rendered


def test_forty_tags_and_none(pages: Templates) -> None:
    names = tuple(f"tag {number}" for number in range(40))
    card = Tree(pages.render("partials/video_card.html", card=a_card(tags=names), query=Query()))
    (meta,) = card.of_class("meta")
    assert [link.text for link in card.all("a") if link.parent is meta] == ["tag 0"]
    assert [more.text for more in card.of_class("more-tags")] == ["+39"]
    plain = Tree(pages.render("partials/video_card.html", card=a_card(tags=()), query=Query()))
    (meta,) = plain.of_class("meta")
    assert [link for link in plain.all("a") if link.parent is meta] == []
    many = Tree(pages.render("partials/tags.html", **TAG_FORM | {"tags": names}))
    assert [
        button.get("value")
        for button in many.all("button")
        if button.get("aria-label").startswith("Remove")
    ] == list(names)


@pytest.mark.parametrize(
    ("undo", "words", "address", "field"),
    [
        (Undo("tag", HASH, HOSTILE), f"Tag “{HOSTILE}” removed", "tags", ("tag", HOSTILE)),
        (Undo("rating", HASH, "4"), "4 stars removed", "rating", ("value", "4")),
        (Undo("favorite", HASH, "0"), "Removed from favorites", "favorite", ("value", "1")),
        (Undo("title", HASH, HOSTILE), "Title changed", "title", ("title", HOSTILE)),
        (Undo("first-title", HASH, HOSTILE), "Title changed", "title", ("reset", "1")),
    ],
)
def test_removed_values_can_be_put_back(
    pages: Templates, undo: Undo, words: str, address: str, field: tuple[str, str]
) -> None:
    tree = Tree(pages.render("partials/undo_part.html", undo=undo))
    (form,) = tree.of_class("toast")
    assert (form.get("action"), form.get("role")) == (f"/videos/{HASH}/{address}", "status")
    assert words in form.text
    assert [(each.get("name"), each.get("value")) for each in tree.all("input")] == [field]


def test_a_refused_tag_stays_in_its_field_with_the_reason_beside_it(pages: Templates) -> None:
    tree = Tree(
        pages.render("partials/tags.html", **TAG_FORM | {"error": "Too long.", "entered": HOSTILE})
    )
    field = tree.by_id("tag-field")
    assert (field.get("value"), field.get("aria-invalid")) == (HOSTILE, "true")
    assert tree.by_id(field.get("aria-describedby")).text == "Too long."


def test_the_player_is_a_video_with_the_address_of_its_bytes(pages: Templates) -> None:
    tree = Tree(pages.render("watch.html", **watch_context()))
    (video,) = tree.all("video")
    sources = [(source.get("src"), source.get("type")) for source in tree.all("source")]
    assert sources == list(a_player().sources)
    assert {"controls", "poster"} <= set(video.attributes)
    assert (video.get("width"), video.get("height"), video.get("preload")) == (
        "1080",
        "1920",
        "metadata",
    )
    assert [track.get("srclang") for track in tree.all("track")] == ["en", ""]
    assert "hidden" in tree.by_id("playback-trouble").attributes


def test_a_film_that_cannot_be_decoded_says_so_and_offers_the_file(pages: Templates) -> None:
    tree = Tree(
        pages.render("watch.html", **watch_context(player=a_player(message="No browser plays it.")))
    )
    assert not tree.all("video")
    (stage,) = [one for one in tree.all("div") if one.get("class") == "stage"]
    assert "No browser plays it." in stage.text
    (steps,) = tree.of_class("stage-steps")
    assert steps.parent is stage
    assert [link.get("href") for link in tree.all("a") if link.parent is steps] == [
        "/video/caf%E9/a%20b.mp4?download=1"
    ]


def test_a_file_that_cannot_be_read_can_be_tried_again(pages: Templates) -> None:
    broken = watch_context(player=a_player(message="It is damaged."), unreadable=True)
    tree = Tree(pages.render("watch.html", **broken))
    (steps,) = tree.of_class("stage-steps")
    (again,) = [form for form in tree.all("form") if form.parent is steps]
    assert again.get("action") == f"/admin/look-again/{HASH}"


def test_a_run_of_cards_refreshes_itself_and_ends_in_a_link_to_the_next(pages: Templates) -> None:
    context = {
        "page": Page((a_card(),), Cursor(5, 1), Cursor("é", 9)),
        "query": Query(),
        "refresh_url": "/?after=a&until=b",
    }
    tree = Tree(pages.render("partials/video_grid.html", **context, next_url="/?after=b"))
    run, more = (element for element in tree.elements if element.parent is None)
    assert (run.get("hx-get"), run.get("hx-swap")) == ("/?after=a&until=b", "outerMorph")
    assert "library:changed from:document" in run.get("hx-trigger")
    assert re.fullmatch(r"run-[\w-]+", run.get("id"))
    assert (more.tag, more.get("href"), more.get("hx-get")) == ("a", "/?after=b", "/?after=b")
    assert "intersect once" in more.get("hx-trigger")
    last = Tree(pages.render("partials/video_grid.html", **context, next_url=None))
    assert [element.get("id") for element in last.elements if element.parent is None] == [
        run.get("id")
    ]


def test_only_a_refreshed_first_run_brings_a_new_message(pages: Templates) -> None:
    context = gallery_context(message="129 videos")
    (part,) = Tree(pages.render("partials/video_grid.html", **context)).all("hx-partial")
    assert (part.get("hx-target"), part.text) == ("#count", "129 videos")
    assert Tree(pages.render("gallery.html", **context)).by_id("count").text == "129 videos"
    assert Tree(pages.render("gallery.html", **context)).all("hx-partial") == []
    later = context | {"page": Page((a_card(),), None, Cursor(5, 1))}
    assert Tree(pages.render("partials/video_grid.html", **later)).all("hx-partial") == []


def test_the_search_form_carries_every_filter(pages: Templates) -> None:
    query = Query(
        "sea", ("alps", "rare"), 3, True, False, b"Summer", 7, 0, True, Sort.TITLE, descending=True
    )
    tree = Tree(pages.render("gallery.html", **gallery_context(query=query, search="sea")))
    sent = []
    for field in tree.elements:
        belongs = field.get("form") == "search" or (
            field.parent and field.parent.get("id") == "search"
        )
        chosen = "checked" in field.attributes or field.get("type") in ("hidden", "search")
        if field.tag == "input" and belongs and chosen:
            sent.append((field.get("name"), field.get("value")))
        if (
            field.tag == "option"
            and field.parent
            and field.parent.get("form") == "search"
            and "selected" in field.attributes
        ):
            sent.append((field.parent.get("name"), field.get("value")))
    assert sorted(pair for pair in sent if pair[1]) == sorted(
        [
            ("favorite", "1"),
            ("folder", "Summer"),
            ("min_minutes", "7"),
            ("min_rating", "3"),
            ("order", "desc"),
            ("q", "sea"),
            ("sort", "title"),
            ("tag", "alps"),
            ("tag", "rare"),
            ("viewed", "1"),
        ]
    )


def test_a_poster_that_is_still_drawn_is_told_from_one_that_will_not_be(pages: Templates) -> None:
    versions = itertools.count(2)

    def card(state: State, **changes: Any) -> str:
        changed = a_card(3, poster=None, state=state, version=next(versions), **changes)
        return pages.cards.html(changed, Query())

    assert 'class="poster waiting"' in card(State.NEW)
    for other in (card(State.READY), card(State.UNREADABLE), card(State.NEW, offline=True)):
        assert 'class="poster"' in other
        assert "<svg" in other[: other.index("<h2>")]


@pytest.mark.parametrize(
    ("changes", "told", "untold"),
    [
        ({"current": "favorites"}, "Press the heart on a video", "Drop a filter"),
        ({"current": "popular"}, "Nothing has been watched yet", "Drop a filter"),
        (
            {"progress": replace(QUIET, scanning=True, files_seen=1234)},
            "1,234files found so far",
            "LVS shows files ending in",
        ),
        ({}, "LVS shows files ending in mkv, mp4", "files found so far"),
        (
            {"query": Query(q="x", unrated=True), "drop": [("“x”", "/?unrated=1")]},
            "Drop a filter to see more",
            "files found so far",
        ),
    ],
    ids=["favorites", "popular", "first scan", "empty library", "no match"],
)
def test_an_empty_list_says_what_fits_it(
    pages: Templates, changes: dict[str, Any], told: str, untold: str
) -> None:
    empty = {"page": Page((), None), "query": Query(), "chips": [], "total": 0, "next_url": ""}
    text = (
        Tree(pages.render("gallery.html", **gallery_context(**empty | changes))).by_id("main").text
    )
    assert told.replace(" ", "") in "".join(text.split())
    assert untold.replace(" ", "") not in "".join(text.split())


def test_related_films_begin_with_the_next_of_the_list_there(pages: Templates) -> None:
    related = Tree(pages.render("watch.html", **watch_context())).by_id("related-heading")
    html = pages.render("watch.html", **watch_context())
    inside = html[html.index('id="related-heading"') :]
    assert related.text == "Related"
    assert inside.index("Next in this list") < inside.index("same folder")


@pytest.mark.parametrize(
    ("progress", "words", "pace"),
    [
        (QUIET, "", "every 5s"),
        (
            replace(QUIET, scanning=True, files_seen=1234, files_added=5),
            "1,234 files seen, 5 new",
            "every 2s",
        ),
        (replace(QUIET, to_probe=1), "1 video to go", "every 2s"),
        (replace(QUIET, offline=("Disk",)), "Disk is not connected", "every 5s"),
        (
            replace(QUIET, errors=("The folder cannot be read.",)),
            "The folder cannot be read.",
            "every 5s",
        ),
    ],
)
def test_the_library_says_what_it_is_doing_and_nothing_when_it_rests(
    pages: Templates, progress: Progress, words: str, pace: str
) -> None:
    tree = Tree(
        pages.render(
            "partials/library_status.html",
            progress=progress,
            status_url="/library/status?version=7",
        )
    )
    root = tree.by_id("library-status")
    assert words in " ".join(root.text.split())
    assert bool(root.text.strip()) == bool(words)
    assert (root.get("hx-trigger"), root.get("hx-get")) == (pace, "/library/status?version=7")


@pytest.mark.parametrize(("status", "role"), [(404, "alert"), (503, "alert"), (200, "status")])
def test_trouble_is_announced_at_once_and_news_when_it_suits(
    pages: Templates, status: int, role: str
) -> None:
    tree = Tree(pages.render("partials/toast.html", **TROUBLE | {"status": status}))
    assert tree.elements[0].get("role") == role


@pytest.mark.parametrize("theme", ["auto", "dark", "light"])
@pytest.mark.parametrize("size", ["normal", "large", "tv"])
def test_the_display_settings_say_what_is_chosen(pages: Templates, theme: str, size: str) -> None:
    tree = Tree(pages.render("error.html", **FRAME | TROUBLE | {"theme": theme, "size": size}))
    pressed = [
        (button.get("name"), button.get("value"))
        for button in tree.all("button")
        if button.get("aria-pressed") == "true"
    ]
    assert pressed == [("theme", theme), ("size", size)]
    html = tree.all("html")[0]
    assert (html.get("data-theme"), html.get("data-size")) == (theme, size)
    assert [field.get("value") for field in tree.all("input") if field.get("name") == "back"] == [
        "/?q=a&tag=b"
    ]


def test_a_changed_card_is_rendered_anew_and_an_unchanged_one_is_not(pages: Templates) -> None:
    first = pages.cards.html(a_card(), Query())
    assert pages.cards.html(a_card(), Query()) == first
    assert pages.cards.misses == 1
    assert pages.cards.html(a_card(rating=5, version=2), Query()) != first
    assert pages.cards.html(a_card(), Query(tags=("alps",))) != first
    assert pages.cards.misses == 2
    assert pages.cards.html(a_card(), Query(), eager=1) != first


def test_a_static_address_changes_with_its_content(tmp_path: Path) -> None:
    addresses = []
    for content in ("a{}", "b{}"):
        (tmp_path / "lvs.css").write_text(content)
        addresses.append(Templates(Urls(dict), tmp_path).static_url("lvs.css"))
    assert addresses[0] != addresses[1]
    assert all(re.fullmatch(r"/static/lvs\.css\?v=[0-9a-f]{12}", address) for address in addresses)
    with pytest.raises(FileNotFoundError):
        Templates(Urls(dict), tmp_path).static_url("none.css")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0, ""),
        (-1, ""),
        (0.04, "0:01"),
        (7, "0:07"),
        (59.6, "1:00"),
        (192, "3:12"),
        (3723, "1:02:03"),
        (360000, "100:00:00"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert templates.duration(seconds) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (9_960, "10 KB"),
        (999_600, "1.0 MB"),
        (1_400_000_000, "1.4 GB"),
        (2**63, "9,223 PB"),
    ],
)
def test_sizes(size_bytes: int, shown: str) -> None:
    assert templates.size(size_bytes) == shown


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (-3, "today"),
        (0, "today"),
        (1, "yesterday"),
        (2, "2 days ago"),
        (13, "13 days ago"),
        (14, "2 weeks ago"),
        (30, "1 month ago"),
        (364, "12 months ago"),
        (365, "1 year ago"),
        (800, "2 years ago"),
    ],
)
def test_ages(days: int, shown: str) -> None:
    noon = datetime(2026, 6, 30, 12, tzinfo=UTC)
    assert templates.ago(int(noon.timestamp() * 1000) - days * DAY_MS, date(2026, 6, 30)) == shown


@pytest.mark.parametrize("unix_ms", [-(2**62), -1, 2**62])
def test_a_file_from_an_impossible_time_still_has_an_age(unix_ms: int) -> None:
    assert templates.ago(unix_ms)
    assert templates.iso(unix_ms).endswith("Z")


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 copies"), (1, "1 copy"), (1234, "1,234 copies")]
)
def test_plurals(number: int, shown: str) -> None:
    assert text.plural(number, "copy", "copies") == shown


def test_a_sort_starts_in_the_order_people_expect() -> None:
    assert templates.address_of_gallery(Query(), sort="title") == "/?sort=title"
    assert (
        templates.address_of_gallery(Query(sort=Sort.TITLE, descending=False), sort="added") == "/"
    )
    assert templates.address_of_gallery(Query(), descending=False) == "/?order=asc"
    assert templates.address_of_gallery() == "/"


def test_the_vendored_script_is_the_one_its_readme_names() -> None:
    vendor = static_folder() / "vendor"
    rows = re.findall(
        r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", (vendor / "README.md").read_text(), re.MULTILINE
    )
    assert rows
    for name, sha256 in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == sha256
    assert {path.name for path in vendor.iterdir()} == {name for name, _ in rows} | {
        "README.md",
        "LICENSE",
        "LICENSE-hls.js",
    }


EVERYWHERE = ("vendor/htmx-4.0.1.min.js", "lvs.js", "spatial.js")
BUDGETS = {
    "scripts of the gallery": (
        (*EVERYWHERE, "gallery.js", "curate/start.js"),
        22 * 1024,
    ),
    "scripts that come with the first pointer": (("scrub.js", "previews.js"), 3584),
    "settings, and the offer of the size for a television": (("display.js", "sofa.js"), 2048),
    # Only a page whose film needs them loads the script that plays segments, and those for VR.
    "scripts of the watch page": ((*EVERYWHERE, "player/*.js"), 30 * 1024),
    "subtitles earlier and larger": (("subtitles/adjust.js",), 1024),
    "controls for far away": (("far/controls.js",), 2304),
    "scripts of a playlist": ((*EVERYWHERE, "order.js"), 25 * 1024),
    "style of every page": (("lvs.css",), 8 * 1024),
    "style of a list": (("lvs.css", "gallery.css"), 10 * 1024),
    "style of a folder": (("lvs.css", "gallery.css", "folders.css"), 10 * 1024),
    "style of tags": (("lvs.css", "tags.css"), 10 * 1024),
    "style of playlists": (("lvs.css", "household.css"), 10 * 1024),
    "style of a selection": (("lvs.css", "curate/select.css"), 10 * 1024),
    "style of the watch page": (("lvs.css", "player/*.css"), 10 * 1024),
    "style of the dashboard": (("lvs.css", "admin.css"), 12 * 1024),
}


@pytest.mark.parametrize("name", BUDGETS)
def test_style_and_script_keep_to_their_budget(name: str) -> None:
    """Compressed, by page."""
    patterns, most_bytes = BUDGETS[name]
    files = [path for pattern in patterns for path in static_folder().glob(pattern)]
    assert len(files) >= len(patterns)
    assert sum(map(sent_bytes, files)) <= most_bytes


def sent_bytes(path: Path) -> int:
    """The size of a static file as it is sent."""
    content = path.read_bytes()
    if path.parent.name != "vendor":
        content = minified(content, mimetypes.guess_type(path.name)[0])
    return len(gzip.compress(content, 9, mtime=0))


def themes() -> dict[str, dict[str, str]]:
    """The colours of both themes, and of the light one in both places where it is written."""
    css = (static_folder() / "lvs.css").read_text()
    blocks = re.findall(
        r"(:root(?::not\([^)]*\))?|\[data-theme=\"light\"\]:root) \{([^}]*--background[^}]*)\}", css
    )
    colours = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", body)) for _, body in blocks]
    assert len(colours) == 3
    return {"dark": colours[0], "light by itself": colours[1], "light by choice": colours[2]}


def test_both_ways_to_the_light_theme_are_the_same() -> None:
    assert themes()["light by itself"] == themes()["light by choice"]
    assert set(themes()["dark"]) == set(themes()["light by choice"])


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light by itself", "light by choice"])
@pytest.mark.parametrize("behind", ["background", "surface", "raised"])
@pytest.mark.parametrize(
    ("front", "least"),
    [
        ("text", 4.5),
        ("muted", 4.5),
        ("danger", 4.5),
        ("accent", 4.5),
        ("star", 3),
        ("heart", 3),
        ("edge", 3),
    ],
)
def test_text_and_icons_stand_out(theme: str, behind: str, front: str, least: float) -> None:
    colours = themes()[theme]
    assert contrast(colours[front], colours[behind]) >= least
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5


# --- Kept as bytecode ---


def test_templates_are_compiled_once_for_every_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "templates"
    addresses = Urls(lambda: {1: ROOT})
    first = Templates(addresses, static_folder(), folder)
    expected = {name: first.render(name, **context) for name, context in EVERY_PAGE}
    first.precompile()
    compiled: list[str] = []
    real = jinja2.Environment.compile

    def noted(self: jinja2.Environment, *a: Any, **k: Any) -> Any:
        compiled.append(a[1])
        return real(self, *a, **k)

    monkeypatch.setattr(jinja2.Environment, "compile", noted)

    def rendered_anew() -> dict[str, str]:
        pages = Templates(addresses, static_folder(), folder)
        return {name: pages.render(name, **context) for name, context in EVERY_PAGE}

    assert rendered_anew() == expected
    assert compiled == []
    for number, file in enumerate(sorted(folder.iterdir())):
        content = file.read_bytes()
        damaged = (
            content[: len(content) // 2],
            b"",
            bytes(len(content)),
            content[:-1] + bytes([content[-1] ^ 1]),
        )
        file.write_bytes(damaged[number % 4])
    assert rendered_anew() == expected
    assert {"gallery.html", "watch.html", "video_grid.html"} <= set(compiled)
    compiled.clear()
    assert rendered_anew() == expected
    assert compiled == []
    monkeypatch.setattr("lvs.__version__", "99")
    assert rendered_anew() == expected
    assert "gallery.html" in compiled


def test_templates_need_no_folder_to_be_kept_in(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    pages = Templates(Urls(lambda: {1: ROOT}), static_folder(), tmp_path / "file" / "templates")
    assert "<main" in pages.render("gallery.html", **gallery_context())
