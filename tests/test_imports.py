"""The arrows between the layers: walks every import of the product and fails on one that CONTRIBUTING.md does not draw."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "autoprof_ci"

VOCABULARY = {"model", "errors"}
PURE = {
    "config",
    "machine_code",
    "symbols",
    "folded",
    "bundle",
    "patterns",
    "limits",
    "placeholders",
    "starting_files",
    "diffs",
    "agent_sessions",
}
EVERYTHING = {"*"}

MAY_IMPORT: dict[str, set[str]] = {
    "model": {"model"},
    "errors": set(),
    **dict.fromkeys(PURE, VOCABULARY | PURE),
    "archive": VOCABULARY | {"archive", "patterns", "report"},
    "measure": VOCABULARY | {"measure", "symbols", "placeholders", "machine_code"},
    "sandbox": VOCABULARY | {"sandbox", "measure", "bundle"},
    "actions": VOCABULARY | {"actions"},
    "workloads": VOCABULARY | {"workloads"},
    "analysis": VOCABULARY | {"analysis", "limits", "patterns", "symbols"},
    "report": VOCABULARY | {"report", "symbols"},
    "second_look": VOCABULARY | {"analysis", "measure.plan"},
    "pipeline": VOCABULARY | {"analysis", "config", "measure.plan", "second_look"},
    "commands": EVERYTHING,
    "cli": EVERYTHING,
}
"""A layer and the layers it may import. `measure.plan` is values only."""

LIBRARIES_OF = {
    "numpy": {"analysis"},
    "scipy": {"analysis"},
    "matplotlib": {"report.charts"},
    "github": {"actions"},
    "requests": {"actions"},
    "urllib3": {"actions"},
    "docker": {"sandbox"},
    "capstone": {"machine_code"},
    "symbolic": {"machine_code.lines"},
    "rich": {"commands"},
    "unidiff": {"diffs"},
}
"""A library and the only places that may import it."""

IMPURE_MODULES = {"subprocess", "socket", "tempfile", "shutil", "random", "time", "requests"}
IMPURE_CALLS = {"open", "print", "input"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(name: str) -> str:
    return name.split(".")[0]


def allowed(importer: str, imported: str) -> bool:
    rules = MAY_IMPORT[layer(importer)]
    return rules == EVERYTHING or any(imported == rule or imported.startswith(f"{rule}.") for rule in rules)


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports__follow_the_arrows(path: Path) -> None:
    name = dotted(path)
    if not name:
        return
    known = {dotted(module) for module in modules()} | {"__version__"}
    own = {imported.removeprefix("autoprof_ci").lstrip(".") for imported in imports(path) if layer(imported) == "autoprof_ci"}
    wrong = {
        target
        for target in own
        if target and (target in known or layer(target) in MAY_IMPORT) and target != "__version__" and not allowed(name, target)
    }
    assert not wrong


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports__libraries_stay_where_they_belong(path: Path) -> None:
    name = dotted(path)
    for imported in imports(path):
        homes = LIBRARIES_OF.get(layer(imported))
        assert homes is None or any(name == home or name.startswith(f"{home}.") for home in homes), f"{name} imports {imported}"


@pytest.mark.parametrize(
    "path",
    [p for p in modules() if layer(dotted(p)) in PURE | {"model", "errors", "analysis", "archive", "report", "pipeline"}],
    ids=dotted,
)
def test_pure_modules__reach_nothing_outside(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not {imported for imported in imports(path) if layer(imported) in IMPURE_MODULES}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & IMPURE_CALLS
    touched = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert not touched & {"os.environ", "sys.argv", "datetime.now", "date.today", "sys.stdout", "sys.stderr"}


def test_layers__every_module_has_one() -> None:
    assert {layer(dotted(path)) for path in modules()} - {""} <= set(MAY_IMPORT)
