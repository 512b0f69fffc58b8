"""The command ``action``: what the step of a workflow does, from the runner's environment to the comment and the exit code.

run         which mode, and what happens when it fails      situation   who we are: context, inputs, clients
gating      measure, and judge against a baseline           choosing    which baseline, and why there is none
merging     join the parts of a matrix                      telling     report, artifact, charts, summary, comment
relaying    the trusted half for pull requests of forks     failing     a run without a verdict, and a cancelled one
changing    what the pull request changes
folder      where the report lies in the workspace
"""
