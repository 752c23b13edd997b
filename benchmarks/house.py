"""The house in figures: files, lines, functions, and what should not be there.

`python benchmarks/house.py`
"""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "lvs"
COLUMNS = 100
Function = ast.FunctionDef | ast.AsyncFunctionDef
DOCUMENTED = {"_asdict", "_exit"}  # public, whatever their names say
CLAUSE = re.compile(
    r"(who(se|ever)?|what(ever)?|whether|how|when|where|which|why)\b", re.IGNORECASE
)


def main() -> None:
    """Print the table."""
    texts = [path.read_text("utf-8") for path in sorted(SOURCE.rglob("*.py"))]
    trees = [ast.parse(text) for text in texts]
    lines = [line for text in texts for line in text.splitlines()]
    lengths = sorted(length(node) for node in nodes(trees) if isinstance(node, Function))
    print("| | |\n| --- | --- |")
    print(f"| Python files; lines | {len(texts)}; {len(lines):,} |")
    print(f"| functions | {len(lengths):,} |")
    print(f"| their lines, median; p90 | {statistics.median(lengths):g}; {decile(lengths)} |")
    print(f"| functions longer than 40 lines | {sum(each > 40 for each in lengths)} |")
    print(f"| lines above {COLUMNS} columns | {sum(len(line) > COLUMNS for line in lines)} |")
    print(f"| private members of other packages | {len(set(foreign(trees)))} |")
    print(f"| docstrings that begin with a clause | {sum(map(begins_with_clause, nodes(trees)))} |")


def nodes(trees: list[ast.Module]) -> Iterator[ast.AST]:
    """All that stands in the files."""
    for tree in trees:
        yield from ast.walk(tree)


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    documented = ast.get_docstring(function, clean=False)
    return (function.end_lineno or 0) - function.lineno + 1 - len((documented or "").splitlines())


def decile(ordered: list[int]) -> int:
    """The value that nine tenths do not exceed."""
    return ordered[len(ordered) * 9 // 10]


def foreign(trees: list[ast.Module]) -> Iterator[str]:
    """Names of private members that are used and that nothing of ours defines, and those that are
    looked for, wrapped or overridden by name (`http/internals.py`).
    """
    own: set[str] = set()
    used: list[str] = []
    by_name = ast.parse((SOURCE / "http" / "internals.py").read_bytes())
    for node in ast.walk(by_name):
        match node:
            case ast.Constant(value=str(name)) if re.fullmatch(r"_[a-z]\w*", name):
                yield name
    for node in nodes(trees):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                own.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                own.add(name)
            case ast.Attribute(attr=name) if name.startswith("_") and not name.startswith("__"):
                used.append(name)
    yield from (name for name in used if name not in own | DOCUMENTED)


def begins_with_clause(node: ast.AST) -> bool:
    """True where its docstring begins with a question word."""
    if not isinstance(node, ast.Module | ast.ClassDef | Function):
        return False
    return CLAUSE.match(ast.get_docstring(node) or "") is not None


if __name__ == "__main__":
    main()
