"""The house stands as docs and STYLE say: imports point downward, SQL stays in db, HTTP stays out
of the services.
"""

import ast
import contextlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import lvs
from lvs.paths import static_folder

PACKAGE = Path(lvs.__file__).parent

# From the top floor to the ground. A module may import from its own floor and those below it.
FLOORS = (
    {"__main__"},
    {"cli"},
    {"commands"},
    {
        "import_report",
        "terminal",
        "server",
        "serving",
        "listening",
        "stopper",
        "lock",
        "folders",
        "certificates",
        "tls_renewal",
    },
    {"app"},
    {"routes"},
    {"web"},
    {"http"},
    {"services"},
    {"db"},
    {"filters"},
    {
        "__init__",
        "clock",
        "config",
        "config_sources",
        "errors",
        "file_systems",
        "logs",
        "models",
        "option_values",
        "paths",
        "playability",
        "process_limits",
        "random_order",
        "relevance",
        "sd_notify",
        "titles",
        "versions",
        "viewer",
    },
    {"text", "worker_address"},
)
WEB = {"quart", "quart_schema", "werkzeug", "hypercorn", "jinja2"}
DATABASE = {"sqlite3", "aiosqlite"}

SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|(CREATE|DROP|ALTER)\s+(TABLE|INDEX)|PRAGMA\s+\w+)\b",
    re.DOTALL,
)


def modules() -> list[str]:
    """Every module of the package, by its path within it."""
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_bytes(), module)


def imported(module: str) -> Iterator[tuple[str, ...]]:
    """The full names that a module imports, as tuples of their parts; `from lvs import x` counts as
    `lvs.x`.
    """
    package = ("lvs", *Path(module).parts[:-1])
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = (*start, *(node.module.split(".") if node.module else ()))
            yield from ((*base, alias.name) for alias in node.names)


def floor(room: str) -> int:
    found = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert found, f"lvs.{room} has no floor yet: say in FLOORS where it stands"
    return found[0]


def room(module: str) -> str:
    return Path(module).parts[0].removesuffix(".py")


def test_imports_point_downward() -> None:
    upward = [
        f"{module} imports {name}"
        for module in modules()
        for name in {parts[1] for parts in imported(module) if parts[0] == "lvs" and parts[1:]}
        if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()
        if floor(name) < floor(room(module))
    ]
    assert upward == []


@pytest.mark.parametrize(
    "module",
    ["errors.py", "logs.py", "models.py", "paths.py", "text.py", "titles.py", "worker_address.py"],
)
def test_the_ground_floor_stands_alone(module: str) -> None:
    """A module there may still stand on what lies below."""
    names = {parts[1] for parts in imported(module) if parts[0] == "lvs"}
    assert not {name for name in names if floor(name) <= floor(room(module))}


def test_the_lowest_floor_stands_alone() -> None:
    for name in FLOORS[-1]:
        assert not {parts for parts in imported(f"{name}.py") if parts[0] == "lvs"}


def test_every_library_is_used_in_its_room() -> None:
    used = {module: {parts[0] for parts in imported(module)} for module in modules()}
    speaks_http = {module for module, names in used.items() if names & WEB}
    assert {room(module) for module in speaks_http} <= {
        "routes",
        "web",
        "http",
        "app",
        "server",
        "serving",
    }
    speaks_to_database = {module for module, names in used.items() if names & DATABASE}
    assert {room(module) for module in speaks_to_database} == {"db"}


def test_the_server_process_never_loads_the_decoder() -> None:
    """A hostile video takes down the process that decodes it, never the one that serves."""
    program = "import sys, lvs.app, lvs.server, lvs.cli; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def texts(module: str) -> Iterator[str]:
    """The texts of a module that are no docstrings."""
    found = tree(module)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(found)
        if isinstance(node, documented)
        and ast.get_docstring(node)
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(found):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield text


