"""``autoprof.toml``: reading it, saying what is wrong with it, adding to it, and what a change of it loosens.

Pure: reads no file, no clock, no environment. An expired accept is not an error here; who knows the day decides.
"""

from autoprof_ci.config.accepting import accept_entry, entry_lines
from autoprof_ci.config.loosening import loosened
from autoprof_ci.config.reading import ad_hoc, decode, default_measure, default_policy, parse, parse_settings

__all__ = [
    "accept_entry",
    "ad_hoc",
    "decode",
    "default_measure",
    "default_policy",
    "entry_lines",
    "loosened",
    "parse",
    "parse_settings",
]
