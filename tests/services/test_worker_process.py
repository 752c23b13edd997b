"""The programs of the workers, each from its first request to its end with the server."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from support.media import make_sound, make_video, name_chapters, quarters
from support.worker_program import WorkerProgram, program

from lvs import __version__
from lvs.models import Projection, Shape, Stereo
from lvs.services.library.fingerprint import fingerprint
from lvs.services.media.scene_request import SceneRequest

MEMORY_BYTES = str(2 << 30)
PLAYER = "lvs.services.playback.player_start"

pytestmark = pytest.mark.usefixtures("counted")


def asked(path: Path, **more: Any) -> dict[str, Any]:
    """A request for a probe."""
    plain: dict[str, Any] = {"name": "", "chosen": None, "content": "", "time_limit_s": 60}
    return {"path": os.fsencode(path).hex(), "posters": [], **plain, **more}


def poster(folder: Path, name: str, width: int, place: int | None = None) -> dict[str, Any]:
    """A poster to make, first whole under another name."""
    return {
        "width": width,
        "format": name.rpartition(".")[2],
        "path": os.fsencode(folder / "ab" / name).hex(),
        "partial": os.fsencode(folder / f"{name}.partial").hex(),
        "place": place,
        "quality": 80,
    }


def test_the_probe_worker_probes_films_and_draws_posters_and_scenes(tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mkv", seconds=6, size=(160, 90), sound=True)
    chapters = tmp_path / "chapters.mkv"
    name_chapters(film, chapters, ((0, 3000, "Out"), (3000, 6000, "Home")))
    beside = make_video(tmp_path / "walk_180_LR.mp4", size=(320, 160), seconds=1)
    turned = make_video(tmp_path / "turned.mp4", rotation=90, picture=quarters(64, 36))
    sound = make_sound(tmp_path / "sound.mp4")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    os.mkfifo(tmp_path / "pipe.mp4")
    with WorkerProgram(program("lvs.services.media.probe_worker", MEMORY_BYTES)) as worker:
        posters = [poster(tmp_path, "a" * 16 + ".jpg", 120), poster(tmp_path, "b.webp", 80, 0)]
        answer = worker.ask(**asked(film, posters=posters))
        assert answer["has_poster"] is True
        assert answer["probe"]["video_codec"] == "h264"
        assert answer["probe"]["duration_s"] == pytest.approx(6, abs=0.1)
        for kind, width in ((".jpg", 120), (".webp", 80)):
            [made] = (tmp_path / "ab").glob(f"*{kind}")
            with Image.open(made) as picture:
                assert picture.width == width

        assert [each[0] for each in worker.ask(**asked(chapters))["chapters"]] == ["Out", "Home"]
        answer = worker.ask(**asked(beside, posters=[poster(tmp_path, "c" * 16 + ".jpg", 90)]))
        assert answer["eye"] == "equirect180-sbs"
        assert worker.ask(**asked(turned))["probe"]["rotation"] == 90

        wanted = SceneRequest(
            *(6, Projection(Shape.FLAT, Stereo.MONO), 16 / 9),
            *(tmp_path / "scenes" / "sheet.webp", tmp_path / "sheet.partial"),
        )
        asked_scenes = wanted.as_json() | wanted.places()
        scenes = worker.ask(**asked(film, scenes=asked_scenes))["scenes"]
        assert len(scenes["times"]) == 6
        assert scenes["width"] > scenes["height"] > 0
        assert wanted.path.is_file()

        for path, reason in (
            (empty, "The file is empty."),
            (sound, "It holds sound but no picture."),
            (tmp_path, "It is not a regular file."),
            (tmp_path / "pipe.mp4", "It is not a regular file."),
        ):
            assert worker.ask(**asked(path))["unreadable"] == reason
        gone = worker.ask(**asked(tmp_path / "gone.mp4"))
        assert gone["unavailable"] == "It could not be read: No such file or directory."


def test_a_worker_on_another_machine_sends_posters_and_refuses_another_file(
    tmp_path: Path,
) -> None:
    film = make_video(tmp_path / "film.mp4", size=(160, 90))
    with WorkerProgram([sys.executable, "-m", "lvs", "worker", "--memory", MEMORY_BYTES]) as worker:
        assert worker.ask(hello=True) == {"lvs": __version__}
        there = {"root": os.fsencode(tmp_path).hex(), "path": b"film.mp4".hex()}
        request = asked(film, posters=[poster(tmp_path, "a.jpg", 80)]) | there
        answer = worker.ask(**request | {"content": fingerprint(os.fsencode(film))[0]})
        assert answer["has_poster"] is True
        assert len(answer["pictures"]) == 1
        assert not (tmp_path / "ab").exists()
        assert "elsewhere" in worker.ask(**request | {"content": "another"})
        gone = {"path": b"gone.mp4".hex(), "content": "any"}
        assert "No such file" in worker.ask(**request | gone)["elsewhere"]


def opening(path: Path) -> dict[str, Any]:
    """A request to open a film as it lies there now."""
    status = path.stat()
    version = [status.st_size, status.st_mtime_ns]
    return {"path": os.fsencode(path).hex(), "version": version, "duration_s": None}


def unlimited_threads(process_id: int) -> list[str]:
    """The threads of a process that the sandbox does not hold (proc(5), "Seccomp")."""
    if sys.platform != "linux":
        return []
    threads = Path(f"/proc/{process_id}/task").glob("*/status")
    return [text for one in threads if "Seccomp:\t2" not in (text := one.read_text("ascii"))]


def test_the_player_worker_makes_segments_until_the_file_changes(tmp_path: Path) -> None:
    film = make_video(tmp_path / "film.mkv", seconds=4, size=(160, 90), sound=True)
    with WorkerProgram(program(PLAYER, MEMORY_BYTES)) as worker:
        assert worker.make("init", variant="copy-a0")[0]["unreadable"] == "The video is not open."
        answer, _ = worker.make("open", **opening(film))
        assert answer["film"]["codec"] == "h264"
        assert unlimited_threads(worker.process_id) == []
        for variant in ("copy-a0", "h264-360-a0"):
            first, head = worker.make("init", variant=variant)
            second, segment = worker.make("segment", variant=variant, number=0)
            assert "processor_s" in first
            assert second["film_s"] > 0.5
            with av.open(io.BytesIO(head + segment)) as made:
                assert made.streams.video[0].codec_context.name == "h264"
        assert "missing" in worker.make("init", variant="odd")[0]
        assert "missing" in worker.make("subtitles", track=0)[0]
        worker.send(do="drop", id=10_000)  # of something that is answered already
        os.utime(film, ns=(0, 0))
        for do in ("init", "segment"):
            answer, _ = worker.make(do, variant="copy-a0", number=0)
            assert answer["changed"] == "The file was changed."


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda path: path.write_bytes(b"no film at all" * 100), "unreadable"),
        (lambda path: path.mkdir(), "unavailable"),
        (lambda path: path.symlink_to("/dev/null"), "unavailable"),
    ],
    ids=["no film", "folder", "link"],
)
def test_the_player_worker_says_why_it_opens_nothing(tmp_path: Path, make: Any, key: str) -> None:
    path = tmp_path / "film.mp4"
    make(path)
    with WorkerProgram(program(PLAYER, MEMORY_BYTES)) as worker:
        assert worker.make("open", **opening(path))[0][key]


def test_the_watch_worker_names_what_changed(tmp_path: Path) -> None:
    top = tmp_path / "Videos"
    (top / "Trips").mkdir(parents=True)
    arguments = [os.fsencode(top).hex(), '["Trash"]', str(1 << 29)]

    def changed(worker: WorkerProgram, name: str) -> None:
        """Read reports until one names this place."""
        while name.encode().hex() not in worker.line().get("changed", ()):
            pass

    with WorkerProgram(program("lvs.services.library.watch_worker", *arguments)) as worker:
        assert worker.line() == {"state": "watching"}
        (top / "film.mp4").write_bytes(b"film")
        changed(worker, "film.mp4")
        (top / "New").mkdir()
        changed(worker, "New")
        (top / "New" / "film.mp4").write_bytes(b"film")
        changed(worker, "New/film.mp4")
        (top / "Trips").rename(top / "Away")
        changed(worker, "Away")
    nowhere = [os.fsencode(tmp_path / "nowhere").hex(), "[]", str(1 << 29)]
    with WorkerProgram(program("lvs.services.library.watch_worker", *nowhere)) as worker:
        assert worker.line()["failed"] == "gone"