def test_sql_stays_in_db() -> None:
    elsewhere = [module for module in modules() if room(module) != "db"]
    assert [
        (module, text) for module in elsewhere for text in texts(module) if SQL.search(text)
    ] == []


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT id\nFROM videos", True),
        ("INSERT OR IGNORE INTO tags (name) VALUES (?)", True),
        ("UPDATE videos SET title = ?", True),
        ("PRAGMA user_version", True),
        ("Update the page", False),
        ("Select one from the list", False),
    ],
)
def test_sql_is_recognised(text: str, is_sql: bool) -> None:
    assert bool(SQL.search(text)) == is_sql


def test_imports_are_recognised_however_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "one.py").write_text(
        "import a.b\nfrom lvs import app\nfrom lvs.routes.x import y\nfrom ..services import"
        " z\nfrom . import v\n"
    )
    expected = {
        ("a", "b"),
        ("lvs", "app"),
        ("lvs", "routes", "x", "y"),
        ("lvs", "services", "z"),
        ("lvs", "db", "v"),
    }
    assert set(imported("db/one.py")) == expected


def test_no_class_name_exists_twice() -> None:
    names = Counter(
        node.name
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ClassDef)
    )
    assert not [name for name, count in names.items() if count > 1]


CLAUSE = r"(who(se|ever)?|what(ever)?|whether|how|when|where|which|why)\b"


def test_docstrings_begin_with_a_noun_or_a_verb() -> None:
    clauses = [
        f"{module}: {docstring[:60]}"
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (docstring := ast.get_docstring(node))
        and re.match(CLAUSE, docstring, re.IGNORECASE)
    ]
    assert clauses == []


SETTERS = {"setattr", "delattr", "patch", "object"}  # of pytest, of unittest.mock, the builtin


def constants_set(program: str) -> Iterator[str]:
    """The upper-case attributes that a program sets, in any way, as it writes them."""
    for node in ast.walk(ast.parse(program)):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                if name.isupper():
                    yield ast.unparse(node)
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
                name = str(texts[0]).rpartition(".")[2] if texts else ""
                if called in SETTERS and name.isupper():
                    yield ast.unparse(node)
            case ast.Constant(value=str(text)) if "import " in text:  # a program for a process
                with contextlib.suppress(SyntaxError):
                    yield from constants_set(text)


@pytest.mark.parametrize(
    "program",
    [
        'monkeypatch.setattr(module, "LIMIT_S", 0.5)',
        'monkeypatch.setattr("lvs.services.module._LIMIT_S", 0.5)',
        'mock.patch.object(module, "LIMIT", 1)',
        'mock.patch("lvs.module.LIMIT", 1)',
        'setattr(module, "LIMIT", 1)',
        "module.LIMIT = 1",
        "module.LIMIT, other = 1, 2",
        "module.LIMIT += 1",
        "del module.LIMIT",
        'run("from lvs import module; module.LIMIT = 1")',
    ],
)
def test_a_constant_that_is_set_is_recognised(program: str) -> None:
    assert len(list(constants_set(program))) == 1


@pytest.mark.parametrize(
    "program",
    [
        'monkeypatch.setattr(module, "now_ms", clock)',
        "services.watcher.again_s = 0.5",
        "limit = module.LIMIT",
        "LIMIT = 1",
        'run("import this is no program")',
    ],
)
def test_what_sets_no_constant_is_let_be(program: str) -> None:
    assert list(constants_set(program)) == []


def test_no_test_changes_a_constant_of_a_module() -> None:
    """What a test needs otherwise is handed in, as it would be by any other caller."""
    folder = Path(__file__).parent
    assert [
        f"{path.relative_to(folder)}: {found}"
        for path in sorted(folder.rglob("*.py"))
        if path != Path(__file__)
        for found in constants_set(path.read_text("utf-8"))
    ] == []


WRITTEN = {
    "templates": PACKAGE.glob("templates/*.html"),
    "partials": PACKAGE.glob("partials/*.html"),
    "styles and scripts": (
        path
        for path in static_folder().rglob("*")
        if path.suffix in (".css", ".js") and path.parent.name != "vendor"
    ),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_no_line_is_longer_than_a_hundred_columns(what: str) -> None:
    """As ruff sees to it that none of Python is."""
    long = [
        f"{path.name}:{number}"
        for path in WRITTEN[what]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > 100
    ]
    assert long == []
