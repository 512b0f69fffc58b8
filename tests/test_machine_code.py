"""Built programs held against each other: exactly the functions that do something else have another digest."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from autoprof_ci.machine_code import ProgramFile, known_code
from autoprof_ci.machine_code.image import Image
from autoprof_ci.model import BINARY_DSO, FunctionCode

CROSS = "aarch64-linux-gnu-gcc"
X86 = pytest.param("cc", marks=pytest.mark.needs("cc"), id="here")
ARM = pytest.param(CROSS, marks=pytest.mark.needs(CROSS), id="aarch64")
COMPILERS = pytest.mark.parametrize("compiler", [X86, ARM])

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define NOINLINE __attribute__((noinline, noclone))
/* front */
static __thread int depth;
static int calls;
static const double WEIGHTS[4] = {0.5, 1.5, 2.5, 3.5};
NOINLINE int leaf(int n) { calls++; return n * 3 + 1; }
NOINLINE int other_leaf(int n) { calls++; return n * 5 + 7; }
NOINLINE int summed(const int *v, int n) { int s = 0; for (int i = 0; i < n; i++) s += leaf(v[i]) ^ i; return s; }
NOINLINE int deep(int n) { depth++; int r = n ? deep(n - 1) + leaf(n) : depth; depth--; return r; }
NOINLINE int chosen(int n) {
    switch (n) {
    case 0: return leaf(3); case 1: return other_leaf(9); case 2: return calls; case 3: return depth + 4;
    case 4: return leaf(n) + 8; case 5: return 77; case 6: return other_leaf(2) * 2; default: return -n;
    }
}
NOINLINE double weighted(const double *v, int n) {
    double s = 0; for (int i = 0; i < n; i++) s += v[i] * WEIGHTS[i & 3]; return s;
}
NOINLINE char *said(int n) { char *text = malloc(64); snprintf(text, 64, "number %d of the list", n); return text; }
NOINLINE int even(int n); NOINLINE int odd(int n);
NOINLINE int even(int n) { return n == 0 ? leaf(0) : odd(n - 1); }
NOINLINE int odd(int n) { return n == 0 ? leaf(1) : even(n - 1); }
/* behind */
int main(int argc, char **argv) {
    int v[4] = {argc, 2, 3, (int)strlen(argv[0])};
    double w[4] = {1, 2, 3, argc};
    char *text = said(argc);
    int r = summed(v, 4) + deep(argc) + chosen(argc) + (int)weighted(w, 4) + text[0] + even(argc + 4);
    /* more */
    free(text);
    return r & 1;
}
"""
CHECKED = frozenset({"leaf", "other_leaf", "summed", "deep", "chosen", "weighted", "said", "even", "odd", "main"})
NEVER_RUN = "".join(
    f'NOINLINE int never{i}(int n) {{ char b[{16 * i + 8}]; snprintf(b, sizeof b, "never %d", n); return strlen(b) + {i}; }}\n'
    for i in range(7)
)
REFERRED = "if (argc > 1000) r += " + " + ".join(f"never{i}(r)" for i in range(7)) + ";"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    command: str
    folder: Path

    def __call__(self, source: str, *options: str) -> bytes:
        file = self.folder / "p.c"
        file.write_text(source)
        words = [self.command, "-O2", "-g", "-fno-reorder-functions", *options, "-o", self.folder / "p", file]
        subprocess.run(words, check=True, capture_output=True, text=True)
        return (self.folder / "p").read_bytes()


def codes(*programs: bytes) -> list[Mapping[str, FunctionCode]]:
    """Of each program's functions, as if all had run."""
    files = [[ProgramFile(dso=BINARY_DSO, data=data, symbols=frozenset(Image.read(data).functions))] for data in programs]
    return [{code.function.name: code for code in known.code} for known in known_code(files)]


def changed(baseline: bytes, candidate: bytes) -> set[str]:
    before, after = codes(baseline, candidate)
    return {name for name in before.keys() & after.keys() & CHECKED if before[name].digest != after[name].digest}


def edited(*pairs: tuple[str, str]) -> str:
    source = SOURCE
    for old, new in pairs:
        assert old in source
        source = source.replace(old, new, 1)
    return source


