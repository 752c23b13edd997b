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
from support.element_lines import crowded_lines

import lvs
from lvs.paths import static_folder

PACKAGE = Path(lvs.__file__).parent
TESTS = Path(__file__).parent

Function = ast.FunctionDef | ast.AsyncFunctionDef

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
        "client_key",
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


def definitions(path: Path) -> Iterator[ast.Module | ast.ClassDef | Function]:
    """The module at this path, and every class and function in it."""
    for node in ast.walk(ast.parse(path.read_bytes(), path.name)):
        if isinstance(node, ast.Module | ast.ClassDef | Function):
            yield node


@pytest.mark.parametrize("folder", [PACKAGE, TESTS], ids=["package", "tests"])
def test_docstrings_begin_with_a_noun_or_a_verb(folder: Path) -> None:
    clauses = [
        f"{path.relative_to(folder)}: {docstring[:60]}"
        for path in sorted(folder.rglob("*.py"))
        for node in definitions(path)
        if (docstring := ast.get_docstring(node)) and re.match(CLAUSE, docstring, re.IGNORECASE)
    ]
    assert clauses == []


def test_names_of_tests_begin_with_a_subject() -> None:
    clauses = [
        f"{path.relative_to(TESTS)}: {node.name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in definitions(path)
        if isinstance(node, Function) and node.name.startswith("test_")
        if re.match(CLAUSE, node.name.removeprefix("test_").replace("_", " "))
    ]
    assert clauses == []


# Folders of tests that mirror none of the package, and tests of the repository itself.
NO_MIRROR = {"system", "browser", "support"}
OF_THE_REPOSITORY = {"test_architecture.py", "test_benchmarks.py", "test_no_skips.py"}


def is_mirrored(folder: Path, name: str) -> bool:
    """True if this folder has a module or package `x` for a test `test_x` or `test_x_aspect`."""
    tested = name.removeprefix("test_")
    return any(
        tested == path.stem or tested.startswith(f"{path.stem}_")
        for path in folder.glob("*")
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    )


def test_tests_mirror_the_package() -> None:
    strangers = [
        path.as_posix()
        for path in (found.relative_to(TESTS) for found in sorted(TESTS.rglob("test_*.py")))
        if path.parts[0] not in NO_MIRROR | OF_THE_REPOSITORY
        if not is_mirrored(PACKAGE / path.parent, path.stem)
    ]
    assert strangers == []


@pytest.mark.parametrize(
    ("name", "is_right"),
    [
        ("test_library", True),
        ("test_library_histories", True),
        ("test_shelf", True),
        ("test_librarything", False),
        ("test_histories", False),
        ("test_notes", False),
    ],
)
def test_a_test_is_named_by_a_module_or_a_package(
    tmp_path: Path, name: str, is_right: bool
) -> None:
    (tmp_path / "shelf").mkdir()
    for path in ("library.py", "shelf/__init__.py", "notes.txt"):
        (tmp_path / path).touch()
    assert is_mirrored(tmp_path, name) == is_right


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
def test_a_program_that_sets_no_constant_is_let_be(program: str) -> None:
    assert list(constants_set(program)) == []


def test_no_test_changes_a_constant_of_a_module() -> None:
    """A test hands other values in, as any other caller would."""
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
    """Ruff holds Python to the same width."""
    long = [
        f"{path.name}:{number}"
        for path in WRITTEN[what]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > 100
    ]
    assert long == []


def test_http_knows_of_the_services_only_the_metrics() -> None:
    known = {
        parts[2]
        for module in modules()
        if room(module) == "http"
        for parts in imported(module)
        if parts[:2] == ("lvs", "services")
    }
    assert known == {"metrics"}


def test_pages_know_the_database_by_the_services() -> None:
    """A service hands on the types that it answers with (`__all__`)."""
    beside = [
        f"{module} imports {'.'.join(parts)}"
        for module in modules()
        if room(module) in ("routes", "web", "http")
        for parts in imported(module)
        if parts[:2] == ("lvs", "db")
    ]
    assert beside == []


def test_only_services_and_commands_hand_the_database_on() -> None:
    handed_on = [
        f"{module}:{node.lineno}"
        for module in modules()
        if room(module) in ("routes", "web", "http")
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and node.attr == "database"
    ]
    assert handed_on == []


@pytest.mark.parametrize("what", ["templates", "partials"])
def test_templates_have_one_element_a_line(what: str) -> None:
    """`crowded_lines` says what stands alone."""
    paths = sorted((PACKAGE / what).glob("*.html"))
    crowded = [
        f"{path.name}:{number}"
        for path in paths
        for number in crowded_lines(path.read_text("utf-8"))
    ]
    assert paths
    assert crowded == []


@pytest.mark.parametrize(
    ("template", "crowded"),
    [
        ("<p>one</p>\n<p>two</p>", []),
        ("<p>one</p><p>two</p>", [1]),
        ("<p>one</p> <p>two</p>", [1]),
        ("<p>one</p>{% if so %}<p>two</p>{% endif %}", [1]),
        ("{% if so %}<p>one</p>{% else %}<p>two</p>{% endif %}", [1]),
        ("<p>one</p>\n{#- -#}<p>two</p>", []),
        ("<li><a href='{{ url }}'><bdi>only children</bdi></a></li>", []),
        ("<dl>\n<dt>a</dt>\n<dd>b</dd>\n</dl>", []),
        ("<dl><dt>a</dt>\n<dd>b</dd>\n</dl>", [1]),
        ("<dl>\n<dt>a</dt><dd>b</dd>\n</dl>", [2]),
        ("<dl>\n<dt>a</dt>\n<dd>b</dd></dl>", [3]),
        ("<ul\nid='a'><li>a</li>\n<li>b</li>\n</ul>", [2]),
        ("<a href='/'>\n<b>a</b>\n<i>a word ends anywhere</i></a>", []),
        ("<p>Read <a href='/'>this</a> and <b>that</b>.</p>", []),
        ("<p><b>{{ number }}</b> films, <b>{{ views }}</b> views</p>", []),
        ("<p><b>One</b><br><i>two</i></p>", [1]),
        ("<p>A <b>word</b> <i>right after</i> another.</p>", [1]),
        ("<p>A <button>b</button> and <i>more</i></p>", [1]),
        ("<label>Name <input name='a'></label>", []),
        ("<label><input name='a'> {{ name }}</label>", []),
        ("<label>Name <input name='a'>\n<small>or none</small>\n</label>", [1]),
        ("<button>{{ icon('plus') }}\n<bdi>a</bdi>\n<kbd>b</kbd>\n</button>", []),
        ("<button>{{ icon('plus') }}<bdi>a</bdi>\n<kbd>b</kbd>\n</button>", [1]),
        ("<p>{{ value }}\n</p>{# <p>a comment</p> #}", []),
        ("<svg>\n<path d='a>b'/>\n<path d='c'/>\n</svg>", []),
        ("<datalist>{% for a in b %}<option value='{{ a }}'>{% endfor %}</datalist>\n<p>a</p>", []),
    ],
)
def test_crowded_lines_are_recognised(template: str, crowded: list[int]) -> None:
    assert crowded_lines(template) == crowded
