"""Pairs in which nothing that runs changes: more code that never runs, another order, another address, other data.

What is added hangs on a command that no workload gives, so that neither compiler nor linker may drop it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.pairs.pair import PROGRAMS, SOURCES, Behind, Build, Edit, Front, Pair, PairClass, Replace

_MULTIPLIERS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)

MODULES: Mapping[str, tuple[str, str, str]] = {
    "redact": ("json", "utf8", "report"),
    "index": ("tokens", "postings", "rank"),
    "tree": ("lexer", "simplify", "eval"),
    "grid": ("life", "checksum", "order"),
}
"""Of each program three modules with hot functions in them."""


def _text(name: str) -> str:
    return (SOURCES / "added" / f"{name}.rs").read_text(encoding="utf-8")


def _command(call: str) -> Replace:
    return Replace(path="src/main.rs", old="//@ commands", new=f'"extra" => {call},\n        //@ commands')


def _module(text: str, call: str = "extra::answer(size)") -> tuple[Edit, ...]:
    return (Front(path="src/main.rs", text="mod extra;"), Behind(path="src/extra.rs", text=text), _command(call))


def _function(number: int) -> str:
    """No two are alike, in code or in length."""
    steps = "\n".join(
        f"        sum = sum.wrapping_mul({_MULTIPLIERS[(number + i) % 5]:#x}).rotate_left({3 + i + number % 7});"
        for i in range(1 + number % 6)
    )
    return f"""#[inline(never)]
