"""The steps of a session: texts, calls and their results, with the mix and the sizes that real ones have.

Knows the statistics of real sessions (a dozen files of 3 to 981 steps, 5.2 MB): 41 % calls, 41 % results, 17 % texts; half of the
results under 500 characters and one in a hundred above 25,000. Knows no file format: a step is a mapping that `sessions` and
`agent_sessions` write each in their own way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autoprof_ci.workloads.dice import ALPHANUMERIC, HEX, Dice
from autoprof_ci.workloads.texts import CRATES, NOUNS, Corpus, lines, numbered_lines, secret, signature

MODEL = "claude-sonnet-4-5-20250929"
NANOSECONDS = 1_000_000_000

Json = dict[str, Any]
Table = tuple[tuple[float, int], ...]

# (probability, characters)
ASSISTANT_LENGTH = ((0.0, 50), (0.5, 110), (0.75, 230), (0.9, 480), (0.97, 900), (1.0, 1700))
THINKING_LENGTH = ((0.0, 30), (0.25, 90), (0.5, 330), (0.9, 640), (1.0, 1150))
FILE_LENGTH = ((0.0, 150), (0.25, 1100), (0.5, 2600), (0.75, 6500), (0.9, 14000), (0.97, 26000), (1.0, 60000))
OUTPUT_LENGTH = ((0.0, 0), (0.25, 60), (0.5, 420), (0.75, 1500), (0.9, 3400), (0.98, 9000), (1.0, 30000))
EDIT_LENGTH = ((0.0, 60), (0.25, 250), (0.5, 470), (0.75, 950), (0.9, 2000), (1.0, 6500))
WRITE_LENGTH = ((0.0, 280), (0.25, 5800), (0.5, 12000), (0.75, 19000), (1.0, 25000))

TOOLS = (
    ("Bash", 24),
    ("Read", 21),
    ("TodoWrite", 19),
    ("Edit", 13),
    ("Grep", 5),
    ("mcp__issues__issue_ready", 4),
    ("mcp__issues__issue_claim", 4),
    ("mcp__issues__issue_complete", 3),
    ("Glob", 3),
    ("Write", 3),
    ("Task", 1),
)
# Of the calls of a tool; the others never fail.
FAILURE_RATES = {"Bash": 0.045, "Edit": 0.055, "Read": 0.022, "Write": 0.03}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What is special in a session; what is not said is as in real ones."""

    tools: tuple[tuple[str, int], ...] = TOOLS
    file_length: Table = FILE_LENGTH
    secret_rate: float = 0.02
    """Of the texts, commands and results, those that show one."""


REAL = Style()


