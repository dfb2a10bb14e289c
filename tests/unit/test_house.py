"""The rules of the house that neither the linter nor the type checker can hold."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = sorted((ROOT / "src").rglob("*.py"))
CODE = sorted(path for top in ("src", "tests", "benchmarks", "script") for path in (ROOT / top).rglob("*.py"))
MIGRATIONS = ROOT / "src/headway/infra/db/migrations"

LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 50
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
NO_NOUN = re.compile(
    r"(ing|ed|ly)$|(^|_)(about|beside|built|create|detect|earlier|explain|foreign|ingest|inside|kept|migrate|notify|open"
    r"|outward|publish|repack|sent|serve|told|unbuilt|written)$|^by_"
)
NOUNS_ALL_THE_SAME = {"file_listing", "footing", "monitoring", "routing", "supply"}
VERBS_THAT_SAY_NOTHING = ("do_", "handle_")
CALLED_BY_LIBRARIES = frozenset({"handle_ping"})  # uvicorn's own name of what is done otherwise here
READ_ONLY_TYPES = {"Mapping", "Sequence", "Collection", "Iterable", "Set", "AbstractSet", "frozenset", "tuple"}
MUTABLE_MAKERS = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter"}
COSTLY_DATACLASS = re.compile(r"^ *from dataclasses import .*\bdataclass\b", re.MULTILINE)
MAY_MAKE_COSTLY_ONES = {"src/headway/kernel/dataclass.py", "src/headway/drivers/sources/repacker.py"}

pytestmark = pytest.mark.slow  # and in script/check

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_the_house_is_found() -> None:
    assert len(PRODUCT) > 10
    assert Path(__file__).resolve() in CODE


def test_files_stay_under_400_lines() -> None:
    long = {_name(path): lines for path in CODE if (lines := len(path.read_text().splitlines())) >= LINES_OF_A_FILE}
    assert long == {}


def test_functions_stay_within_50_lines() -> None:
    long = {
        f"{_name(path)}:{function}": lines
        for path in PRODUCT
        if MIGRATIONS not in path.parents
        for function, lines in _read(path).functions
        if lines > LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    named = {part for path in CODE for part in path.relative_to(ROOT).with_suffix("").parts}
    assert named & NAMES_THAT_SAY_NOTHING == set()


def test_modules_are_called_by_nouns() -> None:
    """A name may begin with what its noun is like: ``stored_backups``. Commands are called as people call them."""
    commands = ROOT / "src/headway/cli/commands"
    modules = [path.relative_to(ROOT) for path in PRODUCT if not {MIGRATIONS, commands} & {*path.parents}]
    named = {part for path in modules for part in path.with_suffix("").parts}
    assert {name for name in named if NO_NOUN.search(name)} - NOUNS_ALL_THE_SAME == set()


def test_an_import_renames_a_name_of_ours_only_where_its_own_is_taken() -> None:
    renamed = [f"{_name(path)}: {found}" for path in PRODUCT for found in _read(path).renamed]
    assert renamed == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from headway.a import store as a_store", ["store as a_store"]),
        ("import headway.a.store as a_store", ["store as a_store"]),
        ("def read():\n    from headway.a import look as see\n    see()", ["look as see"]),
        ("from headway.a import store as a_store\nclass Kept:\n    store: str", ["store as a_store"]),
        ("from headway.a import find as seek\nclass Kept:\n    def find(self): ...", ["find as seek"]),
        ("from headway.a import find\ndef read():\n    from headway.a import find as seek", ["find as seek"]),
        ("from headway.a import store as a_store\nfrom headway.b import store", []),
        ("from headway.a import store as a_store\nfrom headway.b import store as b_store", []),
        ("from headway.a import store as a_store\ndef read(store): ...", []),
        ("from headway.a import store as a_store\nfor store in (): ...", []),
        ("from headway.a import store as a_store\ndef store(): ...", []),
        ("from elsewhere import store as a_store", []),
        ("from headway.a import store", []),
    ],
)
def test_a_needless_rename_is_recognised(source: str, found: list[str]) -> None:
    assert _needless_renames(list(ast.walk(module := ast.parse(source))), set(_bound(module))) == found


def test_a_dataclass_is_made_by_what_a_start_can_afford() -> None:
    """But for the script that runs without the rest of Headway, and for what makes them."""
    costly = [path for path in PRODUCT if COSTLY_DATACLASS.search(path.read_text())]
    assert {_name(path) for path in costly} == MAY_MAKE_COSTLY_ONES


def test_no_two_features_have_a_class_of_one_name() -> None:
    named = Counter(
        found.name
        for path in PRODUCT
        if ROOT / "src/headway/features" in path.parents
        for found in ast.parse(path.read_text()).body
        if isinstance(found, ast.ClassDef) and not found.name.startswith("_")
    )
    assert [name for name, times in named.items() if times > 1] == []


def test_operations_are_imported_by_operations_only() -> None:
    importing = re.compile(r"^from headway\.features\.[\w.]+\.api[. ]", re.MULTILINE)
    others = {
        _name(path)
        for path in PRODUCT
        if "api" not in path.parts and "dokploy" not in path.parts and importing.search(path.read_text())
    }
    assert others == {"src/headway/http/hooks.py", "src/headway/operations.py"}


def test_features_write_sql_in_their_stores_only() -> None:
    features = ROOT / "src/headway/features"
    written = {_name(path) for path in PRODUCT if features in path.parents and "sqlalchemy" in _read(path).imported}
    others = {name for name in written if not name.endswith("store.py")}
    assert others == set()


def test_features_beside_services_know_at_most_one_kind_of_them() -> None:
    """What differs from kind to kind is asked of ``ServiceKind``."""
    outside = [path for path in PRODUCT if ROOT / "src/headway/features/services" not in path.parents]
    kinds = ("headway.features.services.application", "headway.features.services.compose")
    both = {_name(path) for path in outside if all(kind in path.read_text() for kind in kinds)}
    assert both <= {"src/headway/modules.py"}


def test_functions_are_verbs_of_the_domain() -> None:
    vague = [
        f"{_name(path)}:{function}"
        for path in PRODUCT
        for function, _ in _read(path).functions
        if function.lstrip("_").startswith(VERBS_THAT_SAY_NOTHING) and function not in CALLED_BY_LIBRARIES
    ]
    assert vague == []


def test_only_what_is_called_module_composes() -> None:
    composing = {"src/headway/modules.py", "src/headway/operations.py", "src/headway/panel.py"}
    others = {
        _name(path) for path in PRODUCT if path.name != "module.py" and "from headway.module import" in path.read_text()
    }
    assert others == composing


def test_one_module_reads_what_the_kernel_tells_of_processes() -> None:
    alone = {
        "src/headway/drivers/buildplan/toolchains/inventory_script.py",
        "src/headway/drivers/sources/repacker.py",
        "src/headway/infra/daemons/confiner.py",
        "src/headway/drivers/runtimes/launch/launcher.py",
    }
    no_host = {f"src/headway/infra/panel/{module}.py" for module in ("data_dir", "process", "whereabouts")}
    other_machines = {"src/headway/features/servers/examination.py"}
    naming = {_name(path) for path in PRODUCT if re.search(r"""["']/proc\b""", path.read_text())}
    assert naming == {"src/headway/infra/hosts/procfs.py", *alone, *no_host, *other_machines}


