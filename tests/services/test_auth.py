"""The password: who may come in with it, without it, and what trying costs.

Through real sockets where a visitor would be.
"""

import base64
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import argon2
import pytest
from support import loopback, processes
from support.home import Home
from support.wire import Answer, Wire

from lvs.errors import Invalid, TooManyRequests
from lvs.services import auth
from lvs.services.auth import AccessFile, Passwords
from lvs.services.back_off import FREE_TRIES, BackOff
from lvs.services.rate_limit import MAX_VISITORS

pytestmark = pytest.mark.usefixtures("counted")

PASSWORD = "correct horse"
FORM = "Content-Type: application/x-www-form-urlencoded"
HTML = "Accept: text/html,application/xhtml+xml"
CHANGES = [
    ("POST", "/videos/{}/rating", b"value=1"),
    ("POST", "/videos/{}/tags", b"tag=x"),
    ("POST", "/videos/{}/view", b""),
    ("POST", "/api/ratings/{}", b'{"value": 1}'),
    ("DELETE", "/api/ratings/{}", b""),
    ("PUT", "/api/videos/{}/favorite", b""),
    ("POST", "/rate", b'{"filename": "holiday.mp4", "rating": 1}'),
    ("POST", "/views", b"name=x"),
    ("POST", "/triage", b"video={}&rating=1"),
    ("POST", "/triage/undo", b"video={}&did=rated"),
    ("POST", "/videos/{}/poster", b"place=1"),
    ("POST", "/videos/{}/player", b"audio=0"),
    ("POST", "/admin/scan", b""),
    ("POST", "/admin/cache/refresh", b""),
]
SIGHTS = [
    "/",
    "/watch/holiday.mp4",
    "/video/holiday.mp4",
    "/thumbnail/{}.jpg",
    "/thumbnail/{}.webp?v=0123456789abcdef",
    "/v/{}",
    "/tags",
    "/api/videos",
    "/api/openapi.json",
    "/views",
    "/triage",
    "/search/suggestions?q=holi",
    "/videos/{}/poster",
    "/api/views",
    "/api/events",
    "/nowhere",
    "/random",
    "/unreadable",
    "/get_views",
]
ADMIN = [
    "/admin/performance",
    "/admin/performance.json",
    "/admin/cache/status",
    "/metrics",
    "/admin/nowhere",
    "/ping?deep=1",
]
OPEN = ["/sign-in", "/static/lvs.css", "/ping"]


async def film(home: Home) -> str:
    home.add("holiday.mp4")
    await home.scan()
    return (await home.video("holiday.mp4")).media_hash


async def sign_in(wire: Wire, password: str = PASSWORD, target: str = "", *more: str) -> Answer:
    return await wire.ask(
        "/sign-in", [FORM, *more], "POST", f"password={password}&next={target}".encode()
    )


async def session(wire: Wire) -> str:
    """The header that shows that one gave the password."""
    answer = await sign_in(wire)
    assert answer.status == 303
    return "Cookie: " + answer.headers["set-cookie"].partition(";")[0]