@COMPILERS
@pytest.mark.parametrize(
    "pairs",
    [
        (("/* front */", NEVER_RUN), ("/* more */", REFERRED)),
        (("/* behind */", NEVER_RUN), ("/* more */", REFERRED)),
    ],
    ids=["in-front", "behind"],
)
@pytest.mark.parametrize("linking", [(), ("-no-pie",), ("-static",), ("-static-pie",), ("-fno-plt",)], ids=" ".join)
def test_known_code__functions_that_never_run(
    compiler: str, tmp_path: Path, pairs: Sequence[tuple[str, str]], linking: tuple[str, ...]
) -> None:
    cc = Compiler(command=compiler, folder=tmp_path)
    assert changed(cc(SOURCE, *linking), cc(edited(*pairs), *linking)) == {"main"}


@COMPILERS
@pytest.mark.parametrize(
    ("options", "again"),
    [
        (("-Wl,--build-id=none",), ("-Wl,--build-id",)),
        (("-pie",), ("-pie", "-Wl,-z,separate-code", "-Wl,-z,max-page-size=65536")),
        (("-no-pie",), ("-no-pie", "-Wl,-Ttext-segment=0x10000000")),
        (("-ffunction-sections",), ("-ffunction-sections", "-Wl,--sort-section=alignment")),
        (("-g",), ("-g0",)),
    ],
    ids=["build id", "pages", "other address", "order", "debug information"],
)
def test_known_code__only_linked_otherwise(
    compiler: str, tmp_path: Path, options: tuple[str, ...], again: tuple[str, ...]
) -> None:
    cc = Compiler(command=compiler, folder=tmp_path)
    assert changed(cc(SOURCE, *options), cc(SOURCE, *again)) == set()


@COMPILERS
def test_known_code__data_and_thread_variables_added(compiler: str, tmp_path: Path) -> None:
    cc = Compiler(command=compiler, folder=tmp_path)
    more = '__thread long before[9]; long table[100] = {1}; const char *words[] = {"a", "b"}; __thread int after = 3;\n'
    with_use = edited(("/* front */", more), ("/* more */", "before[argc & 7] = after + table[argc & 7] + words[argc & 1][0];"))
    assert changed(cc(SOURCE), cc(with_use)) == {"main"}


@COMPILERS
@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (("n * 3 + 1", "n * 3 + 2"), {"leaf"}),
        (("s += leaf(v[i]) ^ i", "s += other_leaf(v[i]) ^ i"), {"summed"}),  # the same instructions, another callee
        (("s += leaf(v[i]) ^ i", "s += leaf(v[i]) | i"), {"summed"}),
        (("2.5, 3.5}", "2.5, 4.5}"), {"weighted"}),  # the same instructions, another constant
        (("depth + 4", "calls + 4"), {"chosen"}),  # another variable
        (("deep(n - 1) + leaf(n)", "deep(n - 2) + leaf(n)"), {"deep"}),
        (("malloc(64); snprintf(text, 64", "malloc(65); snprintf(text, 65"), {"said"}),
        (("free(text)", "if (argc < 1000) free(text)"), {"main"}),
    ],
    ids=["constant", "callee", "operator", "table", "variable", "step", "size", "condition"],
)
def test_known_code__one_function_changed(compiler: str, tmp_path: Path, pair: tuple[str, str], expected: set[str]) -> None:
    cc = Compiler(command=compiler, folder=tmp_path)
    assert changed(cc(SOURCE), cc(edited(pair))) == expected


@COMPILERS
def test_known_code__renamed_functions_change_nobody(compiler: str, tmp_path: Path) -> None:
    cc = Compiler(command=compiler, folder=tmp_path)
    renamed = SOURCE
    for old, new in (("leaf(", "branch("), ("even(", "straight("), ("odd(", "crooked("), ("deep(", "low(")):
        renamed = renamed.replace(f" {old}", f" {new}").replace(f"({old}", f"({new}")
    before, after = codes(cc(SOURCE), cc(renamed))
    assert {name for name in ("summed", "chosen", "said", "main") if before[name].digest != after[name].digest} == set()
    pairs = (("leaf", "branch"), ("even", "straight"), ("odd", "crooked"), ("deep", "low"))
    assert [(old, new) for old, new in pairs if before[old].digest != after[new].digest] == []
    assert after["other_leaf"].digest != after["branch"].digest