def test_no_module_holds_mutable_state() -> None:
    held = [f"{_name(path)}:{line}" for path in PRODUCT for line in _read(path).mutable]
    assert held == [], "a table is annotated as a Mapping or Sequence, or is a tuple or frozenset"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("cache = {}", [1]),
        ("import x\nseen: list[str] = []", [2]),
        ("tasks = set()", [1]),
        ("by_name = collections.defaultdict(list)", [1]),
        ("squares = [n * n for n in range(3)]", [1]),
        ("__all__ = ['run']", []),
        ("MOVES: Mapping[str, str] = {'a': 'b'}", []),
        ("MOVES: Final[Mapping[str, str]] = {'a': 'b'}", []),
        ("MOVES = MappingProxyType({'a': 'b'})", []),
        ("NAMES = ('a', 'b')", []),
        ("NAMES = frozenset({'a'})", []),
        ("def make():\n    inner = []", []),
    ],
)
def test_mutable_state_is_recognised(source: str, lines: list[int]) -> None:
    assert _mutable_state(ast.parse(source)) == lines


def test_what_is_imported_is_a_dependency() -> None:
    declared = {re.split(r"[\[<>=~; ]", line)[0] for line in _project()["dependencies"]}
    distributions = packages_distributions()
    imported = {top for path in PRODUCT for top in _read(path).imported} - sys.stdlib_module_names - {"headway"}
    undeclared = {top for top in imported if not declared & {_normal(name) for name in distributions.get(top, [])}}
    assert undeclared == set(), "works only where something else brings it along: script/lock after adding it"


