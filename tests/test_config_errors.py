"""What is said about a wrong ``autoprof.toml``: whole messages, one case each in ``golden/config/bad-inputs.txt``.

A case there is ``=== name``, the file, ``--->``, the message. To add one, write the file part and run ``make bless``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autoprof_ci import config
from autoprof_ci.errors import ConfigError
from autoprof_ci.model import Config
from tests import golden

BAD_INPUTS = Path("config/bad-inputs.txt")
CASE = re.compile(r"^=== (\w+)\n(.*?)^--->\n(.*?)\n(?=\n===|\Z)", re.MULTILINE | re.DOTALL)
CASES = CASE.findall((golden.GOLDEN / BAD_INPUTS).read_text(encoding="utf-8"))
WORKLOAD = '[[workload]]\nname = "a"\ncommand = ["{binary}"]\n'


def message_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config.parse(text, source="autoprof.toml")
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(("text", "message"), [pytest.param(text, message, id=name) for name, text, message in CASES])
def test_parse__bad_input(text: str, message: str) -> None:
    assert message_of(text) == message


def test_bad_inputs__are_all_read_from_their_file() -> None:
    golden.check(BAD_INPUTS, "\n".join(f"=== {name}\n{text}--->\n{message_of(text)}\n" for name, text, _ in CASES))
    assert len(CASES) >= 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"false_alarm_rate = {'1' * 5000}\n",
            "autoprof.toml: a number has too many digits. Every key is described in docs/tuning.md.",
        ),
        (
            f"binary = {'[' * 100_000}\n",
            "autoprof.toml: brackets or dots are nested too deeply. Every key is described in docs/tuning.md.",
        ),
        (
            f"{'a.' * 5000}b = 1\n",
            "autoprof.toml: brackets or dots are nested too deeply. Every key is described in docs/tuning.md.",
        ),
        (
            f"{WORKLOAD}runs = 0x{'f' * 5000}\n",
            "autoprof.toml: workload[a].runs: expected an even whole number from 4 to 1000, found a number of "
            "more than 18 digits. For example: `runs = 20`.",
        ),
        (
            f'binary = "{"x" * 501}"\n{WORKLOAD}',
            "autoprof.toml: binary: expected a path on one line, of at most 500 characters, found 501. "
            'For example: `binary = "target/release/NAME"`.',
        ),
        (f'fail_on = "{"x" * 300}"\n', f'found "{"x" * 59}…". The default is "regression".'),
        ("# " + "x" * 1_000_000, "autoprof.toml: has 1,000,002 characters, at most 1,000,000 are read. Is it the right file?"),
        (
            "".join(WORKLOAD.replace('"a"', f'"w{number}"') for number in range(201)),
            "autoprof.toml: workload: expected a list of tables, at most 200, found 201 of them. "
            "Every key is described in docs/tuning.md.",
        ),
        (
            "".join(f"k{number} = 1\n" for number in range(30)),
            "autoprof.toml: 30 problems. Correct them:\n",
        ),
    ],
    ids=["digits", "brackets", "dots", "hex", "path", "clipped", "file", "workloads", "problems"],
)
def test_parse__input_too_large(text: str, message: str) -> None:
    assert message in message_of(text)


def test_parse__names_at_most_twenty_problems() -> None:
    lines = message_of("".join(f"k{number} = 1\n" for number in range(30))).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  and 10 more."


def test_parse__names_the_file_it_was_given() -> None:
    with pytest.raises(ConfigError, match=r"^bench/gate\.toml: runs: unknown key"):
        config.parse("runs = 3\n", source="bench/gate.toml")


def test_parse__problem_has_a_next_step_of_its_own() -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse("[measure]\nrnus = 10\n", source="autoprof.toml")
    assert caught.value.what == "autoprof.toml: measure.rnus: unknown key"
    assert caught.value.next_step == "Did you mean measure.runs?"


def test_decode__byte_that_is_not_utf8() -> None:
    with pytest.raises(ConfigError) as caught:
        config.decode("# ok\n# größe \xff".encode("latin-1").replace(b"\xf6\xdf", "öß".encode()), source="autoprof.toml")
    assert str(caught.value) == "autoprof.toml: line 2, column 9: the byte 0xff is not UTF-8. Save the file as UTF-8."


def test_decode__too_large() -> None:
    with pytest.raises(ConfigError, match=r"^autoprof\.toml: has 1,000,001 bytes, at most 1,000,000 are read\. "):
        config.decode(b"#" * 1_000_001, source="autoprof.toml")


def test_decode__drops_a_byte_order_mark() -> None:
    assert config.decode(b"\xef\xbb\xbf# \xc3\xb6", source="autoprof.toml") == "# ö"


def test_parse__half_a_character() -> None:
    assert message_of("binary = '\ud800'\n") == (
        'autoprof.toml: binary: expected a path on one line, found "\\ud800". For example: `binary = "target/release/NAME"`.'
    )


# Any text gives a config or a clear error; the second strategy mutates files that are nearly right.
KEYS = st.sampled_from(
    """binary extra_binaries measure runs thresholds time override match warn_percent workload name command expires group accept
    env setup up_to_percent reason inputs stdin instruments metric""".split()  # noqa: SIM905
)
VALUES = st.sampled_from(
    """"x"|"{binary}"|3|4|-1|1e400|nan|inf|true|[]|["x"]|[["x"]]|{}|{a = 1}|2027-01-31|2027-01-31T00:00:00|07:32:00|""|
    "\\u0000"|0xffffffffffffffffffffffff|["{binary}", "{x}"]|"time"|["time"]""".split("|")  # noqa: SIM905
)
HEADERS = st.sampled_from(["[{}]", "[[{}]]", "[thresholds.{}]", "[[thresholds.{}]]"])
LINES = st.one_of(
    st.builds("{} = {}".format, KEYS, VALUES),
    st.builds(lambda header, key: header.format(key), HEADERS, KEYS),
)


@given(st.text())
@example("\x00")
@example("a" * 2000 + "=1")
def test_parse__any_text(text: str) -> None:
    assert_config_or_error(text)


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_parse__any_lines(text: str) -> None:
    assert_config_or_error(text)


@given(st.binary())
def test_decode__any_bytes(content: bytes) -> None:
    try:
        assert isinstance(config.decode(content, source="autoprof.toml"), str)
    except ConfigError as error:
        assert error.what.startswith("autoprof.toml: line ")


def assert_config_or_error(text: str) -> None:
    try:
        assert isinstance(config.parse_settings(text, source="autoprof.toml"), Config)
    except ConfigError as error:
        assert error.what.startswith("autoprof.toml: ")
        assert error.next_step