@COMPILERS
def test_known_code__renamed_and_changed_is_changed(compiler: str, tmp_path: Path) -> None:
    cc = Compiler(command=compiler, folder=tmp_path)
    source = edited(("n * 3 + 1", "n * 9 + 1"))
    renamed = source.replace(" leaf(", " branch(").replace("(leaf(", "(branch(")
    before, after = codes(cc(SOURCE), cc(renamed))
    assert after["branch"].digest not in {code.digest for code in before.values()}
    assert before["summed"].digest != after["summed"].digest


@COMPILERS
def test_known_code__other_registers_and_another_order_are_alike(compiler: str, tmp_path: Path) -> None:
    cc = Compiler(command=compiler, folder=tmp_path)
    before, after = codes(cc(SOURCE), cc(SOURCE, "-ffixed-r10" if compiler == "cc" else "-ffixed-x9", "-frename-registers"))
    assert any(before[name].digest != after[name].digest for name in CHECKED)
    alike = {
        name: (before[name].digest or "").partition(".")[2] == (after[name].digest or "").partition(".")[2] for name in CHECKED
    }
    assert set(alike.values()) == {True}
    other = codes(cc(edited(("n * 3 + 1", "n * 3 + 2"))))[0]
    assert (before["leaf"].digest or "").partition(".")[2] != (other["leaf"].digest or "").partition(".")[2]


@COMPILERS
def test_known_code__lines_and_what_was_inlined(compiler: str, tmp_path: Path) -> None:
    cc = Compiler(command=compiler, folder=tmp_path)
    source = SOURCE.replace("NOINLINE int leaf", "static inline __attribute__((always_inline)) int leaf")
    summed = codes(cc(source))[0]["summed"]
    line = next(number for number, text in enumerate(source.splitlines(), 1) if "int summed(" in text)
    inlined_at = next(number for number, text in enumerate(source.splitlines(), 1) if "int leaf(" in text)
    assert (summed.line, summed.end_line, (summed.file or "").rpartition("/")[2]) == (line, line, "p.c")
    assert [(one.name, one.line, one.end_line) for one in summed.inlined_from] == [("leaf", inlined_at, inlined_at)]


@COMPILERS
def test_known_code__without_debug_information_there_are_no_lines(compiler: str, tmp_path: Path) -> None:
    code = codes(Compiler(command=compiler, folder=tmp_path)(SOURCE, "-g0"))[0]["summed"]
    assert (code.file, code.line, code.inlined_from) == (None, None, ())
    assert code.digest is not None


def test_known_code__cold_part_belongs_to_its_function(tmp_path: Path) -> None:
    """gcc puts what it takes for unlikely into `f.cold`, which may lie anywhere."""
    source = r"""
#include <stdio.h>
/* front */
__attribute__((noinline,cold)) void rare(int n) { printf("%d\n", n); }
__attribute__((noinline)) int f(int n) { if (n > 99) { rare(n); rare(n + 1); n = getchar(); rare(n); } return n * 7; }
int main(int argc, char **argv) { (void)argv; return f(argc); }
"""
    cc = Compiler(command="cc", folder=tmp_path)
    before = cc(source, "-freorder-functions")
    assert any(".cold" in raw for raw in Image.read(before).functions)
    more = source.replace("/* front */", NEVER_RUN.replace("NOINLINE", "").replace("strlen(b)", "b[0]"))
    both = codes(before, cc(more, "-freorder-functions"))
    assert [name for name in ("f", "main") if both[0][name].digest != both[1][name].digest] == []


@pytest.mark.needs("ld.lld", "cc")
def test_known_code__folded_functions_agree_on_a_name(tmp_path: Path) -> None:
    """The linker makes one of equal functions: its address has both names, and whoever called either calls it."""
    cc = Compiler(command="cc", folder=tmp_path)
    options = ("-fuse-ld=lld", "-ffunction-sections", "-Wl,--icf=all")
    twin = edited(
        ("/* front */", "NOINLINE int a_twin(int n) { calls++; return n * 3 + 1; }"),
        ("/* more */", "if (argc > 99) r += a_twin(r);"),
    )
    twin = (
        twin.replace("static int calls;", "")
        .replace("/* front */", "")
        .replace("#define NOINLINE", "static int calls;\n#define NOINLINE")
    )
    plain = SOURCE.replace("static int calls;", "").replace("#define NOINLINE", "static int calls;\n#define NOINLINE")
    assert changed(cc(plain, *options), cc(twin, *options)) == {"main"}
