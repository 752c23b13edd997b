"""The reference for LVS's pages: a plain Flask application on waitress, as a good Flask
developer would write it.

It shows the same 60 cards from the same database file with the same templates, pages by keys and
not by offsets, keeps a connection per thread, asks with few indexed queries, and rates with the
same durability (WAL, `synchronous=FULL`).

`python benchmarks/reference/app.py lvs.db 8901`
"""

import base64
import json
import sqlite3
import sys
import threading
import time
from typing import Any

from flask import Flask, Response, abort, render_template, request
from jinja2 import ChainableUndefined, ChoiceLoader, FileSystemLoader, PrefixLoader

from lvs.db.gallery import COLUMNS, SORT_COLUMNS, card_of
from lvs.models import Cursor, Page, Progress, Query, Root, Sort
from lvs.paths import partials_folder, static_folder, templates_folder
from lvs.web import templates
from lvs.web.urls import Urls, gallery_url, starts_descending

PAGE_SIZE = 60
THREADS = 8


def create_app(database: str) -> Flask:
    """The application around one database file."""
    app = Flask("reference", static_folder=str(static_folder()))
    local = threading.local()
    root = Root(1, b"Videos", "Videos")

    def db() -> sqlite3.Connection:
        if not hasattr(local, "db"):
            local.db = sqlite3.connect(
                database, isolation_level=None, timeout=10, cached_statements=256
            )
            local.db.row_factory = sqlite3.Row
            for pragma in ("synchronous = FULL", "foreign_keys = ON", "cache_size = -16384"):
                local.db.execute(f"PRAGMA {pragma}")
        return local.db  # type: ignore[no-any-return]

    app.jinja_options = {
        "undefined": ChainableUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    app.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(templates_folder()),
            PrefixLoader({"partials": FileSystemLoader(partials_folder())}),
        ]
    )
    addresses = Urls(lambda: {1: root})
    static = templates.Templates(addresses, static_folder())

    def rendered(template: str, **values: Any) -> Any:
        return templates.Markup(app.jinja_env.get_template(template).render(values))

    def drawn(cards: Any, query: Query, first: bool, headings: Any) -> Any:
        # As quick as Jinja renders it in a loop: no request context is set up for each card.
        card = app.jinja_env.get_template("partials/video_card.html")
        return templates.Markup(
            "".join(
                card.render(card=each, query=query, eager=2 if first and place < 4 else 0)
                for place, each in enumerate(cards)
            )
        )

    # what LVS keeps of earlier pages is rendered here each time
    kept = {"drawn": drawn, "kept": rendered, "unchanging": rendered}
    app.jinja_env.globals.update(static.environment.globals | kept)
    app.jinja_env.globals["gallery_url"] = templates.address_of_gallery
    app.jinja_env.filters.update(static.environment.filters)

    @app.get("/")
    def gallery() -> str:
        sort = Sort(request.args.get("sort", "added"))
        order = request.args.get("order")
        descending = order == "desc" if order else starts_descending(sort)
        query = Query(
            sort=sort,
            descending=descending,
            min_rating=int(request.args.get("min_rating", 0)),
            tags=tuple(request.args.getlist("tag")),
        )
        where, values = conditions(query)
        column, direction, behind = (
            SORT_COLUMNS[sort],
            *(("DESC", "<") if descending else ("ASC", ">")),
        )
        total = (
            db().execute(f"SELECT count(*) FROM gallery g {joined(where)}", values).fetchone()[0]
        )
        start = None
        if "after" in request.args:
            text = request.args["after"]
            start = Cursor(*json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
            where.append(f"(g.{column}, g.video_id) {behind} (:key, :id)")
            values |= {"key": start.key, "id": start.video_id}
        sql = f"""
            SELECT {COLUMNS}, g.{column} AS sort_key FROM gallery g {joined(where)}
            ORDER BY g.{column} {direction}, g.video_id {direction} LIMIT {PAGE_SIZE + 1}
        """
        rows = db().execute(sql, values).fetchall()
        following = (
            Cursor(rows[PAGE_SIZE - 1]["sort_key"], rows[PAGE_SIZE - 1]["video_id"])
            if len(rows) > PAGE_SIZE
            else None
        )
        page = Page(tuple(card_of(row) for row in rows[:PAGE_SIZE]), following, start)
        tags = (
            db()
            .execute(
                "SELECT name, listed AS count FROM tags WHERE listed > 0 ORDER BY listed DESC, key"
                " LIMIT 40"
            )
            .fetchall()
        )
        folders = (
            db()
            .execute("SELECT folder, videos FROM folder_counts WHERE videos > 0 ORDER BY folder")
            .fetchall()
        )
        return render_template(
            "gallery.html",
            page=page,
            query=query,
            next_url=gallery_url(query, after=following) if following else None,
            refresh_url=gallery_url(query, after=start, until=following),
            total=total,
            heading="All videos",
            message=f"{total:,} videos · sorted by {templates.SORT_LABELS[sort].lower()}",
            chips=[],
            controls=[],
            facets=[dict(row) for row in tags],
            folders=[
                (row["folder"].decode(), row["folder"].decode(), row["videos"]) for row in folders
            ],
            progress=Progress(
                scanning=False, scans_ended=1, files_seen=0, files_added=0, to_probe=0, version=1
            ),
            status_url="/library/status?version=1",
            roots=["Videos"],
            formats=["mp4"],
            drop=[],
            current="home",
            search="",
            theme="auto",
            large=False,
            page_url=request.full_path.rstrip("?"),
        )

    @app.post("/videos/<media_hash>/rating")
    def rate(media_hash: str) -> Response:
        stars, now = int(request.form["value"]), time.time_ns()
        if not 1 <= stars <= 5:
            abort(400)
        try:
            db().execute("BEGIN IMMEDIATE")
            row = (
                db().execute("SELECT id FROM videos WHERE media_hash = ?", (media_hash,)).fetchone()
            )
            if row is None:
                abort(404)
            old = (
                db()
                .execute("SELECT value FROM ratings WHERE video_id = ?", (row["id"],))
                .fetchone()
            )
            db().execute(
                """
                INSERT INTO ratings (video_id, value, created_at, updated_at)
                VALUES (:id, :stars, :at, :at)
                ON CONFLICT (video_id) DO UPDATE
                SET value = excluded.value, updated_at = excluded.updated_at
                """,
                {"id": row["id"], "stars": stars, "at": now // 1_000_000},
            )
            db().execute(
                "INSERT INTO changes (at, video_id, what, old, new, client) VALUES (?, ?, 'rating',"
                " ?, ?, ?)",
                (
                    now // 1_000_000,
                    row["id"],
                    str(old["value"]) if old else None,
                    str(stars),
                    request.remote_addr,
                ),
            )
            db().execute(
                "UPDATE gallery SET rating = ?, version = ? WHERE video_id = ?",
                (stars, now, row["id"]),
            )
            db().execute("COMMIT")
        finally:
            if db().in_transaction:
                db().execute("ROLLBACK")
        return Response(
            render_template("partials/rating.html", media_hash=media_hash, value=stars, error="")
        )

    return app


def conditions(query: Query) -> tuple[list[str], dict[str, Any]]:
    """The address's filters as SQL."""
    where: list[str] = []
    values: dict[str, Any] = {}
    if query.min_rating:
        where.append("g.rating >= :min_rating")
        values["min_rating"] = query.min_rating
    for number, tag in enumerate(query.tags):
        where.append(
            "g.video_id IN (SELECT vt.video_id FROM video_tags vt JOIN tags t ON t.id = vt.tag_id"
            f" WHERE t.key = :tag{number})"
        )
        values[f"tag{number}"] = tag
    return where, values


def joined(where: list[str]) -> str:
    """`WHERE …`, or nothing."""
    return "WHERE " + " AND ".join(where) if where else ""


if __name__ == "__main__":
    import waitress  # who only asks the application does without it

    waitress.serve(
        create_app(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), threads=THREADS
    )
