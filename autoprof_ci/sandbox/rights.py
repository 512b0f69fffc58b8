"""Which rights the measuring container is given: as few as the host's kernel lets perf work with.

Knows Linux capabilities and container security options. Knows nothing of the engine's interface or of perf itself. Whatever the
rights of the session, the measured program below it has none: it is another user, with no capability.
"""

from __future__ import annotations

from dataclasses import dataclass

BASE = ("SETUID", "SETGID", "SETPCAP", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER")
"""To start programs as another user without a way back (the first three), to end what they started, to give them folders, and to
clear those away: locked ones (DAC_OVERRIDE) and sticky ones (FOWNER)."""
NO_NEW_PRIVILEGES = "no-new-privileges"
NO_SECCOMP = "seccomp=unconfined"
"""Docker's own profile refuses perf_event_open, and personality, which fixes addresses for callgrind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """`name`: for readers, what is special about them."""

    name: str
    capabilities: tuple[str, ...]
    security: tuple[str, ...]


WITH_PERF = (
    # Enough at kernel.perf_event_paranoid 2 and below.
    Rights(name="plain", capabilities=BASE, security=(NO_NEW_PRIVILEGES, NO_SECCOMP)),
    # The kernel's own answer to higher levels, and it sees the kernel's share too; Debian's and Ubuntu's level 3 and 4 ignore it.
    Rights(name="CAP_PERFMON", capabilities=(*BASE, "PERFMON"), security=(NO_NEW_PRIVILEGES, NO_SECCOMP)),
    Rights(name="CAP_SYS_ADMIN", capabilities=(*BASE, "SYS_ADMIN"), security=(NO_NEW_PRIVILEGES, NO_SECCOMP)),
)
"""Least first; each is tried until perf works."""

WITHOUT_PERF = (
    Rights(name="no perf", capabilities=BASE, security=(NO_NEW_PRIVILEGES, NO_SECCOMP)),
    Rights(name="no perf, the engine's own seccomp profile", capabilities=BASE, security=(NO_NEW_PRIVILEGES,)),
)
"""Where perf is refused or not asked for; the second where the engine insists on its own profile."""

ON_A_RUNNER = "Allow it in an earlier step of the job: sudo sysctl kernel.perf_event_paranoid=1."


def for_a_runner(sentence: str) -> str:
    """What a refusal by the kernel says to do, as somebody can do it who has no terminal on the machine.

    ``the kernel refuses perf (...). In a container, start it with ...`` -> the same reason, another remedy.
    """
    reason, _, _ = sentence.partition(". ")
    return f"{reason}. {ON_A_RUNNER}" if "the kernel refuses perf" in reason else sentence
