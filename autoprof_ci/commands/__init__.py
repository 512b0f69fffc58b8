"""One module per kind of command, and the small edges they share: files, git, the terminal.

Called by ``cli`` only. A command reads its options, builds the real edges, tells the story (``pipeline``) and writes what came
out; it decides nothing about performance.
"""
