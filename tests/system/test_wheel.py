"""The wheel holds all that the program needs, and serves from wherever it is installed."""

import os
import re
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from support import loopback, processes
from support.places import PROJECT


def called(*command: str | Path, cwd: Path) -> str:
    answer = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    called(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        PROJECT,
        cwd=folder,
    )
    return next(folder.glob("local_video_server-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `lvs` program in a new environment that has the wheel, and sees the libraries of this one
    but not its checkout.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    # A path named in a .pth file is searched, but the .pth files in it (such as that of an editable
    # install) are not read.
    libraries = called(
        programs / "python",
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'))",
        cwd=folder,
    ).strip()
    (Path(libraries) / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    pip = (
        sys.executable,
        "-m",
        "pip",
        "--python",
        programs / "python",
        "--disable-pip-version-check",
    )
    called(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    return programs / "lvs"


def test_the_wheel_holds_every_file_that_is_not_code(wheel: Path) -> None:
    package = PROJECT / "src" / "lvs"
    wanted = {
        f"lvs/{path.relative_to(base).as_posix()}"
        for base, folder in (
            (PROJECT, "static"),
            (package, "templates"),
            (package, "partials"),
            (package, "db/migrations"),
        )
        for path in (base / folder).rglob("*")
        if path.is_file()
    }
    assert {name.rpartition(".")[2] for name in wanted} >= {"html", "sql", "css", "js"}
    with zipfile.ZipFile(wheel) as archive:
        assert wanted <= set(archive.namelist())


def test_the_wheel_holds_the_code_and_nothing_else(wheel: Path) -> None:
    code = {
        f"lvs/{path.relative_to(PROJECT / 'src' / 'lvs').as_posix()}"
        for path in (PROJECT / "src" / "lvs").rglob("*.py")
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert {name for name in names if name.endswith(".py")} == code
        assert "lvs/py.typed" in names
        assert {name.partition("/")[0].partition("-")[0] for name in names} == {
            "lvs",
            "local_video_server",
        }
        assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_program_serves_from_any_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    place = called(
        installed.parent / "python",
        "-c",
        "import lvs.paths as p; print(p.__file__, p.static_folder())",
        cwd=tmp_path,
    )
    assert str(PROJECT) not in place

    command: list[str | Path] = [
        installed,
        "serve",
        "films",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--data",
        "data",
    ]
    with (
        processes.Server(command, cwd=tmp_path) as running,
        loopback.Client(base_url=running.address) as client,
    ):
        assert client.get("/ping").json()["status"] == "ok"
        page = client.get("/")
        assert page.status_code == 200
        addresses = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
        assert {Path(address.partition("?")[0]).suffix for address in addresses} >= {".css", ".js"}
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 200
            assert answer.content
        assert running.stop() == 0
