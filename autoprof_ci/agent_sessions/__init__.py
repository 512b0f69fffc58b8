"""Recorded sessions of an agent: what a file must be to be played, and how a real session becomes one. Pure: bytes in, bytes out.

Knows the lines that an agent prints, autopilot's trajectory files, and what nobody should publish. Knows nothing of files, of the
program that plays a session, or of measuring.
"""

from autoprof_ci.agent_sessions.lines import check_playable
from autoprof_ci.agent_sessions.recording import Recorded, record

__all__ = ["Recorded", "check_playable", "record"]
