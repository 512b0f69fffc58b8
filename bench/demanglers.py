"""Which demangler from PyPI: read the symbols of real programs with each, and compare.

    pip install multi-demangle pydemumble pyderust
    python bench/demanglers.py PROGRAM-OR-LIBRARY...

Prints, for Rust's legacy and v0 and for C++: how many symbols each demangler reads, how many of them as the reference does
(`rustc-demangle`, the compiler's own, through pyderust, and `c++filt` of binutils; blanks between closing brackets do not
count), and microseconds a symbol. A demangler that is not installed is left out.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from elftools.elf.elffile import ELFFile

SCHEMES = {
    "Rust legacy": re.compile(r"_ZN.*17h[0-9a-f]{16}E"),
    "Rust v0": re.compile(r"_R.*"),
    "C++": re.compile(r"_Z(?!.*17h[0-9a-f]{16}E).*"),
}


def symbols(path: Path) -> set[str]:
    """Names of functions, as a profiler hands them on: without symbol versions and `.llvm.N`."""
    with path.open("rb") as file:
        tables = [table for table in cast(Any, ELFFile)(file).iter_sections() if table.name in (".symtab", ".dynsym")]
        return {
            symbol.name.split(".")[0].split("@")[0] for table in tables for symbol in table.iter_symbols() if is_function(symbol)
        }


def is_function(symbol: Any) -> bool:
    return symbol["st_info"]["type"] == "STT_FUNC" and len(symbol.name) < 4096 and "\n" not in symbol.name


def one_by_one(demangle: Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    def read(names: list[str]) -> list[str]:
        found = []
        for name in names:
            try:
                found.append(demangle(name))
            except ValueError:  # pyderust: not a Rust symbol
                found.append(name)
        return found

    return read


def demanglers() -> dict[str, Callable[[list[str]], list[str]]]:
    loaded: dict[str, Callable[[list[str]], list[str]]] = {}
    for name in ("multi_demangle", "pydemumble", "pyderust"):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            print(f"{name} is not installed, left out")
            continue
        if name == "multi_demangle":
            loaded[name] = module.demangle_symbols
        else:
            loaded[name] = one_by_one(module.demangle)
    return loaded


def cxxfilt(names: Iterable[str]) -> list[str]:
    text = "\n".join(names)
    return subprocess.run(["c++filt"], input=text, capture_output=True, text=True, check=True).stdout.split("\n")


def comparable(text: str) -> str:
    """Without what the demanglers merely print differently: blanks before ``>``, hashes, crate disambiguators."""
    return re.sub(r"::h[0-9a-f]{16}$|(?<=\w)\[[0-9a-f]+\]|\s+(?=>)|(?<=,)\s+", "", text)


def hostile() -> str:
    """A short C++ symbol whose arguments double twenty times."""
    pairs = "".join(f"St4pairIS{code}_S{code}_E".replace("St4pair", "S_") for code in "0123456789ABCDEFGHIJ")
    return f"_Z1fSt4pairIiiE{pairs}"


def main(paths: list[str]) -> None:
    names = set[str]().union(*(symbols(Path(path)) for path in paths))
    readers = demanglers()
    for scheme, pattern in SCHEMES.items():
        chosen = sorted(name for name in names if pattern.fullmatch(name))
        if not chosen:
            continue
        reference = cxxfilt(chosen) if scheme == "C++" else readers.get("pyderust", one_by_one(str))(chosen)
        expected = [comparable(text) for text in reference]
        print(f"\n{scheme}: {len(chosen)} symbols{'read':>24}{'as reference':>14}{'us each':>9}")
        for reader, demangle in readers.items():
            begin = time.process_time()
            found = demangle(chosen)
            spent = time.process_time() - begin
            read = sum(bool(text) and text != name for text, name in zip(found, chosen, strict=True))
            same = sum(comparable(text) == want for text, want in zip(found, expected, strict=True))
            print(f"  {reader:40}{read:>10}{same:>14}{1e6 * spent / len(chosen):9.2f}")
    for reader, demangle in readers.items():
        begin = time.process_time()
        length = len(demangle([hostile()])[0])
        print(f"a hostile symbol of {len(hostile())} bytes: {reader} writes {length} in {time.process_time() - begin:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
