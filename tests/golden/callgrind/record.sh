#!/bin/sh
# Makes the recordings beside this script anew, from the programs beside it: x86-64 Linux with gcc and valgrind.
# Look at the difference afterwards: `git diff`, then `make bless` for the tables.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
options=$(cd "$here/../../.." && .venv/bin/python -c "from autoprof_ci.measure.callgrind_run import VALGRIND_OPTIONS; print(*VALGRIND_OPTIONS)")
work=/tmp/sample
mkdir -p $work
for name in recursion helper forks; do gcc -O1 -static -nostdlib -o $work/$name "$here/programs/$name.c"; done
gcc -O1 -static -pthread -o $work/threads "$here/programs/threads.c"
cp $work/recursion $work/unresolved
strip $work/unresolved

record() { # NAME PROGRAM OPTIONS...
    folder=$here/$1; program=$2; shift 2
    rm -rf "$folder"
    mkdir "$folder"
    # shellcheck disable=SC2086
    setarch -R valgrind $options "$@" --callgrind-out-file="$folder/%p.out" --log-file="$folder/%p.log" $work/$program
    # Process numbers differ from time to time: count from 1 instead.
    number=0
    for path in $(ls "$folder"/*.log | sort -V); do
        number=$((number + 1))
        pid=$(basename "$path" .log)
        for file in "$folder"/*.log "$folder"/*.out; do
            sed -i "s/==$pid==/==$number==/; s/^pid: $pid\$/pid: $number/; s/Parent PID: $pid\$/Parent PID: $number/" "$file"
        done
        for kind in log out; do
            [ ! -f "$folder/$pid.$kind" ] || mv "$folder/$pid.$kind" "$folder/$number.$kind"
        done
    done
    chmod 644 "$folder"/*
}

record recursion recursion
record verbose-layout recursion --dump-instr=yes --collect-jumps=yes --compress-strings=no --compress-pos=no --cache-sim=yes
record forks forks
record threads threads
record threads-apart threads --separate-threads=yes
record unresolved unresolved
