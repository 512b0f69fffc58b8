"""``autoprof.schema.json`` for editors and for ``check-jsonschema``: made from the same declaration as the reader (`keys`).

What it cannot say, the reader says alone: rules between keys (`rules`), and that a date has no quotes.
"""

from __future__ import annotations

import json
from typing import Any

from autoprof_ci.config.keys import FILE_KEYS


def schema() -> dict[str, Any]:
    """The JSON Schema, draft 2020-12, of a whole file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "autoprof.toml",
        "description": "What autoprof-ci measures, how, and what is too slow. docs/tuning.md tells the story.",
        **FILE_KEYS.schema(),
    }


def schema_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