async def test_nothing_is_seen_or_changed_without_the_password(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home, Wire(home.app) as wire:
        media_hash = await film(home)
        for target in SIGHTS + ADMIN:
            for method in ("GET", "HEAD"):
                answer = await wire.ask(target.format(media_hash), method=method)
                assert answer.status == 401, target
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert answer.headers["cache-control"] == "no-store"
                assert b"holiday" not in answer.body.replace(target.encode(), b"")
        for method, target, body in CHANGES:
            assert (
                await wire.ask(target.format(media_hash), method=method, body=body)
            ).status == 401
        assert (await home.services.ratings.get(media_hash)).value is None
        for target in OPEN:
            assert (await wire.ask(target)).status == 200
        for method, target in (("GET", "/static/nothing"), ("OPTIONS", "/nothing")):
            answer = await wire.ask(target, [HTML], method)
            assert answer.status == 404
            assert b"holiday" not in answer.body


async def test_a_signed_in_visitor_may_do_everything(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home, Wire(home.app) as wire:
        media_hash = await film(home)
        cookie = await session(wire)
        for target in (
            "/",
            "/watch/holiday.mp4",
            "/video/holiday.mp4",
            f"/thumbnail/{media_hash}.jpg",
            "/api/videos",
            "/admin/cache/status",
        ):
            assert (await wire.ask(target, [cookie])).status == 200, target
        assert (
            await wire.ask(f"/videos/{media_hash}/rating", [cookie, FORM], "POST", b"value=4")
        ).status == 303
        assert (await home.services.ratings.get(media_hash)).value == 4
        picture = await wire.ask(f"/thumbnail/{media_hash}.jpg", [cookie])
        assert "public" not in picture.headers["cache-control"]


async def test_the_session_cookie_is_for_this_site_s_requests_only(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home, Wire(home.app) as wire:
        attributes = (await sign_in(wire)).headers["set-cookie"].split("; ")[1:]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
        stranger = await sign_in(wire, PASSWORD, "", "Origin: http://evil.example.com")
        assert stranger.status == 403
        assert "set-cookie" not in stranger.headers


async def test_a_page_leads_to_the_sign_in_page_and_back(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home, Wire(home.app) as wire:
        await film(home)
        answer = await wire.ask("/watch/holiday.mp4?sort=title", [HTML])
        assert answer.status == 303
        assert answer.headers["location"] == "/sign-in?next=%2Fwatch%2Fholiday.mp4%3Fsort%3Dtitle"
        page = await wire.ask(answer.headers["location"], [HTML])
        assert page.status == 200
        assert 'value="/watch/holiday.mp4?sort=title"' in page.text
        assert 'autocomplete="current-password"' in page.text
        assert (await sign_in(wire, PASSWORD, "/watch/holiday.mp4")).headers[
            "location"
        ] == "/watch/holiday.mp4"
        for elsewhere in ("//evil.com", "http://evil.com/", "/\\evil.com", "javascript:alert(1)"):
            assert (await sign_in(wire, PASSWORD, elsewhere)).headers["location"] == "/"


async def test_htmx_gets_a_toast_that_leads_to_the_sign_in_page(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD, protect="changes") as home, Wire(home.app) as wire:
        media_hash = await film(home)
        partial = [
            "HX-Request: true",
            "HX-Request-Type: partial",
            "HX-Current-URL: http://localhost/watch/holiday.mp4",
            FORM,
        ]
        answer = await wire.ask(f"/videos/{media_hash}/rating", partial, "POST", b"value=4")
        assert answer.status == 401
        assert 'href="/sign-in?next=%2Fwatch%2Fholiday.mp4"' in answer.text
        assert "<html" not in answer.text


async def test_a_wrong_password_is_said_to_be_wrong(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home, Wire(home.app) as wire:
        answer = await sign_in(wire, "wrong")
        assert answer.status == 401
        assert "Wrong password" in answer.text
        assert "set-cookie" not in answer.headers


async def test_trying_again_and_again_takes_longer_and_longer(tmp_path: Path) -> None:
    async with (
        Home(tmp_path, password=PASSWORD, trusted_proxies=["127.0.0.1"]) as home,
        Wire(home.app) as wire,
    ):
        me, other = "X-Forwarded-For: 192.168.1.5", "X-Forwarded-For: 192.168.1.6"
        for _ in range(FREE_TRIES):
            assert (await sign_in(wire, "wrong", "", me)).status == 401
        answer = await sign_in(wire, PASSWORD, "", me)  # even the right one has to wait now
        assert answer.status == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert "set-cookie" not in answer.headers
        assert (await sign_in(wire, PASSWORD, "", other)).status == 303


async def test_without_a_trusted_proxy_nobody_can_borrow_another_s_tries(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home, Wire(home.app) as wire:
        for number in range(FREE_TRIES):
            await sign_in(
                wire,
                "wrong",
                "",
                f"X-Forwarded-For: 192.168.1.{number}",
                f"Remote-Addr: 10.0.0.{number}",
            )
        assert (await sign_in(wire, "wrong", "", "X-Forwarded-For: 192.168.1.99")).status == 429


async def test_waits_double_up_to_a_quarter_of_an_hour_and_end_with_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    access = Passwords(tmp_path, PASSWORD)
    waits = []
    for _ in range(FREE_TRIES + 11):
        assert not await access.check("wrong", "192.168.1.5")
        try:
            await access.check("wrong", "192.168.1.5")
        except TooManyRequests as error:
            waits.append(error.retry_after_s)
            now += error.retry_after_s
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 900
    assert await access.check(PASSWORD, "192.168.1.5")
    assert not await access.check("wrong", "192.168.1.5")
    assert await access.check(PASSWORD, "192.168.1.5")


def test_the_memory_for_failures_is_bounded() -> None:
    back_off = BackOff()
    for number in range(MAX_VISITORS + 50):
        back_off.note(f"10.0.{number // 250}.{number % 250}", right=False)
    assert len(back_off._failures) == MAX_VISITORS


async def test_guests_may_watch_where_only_changes_are_protected(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD, protect="changes") as home, Wire(home.app) as wire:
        media_hash = await film(home)
        for target in (
            "/",
            "/watch/holiday.mp4",
            "/video/holiday.mp4",
            f"/thumbnail/{media_hash}.jpg",
            "/api/videos",
            "/tags",
        ):
            assert (await wire.ask(target)).status == 200, target
        for target in ADMIN:
            assert (await wire.ask(target)).status == 401, target
        for method, target, body in CHANGES:
            assert (
                await wire.ask(target.format(media_hash), method=method, body=body)
            ).status == 401, target
        assert (await home.services.ratings.get(media_hash)).value is None
        cookie = await session(wire)
        assert (await wire.ask("/admin/cache/status", [cookie])).status == 200
        assert (
            await wire.ask(f"/videos/{media_hash}/rating", [cookie, FORM], "POST", b"value=4")
        ).status == 303


async def test_a_program_comes_in_with_its_token(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home, Wire(home.app) as wire:
        media_hash = await film(home)
        token = AccessFile(home.data).add_token("backup script")
        await home.until(lambda: home.services.passwords.is_token(token))
        for scheme in ("Bearer", "bearer"):
            answer = await wire.ask(
                f"/api/ratings/{media_hash}",
                [f"Authorization: {scheme} {token}", "Content-Type: application/json"],
                "POST",
                b'{"value": 2}',
            )
            assert answer.status in {200, 201}
        for wrong in ("", token[:-1], token + "x", token.upper(), "lvs_", "\u00e9"):
            assert (await wire.ask("/api/videos", [f"Authorization: Bearer {wrong}"])).status == 401
        assert (
            await wire.ask(
                "/api/videos",
                [f"Authorization: Basic {base64.b64encode(f'x:{token}'.encode()).decode()}"],
            )
        ).status == 401
        AccessFile(home.data).revoke_token("backup script")
        await home.until(lambda: not home.services.passwords.is_token(token))
        assert (await wire.ask("/api/videos", [f"Authorization: Bearer {token}"])).status == 401


async def test_a_session_that_was_tampered_with_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Passwords(tmp_path, PASSWORD)
    given = access.new_session()
    assert access.is_session(given)
    expires, nonce, signature = given.split(".")
    for strange in (
        "",
        "..",
        f"{int(expires) + 1}.{nonce}.{signature}",
        f"{expires}.{nonce[::-1]}.{signature}",
        f"{expires}.{nonce}.{'0' * 64}",
        f"{expires}.{nonce}",
        f" {given}",
        f"{given}\n",
        f"{expires}.{nonce}.{signature.upper()}",
        "9" * 5000,
    ):
        assert not access.is_session(strange), strange
    assert not Passwords(tmp_path, "another password").is_session(given)
    assert Passwords(tmp_path, PASSWORD).is_session(given)  # a restart ends no session
    monkeypatch.setattr(time, "time", lambda: int(expires) + 1)
    assert not access.is_session(given)


async def test_a_password_counts_within_a_second_and_a_new_one_ends_the_sessions(
    home: Home,
) -> None:
    async with Wire(home.app) as wire:
        assert (await wire.ask("/")).status == 200
        AccessFile(home.data).set_password(PASSWORD)

        async def closed() -> bool:
            return (await wire.ask("/")).status == 401

        await home.until(closed)
        cookie = await session(wire)
        assert (await wire.ask("/", [cookie])).status == 200
        AccessFile(home.data).set_password("another password")

        async def ended() -> bool:
            return (await wire.ask("/", [cookie])).status == 401

        await home.until(ended)
        AccessFile(home.data).remove_password()

        async def opened() -> bool:
            return (await wire.ask("/")).status == 200

        await home.until(opened)


async def test_signing_out_takes_the_cookie_away(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home, Wire(home.app) as wire:
        cookie = await session(wire)
        assert "You are signed in" in (await wire.ask("/sign-in", [cookie])).text
        answer = await wire.ask("/sign-out", [cookie, FORM], "POST")
        assert answer.status == 303
        assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_a_password_file_that_is_damaged_lets_nobody_in(home: Home) -> None:
    for content in (
        "",
        "{}",
        "[]",
        '{"password": 5, "tokens": {}}',
        '{"password": "", "tokens": {"a": 1}}',
        "[" * 100_000,
    ):
        (home.data / auth.FILE).write_text(content)
        access = Passwords(home.data, "")
        assert access.required
        assert not await access.check("", "192.168.1.5")
        assert not access.is_token("")
        assert not access.is_session(access.new_session().replace(".", "", 1))


async def test_stored_secrets_are_hashed_and_private(tmp_path: Path) -> None:
    file = AccessFile(tmp_path)
    file.set_password(PASSWORD)
    token = file.add_token("phone")
    assert await Passwords(tmp_path, "").check(PASSWORD, "192.168.1.5")
    Passwords(tmp_path, "").new_session()
    stored = json.loads(file.path.read_text())
    assert stored["password"].startswith("$argon2id$")
    assert (
        argon2.extract_parameters(stored["password"]).memory_cost >= 19 * 1024
    )  # what OWASP asks for at the least
    assert PASSWORD not in file.path.read_text()
    assert token not in file.path.read_text()
    for path in (file.path, tmp_path / auth.KEY_FILE):
        assert path.stat().st_mode & 0o077 == 0


async def test_letters_count_as_the_same_whichever_keyboard_wrote_them(tmp_path: Path) -> None:
    AccessFile(tmp_path).set_password("Caf\u00e9 cr\u00e8me")
    assert await Passwords(tmp_path, "").check("Cafe\u0301 cre\u0300me", "192.168.1.5")


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
async def test_a_password_has_a_length(tmp_path: Path, password: str) -> None:
    with pytest.raises(Invalid, match="at least 8"):
        AccessFile(tmp_path).set_password(password)
    assert not Passwords(tmp_path, "").required


async def test_strangers_from_outside_may_sign_in_once_there_is_a_password(tmp_path: Path) -> None:
    async with Home(tmp_path, password=PASSWORD) as home:
        answer = await home.client.get("/sign-in", scope_base={"client": ("8.8.8.8", 4711)})
        assert answer.status_code == 200
        assert (
            await home.client.get("/", scope_base={"client": ("8.8.8.8", 4711)})
        ).status_code == 401


async def test_credentials_are_shared_with_named_origins_only(tmp_path: Path) -> None:
    origins = ["http://nas.local:3000", "https://films.example.org"]
    async with (
        Home(tmp_path, password=PASSWORD, allowed_origins=origins) as home,
        Wire(home.app) as wire,
    ):
        cookie = await session(wire)
        for origin, allowed in (
            ("http://nas.local:3000", True),
            ("https://films.example.org", True),
            ("http://nas.local", False),
            ("http://192.168.1.7", False),
        ):
            for method, headers in (
                ("GET", [cookie]),
                ("OPTIONS", ["Access-Control-Request-Method: POST"]),
                ("GET", []),
            ):
                answer = await wire.ask("/api/videos", [*headers, f"Origin: {origin}"], method)
                assert answer.headers["access-control-allow-origin"] == origin
                assert ("access-control-allow-credentials" in answer.headers) is allowed
    async with Home(tmp_path, allowed_origins=[*origins, "*"]) as home, Wire(home.app) as wire:
        for origin in (*origins, "http://evil.example.com"):
            assert (
                "access-control-allow-credentials"
                not in (await wire.ask("/api/videos", [f"Origin: {origin}"])).headers
            )


async def test_a_page_of_another_port_cannot_borrow_the_session(tmp_path: Path) -> None:
    """Browsers take another port for the same site, so the cookie comes along with its requests
    (RFC 6265bis section 5.2).
    """
    named, other = "http://localhost:5001", "http://localhost:5000"
    async with (
        Home(tmp_path, password=PASSWORD, allowed_origins=[named]) as home,
        Wire(home.app) as wire,
    ):
        views = (
            f"/api/videos/{await film(home)}/views"  # a change for which browsers do not ask first
        )
        cookie = await session(wire)
        token = AccessFile(home.data).add_token("page")
        await home.until(lambda: home.services.passwords.is_token(token))
        bearer = f"Authorization: Bearer {token}"
        for site in ([], ["Sec-Fetch-Site: same-site"]):
            assert (
                await wire.ask(views, [cookie, f"Origin: {other}", *site], "POST")
            ).status == 403
            assert (
                await wire.ask(views, [bearer, f"Origin: {other}", *site], "POST")
            ).status == 200
            assert (
                await wire.ask(views, [cookie, f"Origin: {named}", *site], "POST")
            ).status == 200
        assert json.loads((await wire.ask(views, [cookie])).body) == {"views": 4}


def test_the_command_sets_lists_and_removes(tmp_path: Path) -> None:
    def password(*flags: str, given: str = "") -> tuple[int, str]:
        command = [
            sys.executable,
            "-m",
            "lvs",
            "password",
            "--data",
            tmp_path / "data",
            *flags,
        ]
        done = subprocess.run(
            list(map(str, command)),
            input=given,
            env=processes.environment(tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    assert password("--list") == (0, "There is no password.\nThere are no tokens.\n")
    assert password(given="short\n")[0] == 2
    assert password(given=f"{PASSWORD}\n") == (
        0,
        "Set. Whoever was signed in must sign in again.\n",
    )
    code, token = password("--token", "phone")
    assert code == 0
    assert re.fullmatch(r"lvs_[A-Za-z0-9_-]{43}\n", token)
    assert password("--token", "phone")[0] == 2
    assert password("--token", "../../x")[0] == 2
    assert password("--list") == (0, "There is a password.\ntoken: phone\n")
    assert Passwords(tmp_path / "data", "").is_token(token.strip())
    assert password("--revoke", "phone")[0] == 0
    assert password("--revoke", "phone")[0] == 2
    assert password("--remove")[0] == 0
    assert password("--remove") == (2, "lvs: There is no password.\n")


def test_the_password_in_the_environment_is_shown_nowhere(tmp_path: Path) -> None:
    for flags in ((), ("--json",)):
        shown = processes.run("config", *flags, cwd=tmp_path, LVS_PASSWORD=PASSWORD)
        assert PASSWORD not in shown.stdout + shown.stderr
        assert "*****" in shown.stdout
    (tmp_path / "config.json").write_text('{"password": 123456789}')
    refused = processes.run("config", cwd=tmp_path)
    assert refused.returncode == 2
    assert "123456789" not in refused.stderr


def test_the_password_in_the_environment_counts(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    command = [
        sys.executable,
        "-m",
        "lvs",
        "serve",
        tmp_path / "films",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    with (
        processes.Server(command, tmp_path, LVS_PASSWORD=PASSWORD) as server,
        loopback.Client(base_url=server.address) as browser,
    ):
        assert browser.get("/api/videos").status_code == 401
        assert browser.post("/sign-in", data={"password": PASSWORD}).status_code == 303
        assert browser.get("/api/videos").status_code == 200
        assert PASSWORD not in server.errors


async def test_the_dashboard_says_plainly_that_there_is_no_password(tmp_path: Path) -> None:
    message = "No password is set"
    async with Home(tmp_path / "open") as home, Wire(home.app) as wire:
        assert message in (await wire.ask("/admin/performance")).text
    async with Home(tmp_path / "closed", password=PASSWORD) as home, Wire(home.app) as wire:
        cookie = await session(wire)
        page = await wire.ask("/admin/performance", [cookie])
        assert page.status == 200
        assert message not in page.text
