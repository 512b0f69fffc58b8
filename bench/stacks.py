"""What stacks cost and how whole they are: of a program with 200 MB of debug information, and of a Rust release binary.

usage: python -m bench.stacks BINARY        the sample program

Generates the large program (a unit of 2,000 functions in C, compiled once and linked many times under other names; about a
minute, needs cc, objcopy and size) in a temporary folder. Prints seconds for reading what was recorded of it, as a session reads
it and with perf's own search for inlined functions, which is ended after two minutes; and for the sample program, started ten
times by a shell, what share of the samples broke off on its way to the root, by the size of the copied stack, with
`forget_parents` and without.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autoprof_ci.measure import perf_record
from autoprof_ci.measure.perf_record import Perf
from autoprof_ci.measure.perf_script import SCRIPT_FIELDS
from autoprof_ci.measure.perf_stacks import folded, read_stacks
from autoprof_ci.measure.time_runs import STACKS_HZ
from autoprof_ci.model import BINARY_DSO
from autoprof_ci.workloads import default_cache, ensure_data

LEAST_DEBUG_BYTES = 200_000_000
COPIES, FUNCTIONS = 160, 2000
AIM_S = 10.0
INLINED_AT_MOST_S = 120
STARTS = 10
SIZES = (16_384, 32_768, 65_528)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="autoprof-bench-") as name:
        folder = Path(name)
        perf = perf_record.probe(STACKS_HZ, folder)
        if not isinstance(perf, Perf):
            print(f"{perf.reason}. {perf.next_step}")
            return 3
        took_s = _large(perf, folder)
        _whole(perf, Path(sys.argv[1]).resolve(), folder)
    return 0 if took_s <= AIM_S else 1


def _large(perf: Perf, folder: Path) -> float:
    program = _generated(folder)
    sections = subprocess.run(("size", "-A", str(program)), capture_output=True, text=True, check=True).stdout
    debug_bytes = sum(int(size) for size in re.findall(r"^\.debug_\S+\s+(\d+)", sections, re.MULTILINE))
    assert debug_bytes >= LEAST_DEBUG_BYTES, debug_bytes
    file = folder / "large.data"
    # what perf begins itself is the starter, and never counted
    subprocess.run((*perf_record.stacks_outer(perf, file), "sh", "-c", f"{program} 8000; :"), check=True)
    before_s, begun = _children_s(), time.monotonic()
    perf_record.make_stacks_whole(file)
    read = perf_record.read(perf, file, SCRIPT_FIELDS, read_stacks)
    text = folded(read.weights, {str(program): BINARY_DSO}, read.period)
    took_s, cpu_s = time.monotonic() - begun, _children_s() - before_s
    counts = _counts(text)
    size_mb, debug_mb = program.stat().st_size / 1e6, debug_bytes / 1e6
    print(f"{size_mb:.0f} MB, {debug_mb:.0f} of them debug information, {COPIES * FUNCTIONS:,} functions")
    print(f"{sum(counts.values()):,} samples, {_broken(counts):.1%} broken off")
    print(f"read in {took_s:.1f} s (aim {AIM_S:g}), of it perf {cpu_s:.1f} s of processor time")
    print(f"with perf's own search for inlined functions: {_inlined(perf, file)}")
    return took_s


def _inlined(perf: Perf, file: Path) -> str:
    command = (perf.command, "script", "-i", str(file), "-F", SCRIPT_FIELDS, "--kallsyms=/dev/null", "--no-demangle")
    begun = time.monotonic()
    try:
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=INLINED_AT_MOST_S)
    except subprocess.TimeoutExpired:
        return f"not done after {INLINED_AT_MOST_S} s"
    return f"{time.monotonic() - begun:.1f} s"


def _whole(perf: Perf, program: Path, folder: Path) -> None:
    sessions = ensure_data(default_cache()).path / "sessions-small"
    loop = f"i=0; while [ $i -lt {STARTS} ]; do {program} analyze {sessions} --aggregate --json > /dev/null; i=$((i+1)); done"
    print(f"{program.name} analyze, {STARTS} starts")
    for size in SIZES:
        file = folder / f"{size}.data"
        outer = [
            part.replace(f"dwarf,{perf_record.STACK_BYTES}", f"dwarf,{size}") for part in perf_record.stacks_outer(perf, file)
        ]
        subprocess.run((*outer, "sh", "-c", loop), check=True)
        told = [f"{size:6} bytes a stack: recording {file.stat().st_size / 1e6:.0f} MB, lost {perf_record.losses(file).lost}"]
        for how in ("as perf has it", "parents forgotten"):
            read = perf_record.read(perf, file, SCRIPT_FIELDS, read_stacks)
            counts = _counts(folded(read.weights, {str(program): BINARY_DSO}, read.period))
            told.append(f"{_broken(counts):.1%} of {sum(counts.values()):,} broken off {how}")
            perf_record.make_stacks_whole(file)
        print("; ".join(told))


def _counts(text: str) -> dict[str, int]:
    pairs = (line.rpartition(" ") for line in text.splitlines())
    return {stack: int(count) for stack, _, count in pairs}


def _broken(counts: dict[str, int]) -> float:
    return sum(count for stack, count in counts.items() if stack.startswith("[broken]")) / max(1, sum(counts.values()))


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _generated(folder: Path) -> Path:
    (folder / "unit.c").write_text(_unit(), encoding="ascii")
    (folder / "main.c").write_text(_main(), encoding="ascii")
    for name in ("unit", "main"):
        subprocess.run(("cc", "-g", "-O1", "-c", f"{name}.c"), cwd=folder, check=True)
    objects = [f"copy{number}.o" for number in range(COPIES)]
    for number, copy in enumerate(objects):
        # other symbols, the same debug information once more
        subprocess.run(("objcopy", f"--prefix-symbols=copy{number}_", "unit.o", copy), cwd=folder, check=True)
    subprocess.run(("cc", "-o", "large", "main.o", *objects), cwd=folder, check=True)
    return folder / "large"


def _unit() -> str:
    """Functions with parameters, locals, a loop and a type of their own; one that calls them all."""
    text = ["#include <stdint.h>"]
    for i in range(FUNCTIONS):
        text.append(
            f"struct part_{i} {{ uint64_t first_{i}; int32_t second_{i}; double third_{i}; struct part_{i} *next_{i}; }};"
            f"static uint64_t __attribute__((noinline)) "
            f"step_{i}(struct part_{i} *part_{i}, uint64_t depth_{i}, const uint64_t *of_{i}) {{"
            f" uint64_t sum_{i} = part_{i}->first_{i} ^ depth_{i}; uint64_t other_{i} = sum_{i} * {2 * i + 3}u;"
            f" int32_t third_{i} = (int32_t)(other_{i} >> 7);"
            f" for (uint64_t at_{i} = 0; at_{i} < (depth_{i} & 15); at_{i}++) {{ uint64_t local_{i} = of_{i}[at_{i}];"
            f" sum_{i} += local_{i} * third_{i}; other_{i} ^= sum_{i} << 3; }} return sum_{i} + other_{i}; }}"
        )
    text.append("uint64_t unit(uint64_t sum, const uint64_t *of) {")
    text.extend(
        f"{{ struct part_{i} part = {{ .first_{i} = sum, .second_{i} = {i} }}; sum += step_{i}(&part, sum ^ {i}, of); }}"
        for i in range(FUNCTIONS)
    )
    return "\n".join([*text, "return sum; }"]) + "\n"


def _main() -> str:
    names = [f"copy{number}_unit" for number in range(COPIES)]
    declared = "\n".join(f"uint64_t {name}(uint64_t, const uint64_t *);" for name in names)
    return f"""#include <stdint.h>
#include <stdlib.h>
{declared}
static uint64_t (*const units[])(uint64_t, const uint64_t *) = {{ {", ".join(names)} }};
static uint64_t __attribute__((noinline)) descend(int depth, uint64_t sum, const uint64_t *of) {{
  volatile uint64_t here = sum;
  if (!depth) return units[sum % {COPIES}](sum, of);
  uint64_t below = descend(depth - 1, sum, of);
  return below + here;
}}
int main(int count, char **words) {{
  uint64_t of[16], sum = 0;
  for (int i = 0; i < 16; i++) of[i] = i * 77 + 1;
  for (long round = count > 1 ? atol(words[1]) : 1; round > 0; round--) sum += descend(10 + round % 20, sum + round, of);
  return sum == 1;
}}
"""


if __name__ == "__main__":
    sys.exit(main())
