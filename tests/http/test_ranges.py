"""Preconditions and ranges as pure functions; `test_streams.py` asks the same through a real
server.
"""

import itertools
import os
import re
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from lvs.http.ranges import (
    Conditions,
    Decision,
    Span,
    Validators,
    Verdict,
    decide,
    parse_date,
    parse_range,
    validators,
)

pytestmark = pytest.mark.core

NOW = 1_700_000_000.5
CHANGED = 1_600_000_000
ETAG = '"abc"'
CURRENT = Validators(ETAG, CHANGED)
AT = formatdate(CHANGED, usegmt=True)
BEFORE = formatdate(CHANGED - 1, usegmt=True)
AFTER = formatdate(CHANGED + 1, usegmt=True)


def asked(size_bytes: int = 1000, method: str = "GET", **fields: str) -> Decision:
    return decide(method, Conditions(**fields), CURRENT, size_bytes, NOW)


@pytest.mark.parametrize(
    ("field", "size_bytes", "spans"),
    [
        ("bytes=0-0", 1000, [(0, 1)]),
        ("bytes=0-", 1000, [(0, 1000)]),
        ("bytes=999-", 1000, [(999, 1000)]),
        ("bytes=500-2000", 1000, [(500, 1000)]),
        ("bytes=-1", 1000, [(999, 1000)]),
        ("bytes=-1000", 1000, [(0, 1000)]),
        ("bytes=-5000", 1000, [(0, 1000)]),
        ("BYTES=000-0001", 1000, [(0, 2)]),
        ("bytes=0-9,5-19", 1000, [(0, 20)]),
        ("bytes=10-19, 0-9", 1000, [(0, 20)]),
        ("bytes=0-9,20-29", 1000, [(0, 10), (20, 30)]),
        ("bytes=0-0,-1", 1000, [(0, 1), (999, 1000)]),
        ("bytes=,0-1,,\t ,2-3,", 1000, [(0, 4)]),
        ("bytes=0-9,5000-", 1000, [(0, 10)]),
        (f"bytes=0-{'9' * 12000}", 1000, [(0, 1000)]),
        (f"bytes=-{'9' * 12000}", 1000, [(0, 1000)]),
        (f"bytes={'0' * 12000}5-6", 1000, [(5, 7)]),
        ("bytes=4294967296-4294967297", 5 * 2**30, [(2**32, 2**32 + 2)]),
        # Unsatisfiable
        ("bytes=1000-", 1000, []),
        ("bytes=1000-1001,-0", 1000, []),
        ("bytes=-0", 1000, []),
        (f"bytes={'9' * 12000}-", 1000, []),
        # Ignored
        ("bytes=", 1000, None),
        ("bytes=-", 1000, None),
        ("bytes=,", 1000, None),
        ("bytes=5-4", 1000, None),
        ("bytes=0-1,5-4", 1000, None),
        (f"bytes=1{'0' * 12000}-{'9' * 12000}", 1000, None),
        ("bytes=--1", 1000, None),
        ("bytes=1-2-3", 1000, None),
        ("bytes=1_0-2_0", 1000, None),
        ("bytes=+1-2", 1000, None),
        ("bytes=²-³", 1000, None),
        ("bytes=٠-٩", 1000, None),
        ("bytes=0x1-0x2", 1000, None),
        ("bytes=1.0-2", 1000, None),
        ("bytes= 0-1", 1000, None),
        ("bytes =0-1", 1000, None),
        ("bytes:0-1", 1000, None),
        ("bytes=a-b", 1000, None),
        ("byte\u017f=0-1", 1000, None),
        ("seconds=0-1", 1000, None),
        ("0-1", 1000, None),
        ("", 1000, None),
        ("bytes=0-1\n", 1000, None),
    ],
)
def test_a_range_field_means_what_rfc_9110_says(
    field: str, size_bytes: int, spans: list[tuple[int, int]] | None
) -> None:
    found = parse_range(field, size_bytes)
    assert (found if found is None else [(span.start, span.stop) for span in found]) == spans


