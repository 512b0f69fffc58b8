"""The edge that measures: programs are staged, started under a tool, and what the tool wrote is read into the model.

`session` is the story, `plan` its question; `runner` is the one seam through which programs are executed. Each tool has a
module that invokes it and a pure one that reads what it wrote. Nothing here knows of verdicts, reports or GitHub.
"""