pub fn extra_{number}(size: usize) -> u64 {{
    let mut sum = size as u64 + {number};
    for turn in 0..size as u64 {{
        sum ^= turn << {1 + number % 5};
{steps}
    }}
    sum
}}
"""


def _functions(numbers: range) -> str:
    return "\n".join(_function(number) for number in numbers)


def _answer(numbers: range) -> str:
    terms = " ^ ".join(f"extra_{number}(size)" for number in numbers)
    return f"pub fn answer(size: usize) -> u64 {{\n    {terms}\n}}\n"


def _added_in_front(count: int, module: str) -> tuple[Edit, ...]:
    numbers = range(count)
    return (Front(path=f"src/{module}.rs", text=_functions(numbers) + _answer(numbers)), _command(f"{module}::answer(size)"))


def _added_behind(count: int, module: str) -> tuple[Edit, ...]:
    numbers = range(count)
    return (Behind(path=f"src/{module}.rs", text=_functions(numbers) + _answer(numbers)), _command(f"{module}::answer(size)"))


def _added_module(count: int) -> tuple[Edit, ...]:
    return _module(_functions(range(count)) + _answer(range(count)))


def _added_everywhere(modules: Sequence[str]) -> tuple[Edit, ...]:
    """Three functions in front of each of three modules."""
    placed = [Front(path=f"src/{module}.rs", text=_functions(range(3 * i, 3 * i + 3))) for i, module in enumerate(modules)]
    terms = " ^ ".join(f"{module}::extra_{3 * i + j}(size)" for i, module in enumerate(modules) for j in range(3))
    return (*placed, _command(terms))


TWINS: Mapping[str, str] = {
    "redact": 'u64::from(extra::twin(b"a"))',
    "index": "u64::from(extra::twin(&command))",
    "tree": "extra::twin(command.as_bytes())",
    "grid": "extra::twin(size as u64)",
}
"""A function with the code of a hot one, under a name that sorts before it: compilers fold the two."""

STRINGS = "".join(
    ("const HELP: [&str; 40] = [\n",
     *(f'    "how to do the thing number {number}, {"and then some " * (number % 5)}{number * 7919}",\n' for number in range(40)),
     "];\n\n#[inline(never)]\npub fn answer(size: usize) -> u64 {\n    HELP[size % 40].len() as u64\n}\n")
)  # fmt: skip


def _comments(module: str) -> tuple[Edit, ...]:
    text = "// " + "\n// ".join(f"Line {number} of a long explanation." for number in range(37))
    return (Front(path=f"src/{module}.rs", text=text), Front(path="src/main.rs", text="// Nothing happens here.\n\n\n"))


def _dead_crate() -> tuple[Edit, ...]:
    text = _functions(range(30, 42)) + _answer(range(30, 42)) + _text("traits").replace("pub fn answer", "pub fn shapes")
    return (Behind(path="attic/src/lib.rs", text=text), _command("attic::answer(size) + attic::shapes(size)"))


def _module_order(program: str) -> tuple[Edit, ...]:
    """The modules of `main.rs` declared the other way round."""
    text = (PROGRAMS_MAIN[program]).splitlines()
    declared = [line for line in text if line.startswith("mod ")]
    return (Replace(path="src/main.rs", old="\n".join(declared), new="\n".join(reversed(declared))),)


PROGRAMS_MAIN = {
    "redact": "mod escape;\nmod hash;\nmod json;\nmod lines;\nmod redact;\nmod report;\nmod search;\nmod utf8;",
    "index": "mod bloom;\nmod documents;\nmod postings;\nmod query;\nmod rank;\nmod spelling;\nmod stem;\nmod tokens;",
    "tree": "mod eval;\nmod formulas;\nmod intern;\nmod lexer;\nmod node;\nmod parser;\nmod print;\nmod simplify;",
    "grid": "mod checksum;\nmod life;\nmod matrix;\nmod maze;\nmod order;\nmod runs;\nmod table;",
}


def _linked(*options: str) -> Build:
    return Build(rustc=tuple(word for option in options for word in ("-C", f"link-arg=-Wl,{option}")))


def _by_lld(*options: str) -> Build:
    linked = _linked(*options)
    return Build(rustc=linked.rustc, needs_lld=True)


SOURCE_KINDS: Mapping[str, Callable[[str], tuple[Edit, ...]]] = {
    "1-in-front": lambda program: _added_in_front(1, MODULES[program][0]),
    "3-behind": lambda program: _added_behind(3, MODULES[program][1]),
    "6-in-a-module": lambda _: _added_module(6),
    "9-everywhere": lambda program: _added_everywhere(MODULES[program]),
    "20-in-front": lambda program: _added_in_front(20, MODULES[program][2]),
    "60-in-a-module": lambda _: _added_module(60),
    "std-types": lambda _: _module(_text("std_types")),
    "traits": lambda _: _module(_text("traits")),
    "closures": lambda _: _module(_text("closures")),
    "panics": lambda _: _module(_text("panics")),
    "twin": lambda program: _module(_text(f"twin_{program}"), TWINS[program]),
    "static-data": lambda _: _module(_text("static_data")),
    "thread-local": lambda _: _module(_text("thread_local")),
    "strings": lambda _: _module(STRINGS),
    "threads": lambda _: _module(_text("threads")),
    "comments": lambda program: _comments(MODULES[program][0]),
    "dead-crate": lambda _: _dead_crate(),
    "module-order": _module_order,
}

BUILD_KINDS: Mapping[str, Build] = {
    "shuffled-1": _by_lld("--shuffle-sections=.text*=1"),
    "shuffled-2": _by_lld("--shuffle-sections=.text*=2"),
    "all-shuffled": _by_lld("--shuffle-sections=*=7"),
    "separate-code": _linked("-z,separate-code", "--build-id=sha1"),
    "other-base": _by_lld("--image-base=0x4000000"),
    "large-pages": _linked("-z,max-page-size=65536"),
    "dead-kept": _linked("--no-gc-sections"),
    "folded": _by_lld("--icf=all"),
    "one-segment": _by_lld("--no-rosegment", "-z,noseparate-code"),
    "other-folder": Build(folder="somewhere/else/altogether/much/deeper"),
}

CHOSEN: Mapping[str, tuple[str, ...]] = {
    "redact": ("1-in-front", "3-behind", "6-in-a-module", "9-everywhere", "60-in-a-module", "std-types", "traits", "threads",
               "closures", "twin", "comments", "shuffled-1", "folded"),
    "index": ("1-in-front", "6-in-a-module", "20-in-front", "60-in-a-module", "traits", "panics", "twin", "static-data",
              "dead-crate", "module-order", "shuffled-2", "separate-code", "dead-kept"),
    "tree": ("3-behind", "9-everywhere", "20-in-front", "std-types", "closures", "twin", "strings", "panics", "module-order",
             "all-shuffled", "large-pages", "other-folder"),
    "grid": ("1-in-front", "60-in-a-module", "traits", "twin", "static-data", "threads", "thread-local", "all-shuffled",
             "one-segment", "other-base"),
}  # fmt: skip
"""Those after which the compiler makes the same machine code of all that runs. What is missing here made it choose other
registers or another order somewhere: then something did change, and the pair belongs to no class."""


def pairs() -> Iterator[Pair]:
    for program in PROGRAMS:
        for kind in CHOSEN[program]:
            edits = SOURCE_KINDS[kind](program) if kind in SOURCE_KINDS else ()
            build = BUILD_KINDS.get(kind, Build())
            yield Pair(pair_class=PairClass.PLACEMENT, name=f"{program}-{kind}", program=program, edits=edits, build=build)
