"""Stacks of programs that another one starts, without frame pointers: whole, also where the leaf is in the C library."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from autoprof_ci.measure import perf_record
from autoprof_ci.measure.perf_record import Perf
from autoprof_ci.measure.perf_script import SCRIPT_FIELDS
from autoprof_ci.measure.perf_stacks import folded, read_stacks
from autoprof_ci.model import BINARY_DSO

pytestmark = pytest.mark.needs("cc", "perf")

SORTS = """
#include <stdlib.h>
static int by_value(const void *a, const void *b) { return *(const int *)a < *(const int *)b ? -1 : 1; }
__attribute__((noinline)) static long sorts(int *numbers, int count, int times) {
    long sum = 0;
    for (int time = 0; time < times; time++) {
        for (int i = 0; i < count; i++) numbers[i] = (i * 7919 + time) % count;
        qsort(numbers, count, sizeof *numbers, by_value);
        sum += numbers[time];
    }
    return sum;
}
int main(void) { static int numbers[20000]; return sorts(numbers, 20000, 25) == 1; }
"""
STARTS = 8
"""Each has an even chance to have its C library above that of the shell, which is where stacks break off."""


def test_stacks__of_a_program_that_a_shell_starts_again_and_again(tmp_path: Path) -> None:
    program = tmp_path / "sorts"
    compiler = ("cc", "-O2", "-fomit-frame-pointer", "-x", "c", "-", "-o", str(program))
    subprocess.run(compiler, input=SORTS.encode(), check=True)
    perf = perf_record.probe(997, tmp_path)
    assert isinstance(perf, Perf), perf
    file = tmp_path / "stacks.data"
    loop = f"i=0; while [ $i -lt {STARTS} ]; do {program}; i=$((i+1)); done"
    subprocess.run((*perf_record.stacks_outer(perf, file), "sh", "-c", loop), check=True)
    perf_record.make_stacks_whole(file)
    stacks = folded(perf_record.read(perf, file, SCRIPT_FIELDS, read_stacks).weights, {str(program): BINARY_DSO})
    weights = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in stacks.splitlines()}
    total = sum(weights.values())
    assert total > 100
    whole = sum(weight for stack, weight in weights.items() if stack.startswith("main;sorts;") or stack == "main;sorts")
    assert whole > 0.9 * total, stacks
