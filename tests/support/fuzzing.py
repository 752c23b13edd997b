"""Requests that nobody would write by hand: every route of the app with odd values in every place a
visitor can reach.
"""

import base64
import json
import re
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes

from hypothesis import strategies as st
from quart import Quart
from support.wire import Answer

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "FOO")
ARGUMENTS = (
    *(
        "q",
        "tag",
        "min_rating",
        "favorite",
        "unrated",
        "folder",
        "sort",
        "order",
        "seed",
        "after",
        "until",
        "min_minutes",
        "max_minutes",
    ),
    *(
        "viewed",
        "limit",
        "state",
        "filename",
        "filter",
        "version",
        "edit",
        "v",
        "w",
        "download",
        "next",
        "seen",
        "deep",
        "page",
        "ids",
        "back",
    ),
)
FIELDS = (
    "value",
    "tag",
    "title",
    "reset",
    "theme",
    "size",
    "back",
    "filename",
    "rating",
    "password",
    "next",
    "id",
    "ids",
    "confirm",
)
ODD_TEXTS = (
    *(
        "",
        " ",
        "\0",
        "\r\n",
        "..",
        "../..",
        "%",
        "%s",
        "%00",
        "{{7*7}}",
        "'",
        '"',
        "' OR 1=1 --",
        "<script>",
        "*",
        "-",
        "OR",
        "NEAR(",
        '"a',
        "a*",
        "tag:",
        "tag:#",
    ),
    *(
        "0",
        "-1",
        "1_0",
        "²",
        "٣",
        "1e999",
        "NaN",
        "Infinity",
        "true",
        "null",
        "None",
        "0x10",
        "١٢٣",
        "9223372036854775808",
        "-9223372036854775809",
        "1" * 400,
    ),
    *(
        "\ud800".encode("utf-8", "surrogatepass").decode("latin1"),
        "\u202e",
        "\ufeff",
        "🎬",
        "é",
        "e\u0301",
        "ﬀ",
        "İ",
        "ß",
        "日本",
        "a" * 3000,
        "[" * 900,
    ),
    *("title", "random", "added", "asc", "desc", "unreadable", "1", "5", "6"),
)
ODD_BYTES = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b"\x80", b"\xf4\x90\x80\x80")

