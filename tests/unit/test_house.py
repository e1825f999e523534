"""The house: small modules that say what they are for, names that say what they hold, and no
address of a package registry."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
]
MODULES = [p for p in TRACKED if p.suffix == ".py" and p.exists()]
FILLERS = {"found", "told", "words"}
"""Names for whatever was found or is said, where the field has a noun: rows, matches, reason."""

TOP_LEVEL = {
    *("pipelines", "flows", "dbt", "expectations", "sql", "infra", "tests", "docs", "findings"),
    *("mkdocs.yml", "prefect.yaml", "pyproject.toml", "requirements.lock", "Makefile"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
    *(".ci", ".github", ".dockerignore", ".gitignore"),
    *(".pre-commit-config.yaml", ".sqlfluffignore"),
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_has_at_most_400_lines_and_opens_with_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert not text or ast.get_docstring(ast.parse(text))


def fillers(source: str) -> list[tuple[int, str]]:
    """Line and name of each variable, parameter and loop variable that is a filler."""
    bound = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                bound.append((node.lineno, name))
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                bound.append((node.lineno, name))
    return [(line, name) for line, name in bound if name in FILLERS]


def test_variables_and_parameters_are_named_by_a_noun() -> None:
    named = {}
    for path in MODULES:
        module = path.relative_to(ROOT)
        if module.parts[0] in ("pipelines", "flows"):
            named[str(module)] = fillers(path.read_text())
    assert len(named) > 40
    assert {module: names for module, names in named.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "def f(told): ...",
        "for words in x: ...",
        "[found for found in x]",
        "if told := x: ...",
        "try: ...\nexcept ValueError as found: ...",
    ],
)
def test_a_filler_is_seen_wherever_a_name_is_bound(source: str) -> None:
    assert [line for line, _ in fillers(source)] == [source.count("\n") + 1]


def test_the_top_level_holds_what_the_design_names_and_nothing_else() -> None:
    assert {p.relative_to(ROOT).parts[0] for p in TRACKED} <= TOP_LEVEL


def test_no_file_names_a_package_registry() -> None:
    registry = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org")
    named = [p for p in TRACKED if p.is_file() and p != Path(__file__) and p.suffix != ".png"]
    assert [p for p in named if registry.search(p.read_text(errors="ignore"))] == []


def test_a_lock_file_carries_no_address() -> None:
    locks = [p for p in TRACKED if p.suffix == ".lock" or p.name == "package-lock.json"]
    assert len(locks) > 3
    assert [p for p in locks if re.search(r"https?://", p.read_text())] == []


PACKAGES = sorted({p.parent for p in MODULES if p.relative_to(ROOT).parts[0] == "pipelines"})
SOURCES, SANDBOX = ROOT / "pipelines" / "sources", ROOT / "pipelines" / "sandbox"
ROOMS = [
    p
    for p in PACKAGES
    if p.parent == SANDBOX / "platforms"
    or (p.parent == SOURCES and p.name not in {"calls", "shapes"})
]


def imported(package: Path) -> set[str]:
    """The dotted names that a package's modules import."""
    names: set[str] = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def platforms_imported(package: Path) -> set[Path]:
    """The platforms' rooms, of both floors, that a package's modules import."""
    names = imported(package)
    dotted = {room: ".".join(room.relative_to(ROOT).parts) for room in ROOMS}
    return {r for r, d in dotted.items() if any(n == d or n.startswith(f"{d}.") for n in names)}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_says_in_two_lines_what_it_is_for_and_what_may_not_enter(package: Path) -> None:
    sign = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    assert sign is not None
    purpose, blank, bar = sign.splitlines()
    assert (purpose[-1], blank, bar[-1]) == (".", "", ".")
    if package in ROOMS:
        assert bar == "No other platform's room may enter here."


@pytest.mark.parametrize("room", ROOMS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_other_platforms_room_enters_a_platforms_room(room: Path) -> None:
    assert platforms_imported(room) <= {room}


@pytest.mark.parametrize(
    "shared", [SOURCES / "calls", SOURCES / "shapes", SANDBOX / "market", SANDBOX / "serving"]
)
def test_what_platforms_share_knows_none_of_them(shared: Path) -> None:
    assert platforms_imported(shared) == set()


def test_no_call_enters_the_shapes() -> None:
    calls = "pipelines.sources.calls"
    assert [name for name in imported(SOURCES / "shapes") if name.startswith(calls)] == []


def test_only_the_world_reaches_a_simulated_platform_by_its_name() -> None:
    platforms = SANDBOX / "platforms"
    floors = {p for p in PACKAGES if p.parent == ROOT / "pipelines"} - {SANDBOX}
    outside = [*floors, *(p for p in PACKAGES if p.parent == SANDBOX and p != platforms)]
    reached = {room for package in outside for room in platforms_imported(package)}
    assert {room for room in reached if room.parent == platforms} == set()


def test_an_import_of_another_platforms_room_would_be_found(tmp_path: Path) -> None:
    for n, line in enumerate(
        (
            "from pipelines.sources.meta_ads.api import Graph",
            "from pipelines.sources import meta_ads",
            "import pipelines.sources.meta_ads.api as graph",
        )
    ):
        (tmp_path / f"{n}.py").write_text(f"def late():\n    {line}\n")
        assert platforms_imported(tmp_path) == {SOURCES / "meta_ads"}
        (tmp_path / f"{n}.py").unlink()
