"""``autoprof.toml``: reading it, saying what is wrong with it, adding to it, and the policy's form inside a bundle.

Pure: reads no file, no clock, no environment. An expired accept is not an error here; who knows the day decides.
"""

from autoprof_ci.config.accepting import accept_entry, entry_lines
from autoprof_ci.config.loosening import Subject, loosened, threshold_for
from autoprof_ci.config.policy_json import policy_from_dict, policy_to_dict
from autoprof_ci.config.reading import ad_hoc, decode, default_measure, default_policy, parse, parse_settings

__all__ = [
    "Subject",
    "accept_entry",
    "ad_hoc",
    "decode",
    "default_measure",
    "default_policy",
    "entry_lines",
    "loosened",
    "parse",
    "parse_settings",
    "policy_from_dict",
    "policy_to_dict",
    "threshold_for",
]