texts = (
    st.sampled_from(ODD_TEXTS)
    | st.text(max_size=30)
    | st.integers().map(str)
    | st.floats().map(str)
)
raw = st.sampled_from(ODD_BYTES) | st.binary(max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(ODD_TEXTS)
    | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def packed(value: object) -> str:
    """A value as a cursor holds it."""
    return (
        base64.urlsafe_b64encode(json.dumps(value).encode("utf-8", "surrogatepass"))
        .rstrip(b"=")
        .decode()
    )


cursors = st.one_of(
    st.tuples(
        st.integers() | st.floats() | st.text(max_size=10) | st.none() | st.booleans(),
        st.integers() | st.floats() | st.none(),
    ).map(packed),
    json_values.map(packed),
    st.sampled_from(
        [
            "WzEsMV0",
            "WzEsMV0=",
            "====",
            "_-_-",
            "W10",
            packed([0, 2**63]),
            packed([2**63, 1]),
            packed([-(2**63), -(2**63) + 1]),
            packed(["x" * 5000, 1]),
        ]
    ),
)
spelled = st.one_of(
    texts.map(lambda text: quote(text, safe="", errors="replace")),
    raw.map(quote_from_bytes),
    texts.map(lambda text: quote(text, safe="/.%&=;+", errors="replace")),
)
pairs = st.tuples(
    st.sampled_from(ARGUMENTS) | spelled.map(lambda text: text[:20]),
    spelled | cursors,
).map("=".join)
queries = st.lists(pairs, max_size=6).map("&".join)

positions = st.sampled_from(
    [
        "",
        "0",
        "1",
        "00",
        "499",
        "500",
        "99999999999999999999",
        "-0",
        "+1",
        "1_0",
        "٣",
        " 1",
        "0x1",
        "1e3",
    ]
) | st.integers(-5, 10**20).map(str)
spans = st.tuples(positions, st.sampled_from(["-", "-", "-", "", "--", " - "]), positions).map(
    "".join
)
ranges = st.one_of(
    st.tuples(
        st.sampled_from(["bytes=", "bytes=", "Bytes=", "bytes =", "items=", "", "bytes:"]),
        st.lists(spans, max_size=8).map(",".join),
    ).map("".join),
    st.just("bytes=" + ",".join(["0-0"] * 800)),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)
dates = st.sampled_from(
    [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "0",
        "x",
        "Thu, 32 Foo 99999 99:99:99 GMT",
    ]
)
tags = st.sampled_from(['"x"', 'W/"x"', "*", '"', '"a", "b"', "W/", ",,,", '"' + "a" * 500 + '"'])
headers = st.one_of(
    ranges.map("Range: {}".format),
    st.tuples(
        st.sampled_from(
            ["If-Range", "If-Modified-Since", "If-Unmodified-Since", "If-Match", "If-None-Match"]
        ),
        dates | tags,
    ).map(": ".join),
    st.tuples(
        st.sampled_from(
            [
                "Accept",
                "Accept-Encoding",
                "Accept-Language",
                "Origin",
                "Referer",
                "User-Agent",
                "X-Forwarded-For",
                "X-Request-Id",
                "Sec-Fetch-Site",
                "Cookie",
                "Authorization",
                "HX-Current-URL",
                "HX-Target",
                "Expect",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
    ).map(": ".join),
    st.sampled_from(
        [
            "HX-Request: true",
            "HX-Request-Type: partial",
            "HX-Request-Type: full",
            "Accept: application/json",
            "Accept: text/html",
            "Cookie: theme=dark; size=large; lvs_session=1.2.3",
            'Cookie: =;=;";',
            "Authorization: Bearer x",
            "Authorization: Basic ::::",
            "Expect: 100-continue",
            "Upgrade: h2c",
            "Origin: null",
            "Accept-Encoding: gzip, br;q=nan, *;q=-1",
        ]
    ),
)
forms = (
    st.lists(
        st.tuples(st.sampled_from(FIELDS) | spelled, spelled | texts.map(quote)).map("=".join),
        max_size=5,
    )
    .map("&".join)
    .map(str.encode)
)
documents = st.one_of(
    json_values.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [
            b"",
            b"[" * 50_000,
            b'{"value": 1' + b"0" * 500 + b"}",
            b'{"value": 1, "value": 2}',
            b"\xff\xfe",
            b"\xef\xbb\xbf{}",
            b'{"value": -0.0}',
            b'"\\ud800"',
            b"NaN",
        ]
    ),
)
multipart = st.binary(max_size=60).map(
    lambda content: (
        b'--x\r\nContent-Disposition: form-data; name="value"\r\n\r\n' + content + b"\r\n--x--\r\n"
    )
) | st.binary(max_size=100)
bodies = st.one_of(
    st.just(("", b"")),
    forms.map(lambda body: ("application/x-www-form-urlencoded", body)),
    documents.map(lambda body: ("application/json", body)),
    documents.map(lambda body: ("application/problem+json; charset=utf-16", body)),
    multipart.map(lambda body: ("multipart/form-data; boundary=x", body)),
    st.tuples(
        st.sampled_from(
            [
                "text/plain",
                "application/x-www-form-urlencoded; charset=utf-7",
                "multipart/form-data",
                "multipart/form-data; boundary=",
                "a/b; c",
                "\xff",
                ";",
            ]
        ),
        raw,
    ),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request and how it stands on the wire."""

    method: str
    target: str
    headers: tuple[str, ...]
    content_type: str
    body: bytes

    def encoded(self) -> bytes:
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            "Host: localhost",
            "Connection: close",
            *self.headers,
        ]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        if self.body or self.content_type:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def requests(app: Quart, hashes: list[str], paths: list[str]) -> st.SearchStrategy[Request]:
    """Requests to every route of the app.

    `hashes` and `paths` name videos that are there, as an address spells them.
    """
    rules = sorted(
        (rule.rule, tuple(sorted(rule.methods or ()))) for rule in app.url_map.iter_rules()
    )
    # Mostly what is there, so that the odd values behind it are looked at.
    known_names, known_places = st.sampled_from(hashes), st.sampled_from(paths)
    names = st.one_of(
        known_names,
        known_names,
        known_names,
        known_names,
        st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
        spelled,
    )
    places = (
        known_places
        | known_places
        | spelled
        | st.lists(spelled, min_size=1, max_size=4).map("/".join)
    )

    def filled(rule: tuple[str, tuple[str, ...]]) -> st.SearchStrategy[tuple[str, str]]:
        pieces: list[st.SearchStrategy[str]] = []
        for part in re.split(r"(<[^>]+>)", rule[0]):
            if not part.startswith("<"):
                pieces.append(st.just(part))
            elif "hash" in part:
                pieces.append(names)
            elif part.startswith("<path"):
                pieces.append(places)
            else:
                pieces.append(st.sampled_from(["jpg", "webp", "health", "requests", "1"]) | spelled)
        path = st.tuples(*pieces).map("".join)
        return st.tuples(st.sampled_from(rule[1] * 6 + METHODS), path)

    anywhere = st.tuples(st.sampled_from(METHODS), spelled.map("/{}".format))
    targets = st.integers(0, 9).flatmap(
        lambda number: st.sampled_from(rules).flatmap(filled) if number else anywhere
    )
    return st.builds(
        lambda target, query, lines, body: Request(
            target[0], target[1] + (f"?{query}" if query else ""), tuple(lines), *body
        ),
        targets,
        queries,
        st.lists(headers, max_size=4),
        bodies,
    )


def assert_sound(request: Request, answer: Answer) -> None:
    """Assert the rules that hold for every answer."""
    assert answer.status, f"no answer to {request}"
    assert answer.status < 500, f"{answer.status} to {request}"
    assert answer.headers.get("content-security-policy"), (
        f"{answer.status} without our headers to {request}"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    if "content-type" not in answer.headers and answer.status in {
        400,
        431,
    }:  # hypercorn's own, to what is no HTTP
        assert not answer.body
        return
    kind = answer.headers.get("content-type", "")
    if request.method != "HEAD" and kind.partition(";")[0] in {
        "application/json",
        "application/problem+json",
    }:
        json.loads(answer.body)
    if answer.status >= 400 and request.method != "HEAD":
        assert answer.body, f"{answer.status} without a sentence to {request}"
    if (
        request.method != "HEAD"
        and "content-length" in answer.headers
        and answer.status not in {204, 304}
    ):
        assert len(answer.body) == int(answer.headers["content-length"])
