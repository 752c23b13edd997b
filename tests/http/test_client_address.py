"""The client's address of a request, and the limit on ratings per client."""

import ipaddress
from pathlib import Path

import pytest
from quart import Quart, request
from support.home import Home

from lvs.errors import TooManyRequests
from lvs.http.client_address import client_address, parse_address
from lvs.option_values import RateLimit
from lvs.services.rate_limit import MAX_VISITORS, RateLimiter

PROXIES = tuple(ipaddress.ip_network(network) for network in ("10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.168.1.5", (), "192.168.1.5"),
        ("192.168.1.5", ("6.6.6.6",), "192.168.1.5"),  # no trusted proxy: not believed
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("192.168.1.5",), "192.168.1.5"),
        (
            "10.0.0.1",
            ("6.6.6.6, 192.168.1.5",),
            "192.168.1.5",
        ),  # what the visitor wrote there himself stands in front
        ("10.0.0.1", ("6.6.6.6", "192.168.1.5"), "192.168.1.5"),
        ("10.0.0.1", ("192.168.1.5, 10.0.0.2",), "192.168.1.5"),
        ("10.0.0.1", ("192.168.1.5, fd00::2",), "192.168.1.5"),
        ("10.0.0.1", ("192.168.1.5:4711",), "192.168.1.5"),
        ("10.0.0.1", ("[2001:db8::7]:4711",), "2001:db8::7"),
        ("10.0.0.1", ("6.6.6.6, nonsense, 10.0.0.2",), "10.0.0.2"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("::ffff:192.168.1.5", (), "192.168.1.5"),
        ("fd00::1", ("::ffff:192.168.1.5",), "192.168.1.5"),
        ("", ("192.168.1.5",), ""),
    ],
)
async def test_only_trusted_proxies_say_whom_they_speak_for(
    peer: str, forwarded: tuple[str, ...], client: str
) -> None:
    headers = [("X-Forwarded-For", value) for value in forwarded] + [
        ("Forwarded", "for=7.7.7.7"),
        ("X-Real-IP", "8.8.8.8"),
        ("Remote-Addr", "9.9.9.9"),
    ]
    context = Quart(__name__).test_request_context("/", scope_base={"client": (peer, 50_000)})
    async with context:
        for name, value in headers:
            request.headers.add(name, value)
        assert client_address(request, PROXIES) == client


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "1.2.3",
        "1.2.3.4.5",
        "１.2.3.4",
        "1.2.3.4:x",
        "[::1",
        "1" * 5000,
        "::1]:80",
        "127.1",
    ],
)
def test_an_invalid_address_is_none(text: str) -> None:
    assert parse_address(text) is None


def test_a_visitor_is_let_through_as_often_as_the_limit_says() -> None:
    limiter = RateLimiter(RateLimit(3, 3600))
    for _ in range(3):
        limiter.check("192.168.1.5")
    with pytest.raises(TooManyRequests) as refused:
        limiter.check("192.168.1.5")
    assert 1 <= refused.value.retry_after_s <= 3600
    limiter.check("192.168.1.6")


def test_being_refused_does_not_count_and_the_window_moves_on() -> None:
    limiter = RateLimiter(RateLimit(1, 1))
    limiter.check("a")
    refusals = 0
    while True:  # ends when the second is over
        try:
            limiter.check("a")
        except TooManyRequests:
            refusals += 1
        else:
            break
    assert refusals > 0


def test_one_ipv6_network_is_one_visitor() -> None:
    limiter = RateLimiter(RateLimit(1, 3600))
    limiter.check("2001:db8:1:2::1")
    with pytest.raises(TooManyRequests):
        limiter.check("2001:db8:1:2:ffff:1:2:3")
    limiter.check("2001:db8:1:3::1")


def test_the_memory_for_visitors_is_bounded() -> None:
    limiter = RateLimiter(RateLimit(1, 3600))
    for number in range(MAX_VISITORS + 5):
        limiter.check(f"visitor {number}")
    assert len(limiter._times) == MAX_VISITORS
    limiter.check("visitor 0")  # forgotten
    with pytest.raises(TooManyRequests):
        limiter.check(f"visitor {MAX_VISITORS + 4}")


def test_no_limit_is_no_limit() -> None:
    limiter = RateLimiter(None)
    for _ in range(10_000):
        limiter.check("a")


async def test_ratings_over_the_limit_are_refused_with_the_time_to_wait(tmp_path: Path) -> None:
    async with Home(tmp_path, ratings_limit="3/3600", trusted_proxies=["10.0.0.0/8"]) as home:
        home.add("film.mp4")
        await home.scan()
        address = f"/api/ratings/{(await home.video('film.mp4')).media_hash}"

        async def post(value: object, visitor: str) -> tuple[int, str | None]:
            answer = await home.client.post(
                address,
                json={"value": value},
                headers={"X-Forwarded-For": visitor},
                scope_base={"client": ("10.1.1.1", 1)},
            )
            return answer.status_code, answer.headers.get("Retry-After")

        assert await post(4, "192.168.1.5") == (201, None)
        assert await post(5, "192.168.1.5") == (200, None)
        assert await post("nonsense", "192.168.1.5") == (
            400,
            None,
        )  # what changes nothing does not count
        assert await post(None, "192.168.1.5") == (200, None)
        status, seconds = await post(1, "192.168.1.5")
        assert status == 429
        assert seconds is not None
        assert 1 <= int(seconds) <= 3600
        refused = await home.client.delete(
            address,
            headers={"X-Forwarded-For": "192.168.1.5"},
            scope_base={"client": ("10.1.1.1", 1)},
        )
        assert refused.status_code == 429
        assert refused.mimetype == "application/problem+json"
        body = await refused.get_json()
        assert seconds.isdigit()
        assert "Try again in" in body["detail"]
        legacy = await home.client.post(
            "/rate",
            json={"filename": "film.mp4", "rating": 2},
            headers={"X-Forwarded-For": "192.168.1.5"},
            scope_base={"client": ("10.1.1.1", 1)},
        )
        assert legacy.status_code == 429
        assert await post(2, "192.168.1.6") == (201, None)
        # The refused changes changed nothing.
        assert (await (await home.client.get(address)).get_json())["user"] == {"value": 2}
