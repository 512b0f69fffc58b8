"""``autoprof.toml``: reading it, saying what is wrong with it, adding to it, and the policy's form inside a bundle.

Pure: reads no file, no clock, no environment. An expired accept is not an error here; who knows the day decides.
"""

from autoprof_ci.config.reading import ad_hoc, decode, default_measure, default_policy, parse, parse_settings

__all__ = [
    "ad_hoc",
    "decode",
    "default_measure",
    "default_policy",
    "parse",
    "parse_settings",
]