def reference(field: str, size_bytes: int) -> list[int] | None:
    """Every position the field asks for, found by asking each position of each range; None for a
    malformed field.
    """
    unit, equals, ranges = field.partition("=")
    if not equals or unit.lower() != "bytes":
        return None
    elements = ranges.split(",")
    if elements[0].strip(" \t") and elements[0] != elements[0].lstrip(" \t"):
        return None
    if elements[-1].strip(" \t") and elements[-1] != elements[-1].rstrip(" \t"):
        return None
    elements = [element.strip(" \t") for element in elements if element.strip(" \t")]
    wanted: set[int] = set()
    for element in elements:
        if element.count("-") != 1 or element == "-" or not set(element) <= set("0123456789-"):
            return None
        first, last = element.split("-")
        if first and last and int(last) < int(first):
            return None
        for position in range(size_bytes):
            if not first:
                asked_for = size_bytes - position <= int(last)
            else:
                asked_for = position >= int(first) and (not last or position <= int(last))
            if asked_for:
                wanted.add(position)
    return sorted(wanted) if elements else None


NUMBERS = st.one_of(
    st.just(""),
    st.integers(0, 40).map(str),
    st.integers(0, 10**30).map(str),
    st.sampled_from(["007", "00", "x", "1 "]),
)
RANGES = st.builds("{}-{}".format, NUMBERS, NUMBERS)
SEPARATORS = st.sampled_from([",", ", ", " ,", ",,", "\t,\t", " ", ";"])


@st.composite
def range_fields(draw: st.DrawFn) -> str:
    field = draw(
        st.sampled_from(
            ["bytes=", "bytes=", "bytes=", "Bytes=", "bytes= ", "bytes=,", "bytes = ", "items=", ""]
        )
    )
    for number, element in enumerate(draw(st.lists(RANGES, max_size=4))):
        field += (draw(SEPARATORS) if number else "") + element
    return field + draw(st.sampled_from(["", "", "", ",", " ", ", "]))


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(range_fields(), st.text("bytesBYTES=0123456789-, \t", max_size=24)),
    st.integers(0, 40),
)
@example("bytes=0-", 0)
@example("bytes=-1", 0)
def test_any_range_field_is_answered_like_the_reference(field: str, size_bytes: int) -> None:
    decision = asked(size_bytes, range=field)
    wanted = reference(field, size_bytes)
    if wanted is None or size_bytes == 0:
        expected = Decision(Verdict.WHOLE, Span(0, size_bytes))
    elif not wanted:
        expected = Decision(Verdict.UNSATISFIABLE)
    elif wanted == list(range(wanted[0], wanted[-1] + 1)):
        expected = Decision(Verdict.PART, Span(wanted[0], wanted[-1] + 1))
    else:
        expected = Decision(Verdict.WHOLE, Span(0, size_bytes))
    assert decision == expected


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({}, Verdict.WHOLE),
        ({"if_match": "*"}, Verdict.WHOLE),
        ({"if_match": ETAG}, Verdict.WHOLE),
        ({"if_match": f'"x", {ETAG}'}, Verdict.WHOLE),
        ({"if_match": f',, "x,y" ,{ETAG},'}, Verdict.WHOLE),
        ({"if_match": '"x"'}, Verdict.PRECONDITION_FAILED),
        ({"if_match": f"W/{ETAG}"}, Verdict.PRECONDITION_FAILED),
        ({"if_match": "abc"}, Verdict.PRECONDITION_FAILED),
        ({"if_match": ""}, Verdict.PRECONDITION_FAILED),
        ({"if_match": f"{ETAG} {ETAG}"}, Verdict.PRECONDITION_FAILED),
        ({"if_match": '"x, "abc", y"'}, Verdict.PRECONDITION_FAILED),
        ({"if_match": ETAG, "if_unmodified_since": BEFORE}, Verdict.WHOLE),
        ({"if_match": '"x"', "if_unmodified_since": AFTER}, Verdict.PRECONDITION_FAILED),
        ({"if_match": '"x"', "if_none_match": ETAG}, Verdict.PRECONDITION_FAILED),
        ({"if_match": ETAG, "if_none_match": ETAG}, Verdict.NOT_MODIFIED),
        ({"if_unmodified_since": AT}, Verdict.WHOLE),
        ({"if_unmodified_since": AFTER}, Verdict.WHOLE),
        ({"if_unmodified_since": BEFORE}, Verdict.PRECONDITION_FAILED),
        ({"if_unmodified_since": BEFORE, "if_none_match": ETAG}, Verdict.PRECONDITION_FAILED),
        ({"if_unmodified_since": "yesterday"}, Verdict.WHOLE),
        ({"if_unmodified_since": f"{BEFORE}, {BEFORE}"}, Verdict.WHOLE),
        ({"if_none_match": ETAG}, Verdict.NOT_MODIFIED),
        ({"if_none_match": f"W/{ETAG}"}, Verdict.NOT_MODIFIED),
        ({"if_none_match": "*"}, Verdict.NOT_MODIFIED),
        ({"if_none_match": f'"x",W/"y",{ETAG}'}, Verdict.NOT_MODIFIED),
        ({"if_none_match": '"x"'}, Verdict.WHOLE),
        ({"if_none_match": "abc"}, Verdict.WHOLE),
        ({"if_none_match": '"x"', "if_modified_since": AFTER}, Verdict.WHOLE),
        ({"if_modified_since": AT}, Verdict.NOT_MODIFIED),
        ({"if_modified_since": AFTER}, Verdict.NOT_MODIFIED),
        ({"if_modified_since": BEFORE}, Verdict.WHOLE),
        ({"if_modified_since": "x"}, Verdict.WHOLE),
        ({"range": "bytes=0-1"}, Verdict.PART),
        ({"range": "bytes=0-1", "if_none_match": ETAG}, Verdict.NOT_MODIFIED),
        ({"range": "bytes=0-1", "if_modified_since": AT}, Verdict.NOT_MODIFIED),
        ({"range": "bytes=0-1", "if_match": '"x"'}, Verdict.PRECONDITION_FAILED),
        ({"range": "bytes=5000-", "if_match": '"x"'}, Verdict.PRECONDITION_FAILED),
        ({"range": "bytes=5000-", "if_none_match": ETAG}, Verdict.NOT_MODIFIED),
        ({"range": "bytes=5000-"}, Verdict.UNSATISFIABLE),
        ({"range": "bytes=0-1", "if_range": ETAG}, Verdict.PART),
        ({"range": "bytes=0-1", "if_range": AT}, Verdict.PART),
        ({"range": "bytes=5000-", "if_range": ETAG}, Verdict.UNSATISFIABLE),
        ({"range": "bytes=5000-", "if_range": '"x"'}, Verdict.WHOLE),
        ({"range": "bytes=0-1", "if_range": f"W/{ETAG}"}, Verdict.WHOLE),
        ({"range": "bytes=0-1", "if_range": '"x"'}, Verdict.WHOLE),
        ({"range": "bytes=0-1", "if_range": f"{ETAG}, {ETAG}"}, Verdict.WHOLE),
        ({"range": "bytes=0-1", "if_range": "*"}, Verdict.WHOLE),
        ({"range": "bytes=0-1", "if_range": BEFORE}, Verdict.WHOLE),
        ({"range": "bytes=0-1", "if_range": AFTER}, Verdict.WHOLE),
        ({"range": "bytes=0-1", "if_range": ""}, Verdict.WHOLE),
        ({"range": "bytes=0-1", "if_range": "abc"}, Verdict.WHOLE),
        ({"if_range": '"x"'}, Verdict.WHOLE),
    ],
)
def test_preconditions_are_asked_in_the_order_of_rfc_9110(
    fields: dict[str, str], verdict: Verdict
) -> None:
    assert decide("GET", Conditions(**fields), CURRENT, 1000, NOW).verdict is verdict


