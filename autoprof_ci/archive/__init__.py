"""The archive of profiles that `autoprof-ci profile` keeps: what lies in it under which names, and how it is read.

Pure: names, text and bytes in, values out. One run is some files with one moment in their names::

    flamegraph-20261129-081445.svg      to be looked at
    stacks-20261129-081445.folded.gz    the same, to be counted (any profiler's folded stacks)
    heaptrack-20261129-081445.zst       where memory was recorded, for heaptrack_gui and heaptrack_print
    run-20261129-081445.json            what was run and what it took
    notes-20261129.md                   a section for each run of the day, and the reader's own words
"""
