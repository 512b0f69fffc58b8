"""What the texts of a session are made of: prose, code, compiler output, shell commands, things that look like secrets.

Knows how such texts look, nothing of sessions. The pools are made once from a fixed seed; a text is a draw of their lines, so
that tens of megabytes take seconds. The secrets are put together here, letter by random letter: none is or ever was one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoprof_ci.workloads.dice import ALPHANUMERIC, BASE64, HEX, Dice

NOUNS = (
    *("session", "buffer", "parser", "ledger", "index", "cursor", "token", "channel", "worker", "snapshot", "budget", "policy"),
    *("trajectory", "record", "queue", "router", "cache", "digest", "segment", "window", "handle", "schema", "column", "issue"),
    *("report", "prompt", "reader", "writer", "event", "stream", "limit", "retry", "timeout", "folder", "commit", "branch"),
)
VERBS = (
    *("load", "parse", "merge", "flush", "split", "encode", "decode", "refresh", "collect"),
    *("resolve", "record", "validate", "schedule", "drain", "trim", "format", "compare", "claim"),
)
TYPES = ("String", "u64", "usize", "bool", "Vec<u8>", "Option<String>", "&str", "PathBuf", "Result<()>", "HashMap<String, u32>")
CRATES = ("core", "storage", "router", "agent", "desktop", "relay", "wallet", "recorder", "views", "protocol")
UNICODE = ("→", "✓", "✗", "…", "é", "ü", "“done”", "—", "日本語", "🚀", "│", "≥")
SUBJECTS = ("The test", "This function", "The parser", "Our cache", "The worker", "That branch", "The migration", "Each session")
REASONS = (
    "because the lock is held",
    "when the file is empty",
    "after the second retry",
    "as the log shows",
    "so the budget holds",
)


def secret(dice: Dice) -> str:
    """Something that looks like a credential, as it slips into a log."""
    return dice.pick(_SECRETS)(dice)


_SECRETS: tuple[Callable[[Dice], str], ...] = (
    lambda dice: "GITHUB_TOKEN=" + "gh" + "p_" + dice.letters(ALPHANUMERIC, 36),
    lambda dice: "ANTHROPIC_API_KEY=" + "sk-" + "ant-" + dice.letters(ALPHANUMERIC, 40),
    lambda dice: "OPENAI_API_KEY=" + "sk-" + "proj-" + dice.letters(ALPHANUMERIC, 48),
    lambda dice: "AWS_ACCESS_KEY_ID=" + "AK" + "IA" + dice.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    lambda dice: "Authorization: Bearer " + dice.letters(ALPHANUMERIC, 44),
    lambda dice: "postgres://deploy:" + dice.letters(ALPHANUMERIC, 16) + "@db.internal:5432/ledger",
    lambda dice: 'password: "' + dice.letters(ALPHANUMERIC, 14) + '"',
    lambda dice: "xox" + "b-" + dice.letters("0123456789", 12) + "-" + dice.letters(ALPHANUMERIC, 24),
    lambda dice: (
        "eyJ" + dice.letters(ALPHANUMERIC, 33) + ".eyJ" + dice.letters(ALPHANUMERIC, 60) + "." + dice.letters(ALPHANUMERIC, 43)
    ),
    lambda dice: "nsec1" + dice.letters("023456789acdefghjklmnpqrstuvwxyz", 58),
)


def _name(dice: Dice) -> str:
    return f"{dice.pick(VERBS)}_{dice.pick(NOUNS)}"


def _code_line(dice: Dice) -> str:
    noun, other, kind = dice.pick(NOUNS), dice.pick(NOUNS), dice.pick(TYPES)
    indent = "    " * dice.between(0, 4)
    form = dice.below(12)
    if form == 0:
        return f"pub fn {_name(dice)}({noun}: {kind}, {other}: &mut {other.capitalize()}) -> Result<{dice.pick(TYPES)}> {{"
    if form == 1:
        return f'{indent}println!("{noun}: {{}} \\"{other}\\"\\t{{:?}}", self.{noun}, {other});'
    if form == 2:
        return f"{indent}let {noun} = self.{other}.{_name(dice)}()?.unwrap_or_default();"
    if form == 3:
        return f'{indent}Some({noun}) => return Err(anyhow!("cannot {_name(dice)}: {{}}", {noun})),'
    if form == 4:
        return f"{indent}/// {_sentence(dice)}"
    if form == 5:
        return f'#[serde(rename = "{noun}_{other}", skip_serializing_if = "Option::is_none")]'
    if form == 6:
        return f"{indent}if {noun}.len() > {dice.below(5000)} && !{other}.is_empty() {{"
    if form == 7:
        return f"{indent}}}"
    if form == 8:
        return f"{indent}pub {noun}_{other}: {kind},"
    if form == 9:
        return f'{indent}assert_eq!({noun}.{_name(dice)}(), "{other}\\n");'
    if form == 10:
        return f"use crate::{noun}::{{{other.capitalize()}, {dice.pick(NOUNS).capitalize()}Error}};"
    return ""


def _path(dice: Dice) -> str:
    return f"crates/{dice.pick(CRATES)}/src/{dice.pick(NOUNS)}_{dice.pick(NOUNS)}.rs"


def _sentence(dice: Dice) -> str:
    form = dice.below(6)
    if form == 0:
        return f"Let me {dice.pick(VERBS)} the {dice.pick(NOUNS)} in `{_path(dice)}` first."
    if form == 1:
        return f"{dice.pick(SUBJECTS)} should {dice.pick(VERBS)} the {dice.pick(NOUNS)} {dice.pick(REASONS)}."
    if form == 2:
        noun = dice.pick(NOUNS).capitalize()
        return f"- **{noun}**: {dice.pick(VERBS)} every {dice.pick(NOUNS)} {dice.pick(UNICODE)} {dice.below(900)} lines"
    if form == 3:
        return f"Now I'll add `{_name(dice)}()` to the {dice.pick(NOUNS)} and run the tests again {dice.pick(UNICODE)}"
    if form == 4:
        return f'It says "{dice.pick(NOUNS)} not found" {dice.pick(REASONS)}, so I {dice.pick(VERBS)} it.'
    return f"{dice.pick(SUBJECTS)} works now: {dice.below(400)} tests pass, {dice.below(9)} are ignored."


def _output_line(dice: Dice) -> str:
    form = dice.below(8)
    if form == 0:
        crate = dice.pick(CRATES)
        return f"   Compiling {crate}-{dice.pick(NOUNS)} v0.{dice.below(40)}.{dice.below(20)} (/home/dev/project/crates/{crate})"
    if form == 1:
        return f"warning: unused variable: `{dice.pick(NOUNS)}_{dice.pick(NOUNS)}`"
    if form == 2:
        return f"  --> {_path(dice)}:{dice.between(1, 1900)}:{dice.between(1, 90)}"
    if form == 3:
        return f"{dice.between(1, 1900)} |     let {dice.pick(NOUNS)} = self.{_name(dice)}(&{dice.pick(NOUNS)});"
    if form == 4:
        return f"test {dice.pick(NOUNS)}::tests::{_name(dice)} ... {'ok' if dice.chance(0.98) else 'FAILED'}"
    if form == 5:
        return f"   = note: `#[warn(dead_code)]` on by default {dice.pick(UNICODE)}"
    if form == 6:
        return f"{dice.letters(HEX, 9)} {_sentence(dice)}"
    size, day, minute = dice.between(100, 90_000), dice.between(1, 28), dice.between(10, 59)
    return f"-rw-r--r--  1 dev  dev  {size:>7} Jan {day:>2} 10:{minute} {_path(dice)}"


def _command(dice: Dice) -> str:
    crate, noun = dice.pick(CRATES), dice.pick(NOUNS)
    form = dice.below(7)
    if form == 0:
        return f"cargo test -p {crate} {noun} -- --nocapture 2>&1 | tail -{dice.between(10, 60)}"
    if form == 1:
        return f"cargo build --release -p {crate} 2>&1 | grep -E '^(warning|error)' | head -{dice.between(5, 40)}"
    if form == 2:
        return f'git add -A && git commit -m "{_sentence(dice)}"'
    if form == 3:
        return f"ls -la crates/{crate}/src/ && wc -l {_path(dice)}"
    if form == 4:
        return f"find . -name '*.rs' -not -path './target/*' | xargs grep -n '{_name(dice)}'"
    if form == 5:
        return f"curl -s --token {dice.letters(ALPHANUMERIC, 24)} https://ci.internal/{crate}/{noun}"
    return f"sed -n '{dice.between(1, 400)},{dice.between(401, 900)}p' {_path(dice)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Pools of lines to draw texts from."""

    code: Sequence[str]
    prose: Sequence[str]
    output: Sequence[str]
    commands: Sequence[str]
    paths: Sequence[str]


def make_corpus(seed: int) -> Corpus:
    dice = Dice(seed)
    return Corpus(
        code=[_code_line(dice) for _ in range(4000)],
        prose=[_sentence(dice) for _ in range(2000)],
        output=[_output_line(dice) for _ in range(2000)],
        commands=[_command(dice) for _ in range(600)],
        paths=[_path(dice) for _ in range(300)],
    )


def lines(dice: Dice, pool: Sequence[str], length: int) -> str:
    """Lines of `pool`, cut to `length` characters."""
    drawn: list[str] = []
    size = 0
    while size < length:
        line = dice.pick(pool)
        drawn.append(line)
        size += len(line) + 1
    return "\n".join(drawn)[:length]


def numbered_lines(dice: Dice, pool: Sequence[str], length: int) -> str:
    """A file as a reading tool shows it: every line with its number."""
    drawn: list[str] = []
    size = 0
    number = dice.between(1, 400)
    while size < length:
        line = f"{number:>6}→{dice.pick(pool)}"
        drawn.append(line)
        size += len(line) + 1
        number += 1
    return "\n".join(drawn)[:length]


def signature(dice: Dice) -> str:
    """A block of base64, as signs a thought."""
    return dice.letters(BASE64, dice.between(60, 220) * 4)