def test_every_mix_of_preconditions_takes_the_steps_of_section_13_2_2() -> None:
    choices = {
        "if_match": (None, ETAG, '"x"'),
        "if_unmodified_since": (None, AT, BEFORE),
        "if_none_match": (None, ETAG, '"x"'),
        "if_modified_since": (None, AT, BEFORE),
        "if_range": (None, ETAG, '"x"'),
        "range": (None, "bytes=1-2", "bytes=5000-"),
        "method": ("GET", "HEAD"),
    }
    for values in itertools.product(*choices.values()):
        match, unmodified, none_match, modified, if_range, wanted, method = values
        verdict = Verdict.WHOLE
        if match == '"x"' or (match is None and unmodified == BEFORE):
            verdict = Verdict.PRECONDITION_FAILED
        elif none_match == ETAG or (none_match is None and modified == AT):
            verdict = Verdict.NOT_MODIFIED
        elif method == "GET" and wanted and if_range != '"x"':
            verdict = Verdict.PART if wanted == "bytes=1-2" else Verdict.UNSATISFIABLE
        assert asked(**dict(zip(choices, values, strict=True))).verdict is verdict, values  # type: ignore[arg-type]


def test_head_is_answered_for_the_whole_file_and_keeps_its_preconditions() -> None:
    assert asked(method="HEAD", range="bytes=0-1") == Decision(Verdict.WHOLE, Span(0, 1000))
    assert asked(method="HEAD", range="bytes=5000-").verdict is Verdict.WHOLE
    assert asked(method="HEAD", if_none_match=ETAG).verdict is Verdict.NOT_MODIFIED
    assert asked(method="HEAD", if_match='"x"').verdict is Verdict.PRECONDITION_FAILED