@pytest.mark.parametrize("name", ["bootstrap.txt", "dev.txt", "runtime.txt"])
def test_requirements_are_hashed_and_name_no_place(name: str) -> None:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    pinned = [number for number, line in enumerate(lines) if line[:1].isalnum()]
    assert pinned
    assert [lines[number] for number in pinned if "==" not in lines[number]] == []
    assert [lines[number] for number in pinned if "--hash=sha256:" not in lines[number + 1]] == []
    assert [line for line in lines if "://" in line or " @ " in line or "/opt" in line] == []
    assert [line for line in lines if line.startswith("-")] == []


def _project() -> dict[str, list[str]]:
    project: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@dataclass(frozen=True)
class Read:
    """What is asked of a file: its functions with their lines, what it imports and renames without need, where it could
    be changed.
    """

    functions: Sequence[tuple[str, int]]
    imported: AbstractSet[str]
    renamed: Sequence[str]
    mutable: Sequence[int]


@cache
def _read(path: Path) -> Read:
    """Each file is parsed once for all tests."""
    module = ast.parse(path.read_text())
    nodes = list(ast.walk(module))
    functions = [(node.name, _lines_of_code(node)) for node in nodes if isinstance(node, Function)]
    renamed = _needless_renames(nodes, set(_bound(module)))
    return Read(functions=functions, imported=_imported(nodes), renamed=renamed, mutable=_mutable_state(module))


def _imported(nodes: Sequence[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        match node:
            case ast.Import(names=names):
                found |= {alias.name.split(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module)):
                found.add(module.split(".")[0])
    return found


def _needless_renames(nodes: Sequence[ast.AST], bound: AbstractSet[str]) -> list[str]:
    """The imports of ours under a name that is not their own, where nothing else of the file has that."""
    things = defaultdict[str, set[str]](set)
    renamed = []
    for whole, name in _imports(nodes):
        own = whole.rpartition(".")[2]
        if name == own or not whole.startswith("headway."):
            things[name].add(whole)
        else:
            things[own].add(whole)
            renamed.append((whole, own, name))
    return [f"{own} as {name}" for whole, own, name in renamed if things[own] == {whole} and own not in bound]


def _imports(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, str]]:
    """What is imported, by its whole name, and what it is called from there on."""
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, alias.asname) for alias in names if alias.asname)
                yield from ((top, top) for alias in names if not alias.asname for top in [alias.name.split(".")[0]])
            case ast.ImportFrom(module=str(module), names=names):
                yield from ((f"{module}.{alias.name}", alias.asname or alias.name) for alias in names)


def _bound(node: ast.AST) -> Iterator[str]:
    """The names of functions, classes, arguments and variables; what a class has is found through the class alone."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.AnnAssign() | ast.Assign() if isinstance(node, ast.ClassDef):
                continue
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if not isinstance(node, ast.ClassDef):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ClassDef(name=name):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
        yield from _bound(child)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _lines_of_code(function: Function) -> int:
    """Lines from `def` to the end, the docstring aside."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    match function.body[0]:
        case ast.Expr(value=ast.Constant(value=str())) as docstring:
            assert docstring.end_lineno is not None
            return lines - (docstring.end_lineno - docstring.lineno + 1)
        case _:
            return lines


def _mutable_state(module: ast.Module) -> list[int]:
    """The lines of assignments at the top of a module whose value could be changed by anybody who imports it."""
    found = []
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                continue
            case ast.Assign(value=value) if _is_mutable(value):
                found.append(node.lineno)
            case ast.AnnAssign(value=ast.expr() as value, annotation=annotation) if _is_mutable(value):
                if not _is_read_only(annotation):
                    found.append(node.lineno)
    return found


def _is_mutable(value: ast.expr) -> bool:
    match value:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name in MUTABLE_MAKERS
        case _:
            return False


def _is_read_only(annotation: ast.expr) -> bool:
    match annotation:
        case ast.Subscript(value=ast.Name(id="Final"), slice=inner):
            return _is_read_only(inner)
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name):
            return name in READ_ONLY_TYPES
        case _:
            return False