class StepWriter:
    """Writes turn after turn: a thought or a text, one or more calls, their results. `timestamp`: ns from the start."""

    def __init__(self, dice: Dice, corpus: Corpus, style: Style = REAL) -> None:
        self.steps: list[Json] = []
        self.clock_ns = 0
        self.turns = 0
        self._dice = dice
        self._corpus = corpus
        self._style = style
        self._longest = 0
        self._context_tokens = dice.between(9000, 14000)
        self._inputs: dict[str, Callable[[], Json]] = {
            "Bash": self._bash,
            "Read": lambda: {"file_path": self._file(), "limit": dice.between(20, 900)},
            "TodoWrite": self._todo,
            "Edit": self._edit,
            "Grep": lambda: {
                "pattern": dice.pick(NOUNS) + r"\s*\(",
                "path": f"crates/{dice.pick(CRATES)}",
                "output_mode": "content",
            },
            "Glob": lambda: {"pattern": f"crates/{dice.pick(CRATES)}/**/*.rs"},
            "Write": lambda: {"file_path": self._file(), "content": lines(dice, corpus.code, self._length(WRITE_LENGTH))},
            "Task": lambda: {"description": "Look around", "prompt": lines(dice, corpus.prose, 500), "subagent_type": "explore"},
            "mcp__issues__issue_ready": dict,
            "mcp__issues__issue_claim": lambda: {"number": dice.below(90), "run_id": dice.letters(HEX, 12)},
            "mcp__issues__issue_complete": lambda: {"number": dice.below(90)},
        }

    def write(self, steps: int) -> None:
        # A short session looks at small things.
        self._longest = 1_200 if steps < 50 else 60_000
        self._add("system_init", 3_000, {"model": MODEL})
        thinks = steps < 120
        while len(self.steps) < steps:
            self.turns += 1
            left = steps - len(self.steps)
            if thinks and left > 2 and self._dice.chance(0.9):
                self._text("thinking", THINKING_LENGTH, {"signature": signature(self._dice)})
            elif left < 2 or self._dice.chance(0.45):
                self._text("assistant", ASSISTANT_LENGTH, {})
            left = steps - len(self.steps)
            calls = min(self._dice.weighted(((1, 82), (2, 13), (3, 5))), left // 2)
            self._call(calls)

    def _add(self, kind: str, latency_ms: int, fields: Json) -> None:
        self.clock_ns += self._dice.between(latency_ms * 100_000, latency_ms * 1_900_000)
        self.steps.append({"step_id": len(self.steps) + 1, "timestamp": self.clock_ns, "type": kind, **fields})

    def _tokens(self) -> Json:
        self._context_tokens += self._dice.between(20, 300)
        return {
            "tokens_in": self._dice.between(2, 12),
            "tokens_out": self._dice.between(1, 480),
            "tokens_cached": self._context_tokens,
        }

    def _text(self, kind: str, length: Table, extra: Json) -> None:
        content = self._with_secret(lines(self._dice, self._corpus.prose, self._dice.quantile(length)))
        self._add(kind, 4_000, {"content": content, **extra, **self._tokens()})

    def _call(self, count: int) -> None:
        called = []
        for _ in range(count):
            tool, tool_id = self._dice.weighted(self._style.tools), "toolu_01" + self._dice.letters(ALPHANUMERIC, 22)
            called.append((tool, tool_id))
            self._add("tool_call", 1_500, {"tool": tool, "tool_id": tool_id, "input": self._inputs[tool](), **self._tokens()})
        for tool, tool_id in called:
            success = not self._dice.chance(FAILURE_RATES.get(tool, 0.0))
            fields: Json = {"tool_id": tool_id, "success": success}
            output = self._with_secret(self._output(tool))
            if output:
                fields["output"] = output if success else "Error: " + output[:700]
            self._add("tool_result", 900 if tool in ("Bash", "Task") else 40, fields)

    def _with_secret(self, text: str) -> str:
        if not self._dice.chance(self._style.secret_rate):
            return text
        middle = self._dice.below(min(len(text), 400) + 1)
        return f"{text[:middle]} {secret(self._dice)} {text[middle:]}"

    def _output(self, tool: str) -> str:
        dice, corpus = self._dice, self._corpus
        if tool == "Read":
            return numbered_lines(dice, corpus.code, self._length(self._style.file_length))
        if tool == "Edit":
            return f"The file {self._file()} has been updated:\n" + numbered_lines(dice, corpus.code, self._length(EDIT_LENGTH))
        if tool in ("Bash", "Task"):
            return lines(dice, corpus.output, self._length(OUTPUT_LENGTH))
        if tool in ("Grep", "Glob"):
            return lines(dice, corpus.paths, self._length(OUTPUT_LENGTH))
        if tool == "TodoWrite":
            return "Todos have been modified successfully. Ensure that you continue to use the todo list to track your progress."
        return lines(dice, corpus.prose, dice.between(20, 500))

    def _length(self, table: Table) -> int:
        return min(self._dice.quantile(table), self._longest)

    def _file(self) -> str:
        return "/home/dev/project/" + self._dice.pick(self._corpus.paths)

    def _bash(self) -> Json:
        command = self._dice.pick(self._corpus.commands)
        if self._dice.chance(0.12):
            command += " <<'EOF'\n" + lines(self._dice, self._corpus.prose, self._dice.between(300, 1400)) + "\nEOF"
        return {"command": self._with_secret(command), "description": lines(self._dice, self._corpus.prose, 40)}

    def _edit(self) -> Json:
        before = lines(self._dice, self._corpus.code, self._length(EDIT_LENGTH))
        after = before[: len(before) // 2] + lines(self._dice, self._corpus.code, self._length(EDIT_LENGTH))
        return {"file_path": self._file(), "old_string": before, "new_string": after}

    def _todo(self) -> Json:
        words = [lines(self._dice, self._corpus.prose, self._dice.between(30, 70)) for _ in range(self._dice.between(3, 7))]
        states = ("completed", "in_progress", "pending")
        return {"todos": [{"content": text, "status": self._dice.pick(states), "activeForm": text} for text in words]}