def test_a_date_is_no_strong_validator_while_the_file_may_still_change_within_its_second() -> None:
    conditions = Conditions(range="bytes=0-1", if_range=AT)
    assert decide("GET", conditions, CURRENT, 1000, CHANGED + 1.9).verdict is Verdict.WHOLE
    assert decide("GET", conditions, CURRENT, 1000, CHANGED + 2.0).verdict is Verdict.PART


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800),  # a leap second
        (
            "Tuesday, 01-Jan-73 00:00:00 GMT",
            3250454400,
        ),  # 2073 is not more than 50 years after NOW (2023)
        ("Tuesday, 01-Jan-74 00:00:00 GMT", 126230400),  # 2074 is
        ("Sun, 06 Nov 1994 08:49:61 GMT", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("Sun, 6 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("Sun, ٠٦ Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT\n", None),
        ("784111777", None),
        ("", None),
    ],
)
def test_a_date_is_read_in_its_three_forms_and_no_other(field: str, seconds: int | None) -> None:
    assert parse_date(field, NOW) == seconds


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text('W/"abc, *\t', max_size=40))
def test_no_field_value_raises(date: str, wanted: str, tags: str) -> None:
    for method in ("GET", "HEAD"):
        decide(
            method,
            Conditions(if_unmodified_since=date, if_none_match=tags, if_range=tags, range=wanted),
            CURRENT,
            10,
            NOW,
        )
        decide(
            method,
            Conditions(if_match=tags, if_modified_since=date, if_range=date, range=wanted),
            CURRENT,
            10,
            NOW,
        )


def test_fields_of_one_name_count_as_one_list() -> None:
    headers = Headers(
        [
            ("If-None-Match", '"x"'),
            ("if-none-match", f" {ETAG} "),
            ("Range", "bytes=0-1"),
            ("Range", "bytes=5-6"),
        ]
    )
    conditions = Conditions.from_headers(headers)
    assert decide("GET", conditions, CURRENT, 1000, NOW).verdict is Verdict.NOT_MODIFIED
    assert conditions.range == "bytes=0-1, bytes=5-6"  # malformed, so it is ignored
    assert conditions.if_match is None


def test_long_hostile_fields_are_read_in_one_pass() -> None:
    # Each of these takes minutes where a pattern goes back and forth over it; here they just end.
    for field in (
        '"a",' * 100_000 + "x",
        '"' * 300_000,
        "," * 300_000 + "x",
        '"a"' + " " * 300_000 + "x",
    ):
        asked(if_match=field)
    for field in (
        "bytes=" + "1-2," * 100_000 + "x",
        "bytes=1-2" + " " * 300_000 + "x",
        "bytes=" + ", " * 150_000 + "x",
    ):
        asked(range=field)


def test_the_entity_tag_changes_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    tags: list[str] = []
    for content in (b"one", b"two", b"three"):
        file.write_bytes(content)
        os.utime(file, ns=(CHANGED * 10**9, CHANGED * 10**9 + len(tags)))
        tags.append(validators(file.stat(), NOW).etag)
    other = tmp_path / "other.mp4"
    other.write_bytes(b"three")
    os.utime(other, ns=(CHANGED * 10**9, CHANGED * 10**9 + 2))
    os.replace(other, file)
    tags.append(validators(file.stat(), NOW).etag)
    assert len(set(tags)) == 4
    assert all(re.fullmatch(r'"[0-9a-f]{24}"', tag) for tag in tags)
    assert validators(file.stat(), NOW) == validators(file.stat(), NOW + 1000)


def test_last_modified_is_never_in_the_future_nor_before_1970(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    file.touch()
    os.utime(file, (NOW + 5000, NOW + 5000))
    assert validators(file.stat(), NOW).modified_seconds == int(NOW)
    os.utime(file, (-5000, -5000))
    assert validators(file.stat(), NOW).modified_seconds == 0
