"""The scripted agent: an executable that plays `claude` and `codex` from a recorded session (``player.c``); how it is built."""

from autoprof_ci.workloads.agent.building import Whereabouts, build_beside_source, ensure_player, whereabouts

__all__ = ["Whereabouts", "build_beside_source", "ensure_player", "whereabouts"]
