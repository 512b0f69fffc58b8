"""What is taken out of a session: every kind of secret, at its length; and what is left alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autoprof_ci.agent_sessions.secrets import Scrubber, mask, names_in
from autoprof_ci.workloads.dice import Dice
from autoprof_ci.workloads.texts import make_corpus, secret

# Keys are written in two halves: a scanner of repositories would take them for real ones.
SECRETS = {
    "anthropic": ("the key is ", "sk-" + "ant-api03-Ab3dEf6hIj9kLm2n_Op-Qr", " here", "Anthropic keys"),
    "openai": ("", "sk-" + "proj-Ab3dEf6hIj9kLm2nOpQr", "", "OpenAI keys"),
    "openai-old": ('{"k":"', "sk-" + "Ab3dEf6hIj9kLm2nOpQrStUv", '"}', "OpenAI keys"),
    "github": ("git clone https://x/", "gh" + "p_Ab3dEf6hIj9kLm2nOpQrStUvWx5yZa8bCd", "", "GitHub tokens"),
    "github-fine": ("", "github" + "_pat_11ABCDEFG0abcdefghij_KLMNOPqrstuvwxyz0123456789", ".", "GitHub tokens"),
    "gitlab": ("(", "gl" + "pat-Ab3dEf6hIj9kLm2nOpQr", ")", "GitLab tokens"),
    "aws": ("id=", "AK" + "IAIOSFODNN7EXAMPLX", "\n", "AWS keys"),
    "google": ("", "AI" + "zaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "", "Google keys"),
    "slack": ("", "xox" + "b-123456789012-abcdefABCDEF", "", "Slack tokens"),
    "stripe": ("", "sk" + "_live_Ab3dEf6hIj9kLm2nOpQr", "", "Stripe keys"),
    "npm": ("//registry.npmjs.org/:_authToken=", "npm" + "_Ab3dEf6hIj9kLm2nOpQrStUvWx5yZa8bCd01", "", "keys of other services"),
    "nostr": ("", "nse" + "c1" + "q9w8e7r6t5" * 5 + "asdfghjk", "", "keys of other services"),
    "hugging-face": ("", "h" + "f_AbcDefGhiJklMnoPqrStuVwx", "", "keys of other services"),
    "telegram": ("bot", ":", "", ""),
    "jwt": ("", "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27u", "", "web tokens (JWT)"),
    "bearer": ("curl -H 'Authorization: Bearer ", "abc-DEF_123.456~x", "' x", "credentials in headers"),
    "basic": ("Authorization: Basic ", "dXNlcjpwYXNzd29yZA==", "", "credentials in headers"),
    "header": ("x-api-key: ", "0f9e8d7c6b5a", "\nhost: x", "credentials in headers"),
    "cookie": ("Cookie: ", "session=abc123; theme=dark", "\n", "credentials in headers"),
    "address": ("postgres://", "admin:hunter2", "@db.local:5432/app", "passwords in addresses"),
    "address-token": ("https://", "ci-bot:v1.abcdef", "@host.local/o/r.git", "passwords in addresses"),
    "query": ("https://x.org/cb?a=1&access_token=", "abcdef123456", "&b=2", "secrets in addresses"),
    "environment": ("export MY_SECRET_KEY=", "hunter2-is-it", "\nexport PATH=/bin", "secrets by their names"),
    "toml": ('db_password = "', "correct horse battery", '"', "secrets by their names"),
    "json-in-text": ('{\\"api_key\\": \\"', "abcdef-123", '\\"}', "secrets by their names"),
    "yaml": ("  token: ", "abc123def", "\n", "secrets by their names"),
    "xml": ("<password>", "hunter2", "</password>", "secrets by their names"),
    "netrc": ("machine x login me password ", "hunter2", "\n", "secrets by their names"),
    "option": ("deploy --token ", "hunter22", " --verbose", "secrets in options"),
    "option-equals": ("deploy --db-password='", "hunter22", "' x", "secrets by their names"),
    "curl": ("curl -u ", "jane:hunter2", " http://x", "secrets in options"),
    "mail": ("Signed-off-by: Jane <", "jane.doe+git@mail.example.org", ">", "e-mail addresses"),
    "home": ("cd /home/", "jane", "/code && ls", "names of home folders"),
    "home-mac": ("/Users/", "jane.doe", "/Library", "names of home folders"),
    "home-windows": ("C:\\Users\\", "Jane", "\\code", "names of home folders"),
    "home-dashed": ("projects/-home-", "jane", "-code", "names of home folders"),
    "random": ("value ", "Zx9Kq2Lm8Np4Rt6Vw1By3Dc5Fg7Hj0Ks", " end", "long random words"),
}  # fmt: skip
del SECRETS["telegram"]

LEFT_ALONE = (
    "let token = parser.next_token(); // the secret of parsing",
    "fn password(&self) -> &str { &self.password }",
    "https://example.org/a/b?x=1#y and http://localhost:8080/",
    "git@github.com:owner/repository.git",
    "commit 0123456789abcdef0123456789abcdef01234567",
    "/home/user/project /home/runner/work /Users/Shared /root",
    "3f2c1a90-1111-4222-8333-abcdefabcdef",
    "actions/checkout@v4, react@18.2.0",
    "input_tokens: 123456, max_tokens = 4096",
    "_ZN4core3fmt9Formatter9write_fmt17h0123456789abcdefE",
    "a task-list of sk-ills",
)


def scrubbed(text: str) -> tuple[str, dict[str, int]]:
    scrubber = Scrubber(names=names_in([text]))
    return scrubber.value(text), dict(scrubber.found)


@pytest.mark.parametrize(("before", "hidden", "after", "kind"), SECRETS.values(), ids=SECRETS)
def test_scrubber__replaces_a_secret_by_one_of_its_length(before: str, hidden: str, after: str, kind: str) -> None:
    text, found = scrubbed(before + hidden + after)
    assert found[kind] >= 1
    assert len(text) == len(before + hidden + after)
    assert text.startswith(before)
    assert text.endswith(after)
    kept = text[len(before) : len(text) - len(after)]
    # What says whose it is may stay; of the rest not three letters in a row.
    prefix = re.match(
        r"(?:sk-(?:ant-|proj-|_live_)?|sk_live_|ghp_|github_pat_|glpat-|AKIA|AIza|xoxb-|npm_|nsec1|hf_|eyJ|[\w.]*@)?", kept
    )
    assert prefix is not None
    assert not re.search(r"[a-wyzA-WYZ1-9]", kept[prefix.end() :]), kept


@pytest.mark.parametrize("text", [before + hidden + after for before, hidden, after, _ in SECRETS.values()], ids=SECRETS)
def test_scrubber__finds_nothing_in_what_it_has_scrubbed(text: str) -> None:
    once, _ = scrubbed(text)
    assert scrubbed(once) == (once, {})


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_scrubber__leaves_alone_what_is_no_secret(text: str) -> None:
    assert scrubbed(text) == (text, {})


def test_scrubber__keeps_the_object_that_has_no_secret() -> None:
    value = {"a": ["text", {"b": 1.5, "c": None}], "id": "x"}
    assert Scrubber().value(value) is value


def test_scrubber__takes_fields_by_their_names_and_names_of_people_everywhere() -> None:
    message = {
        "type": "assistant", "input": {"password": "hunter2", "tokens": "three", "headers": {"Authorization": "x y z w"}},
        "list": [{"output": "drwxr-xr-x jane jane 4096 /home/jane/x"}], "jane": "janet, Jane", "session_id": "jane",
    }  # fmt: skip
    scrubber = Scrubber(names=names_in([message]))
    assert scrubber.value(message) == {
        "type": "assistant", "input": {"password": "xxxxxx0", "tokens": "three", "headers": {"Authorization": "x x x x"}},
        "list": [{"output": "drwxr-xr-x xxxx xxxx 4096 /home/xxxx/x"}], "jane": "janet, Jane", "session_id": "jane",
    }  # fmt: skip
    assert scrubber.found == {"secrets by their names": 2, "names of home folders": 3}


def test_scrubber__never_masks_the_words_of_the_protocol() -> None:
    messages = [{"type": "text", "x": f"/home/{name}/a"} for name in ("text", "user", "assistant", "al")]
    assert names_in(messages) == frozenset()
    assert Scrubber(names=names_in(messages)).value(messages[0]) == {"type": "text", "x": "/home/xxxx/a"}


def test_scrubber__private_key() -> None:
    begin, end = "-----BEGIN OPENSSH " + "PRIVATE KEY-----", "-----END OPENSSH " + "PRIVATE KEY-----"
    body = "b3BlbnNzaC1rZXktdjEA\nAAAABG5vbmUAAAAEbm9uZQ=="
    assert scrubbed(f"x\n{begin}\n{body}\n{end}\ny")[0] == f"x\n{begin}\n{mask(body)}\n{end}\ny"
    assert scrubbed(f"{begin}\n{body} cut off here")[0] == f"{begin}\n{mask(body)} xxx xxx xxxx"


def test_scrubber__finds_all_that_the_shipped_sessions_hide() -> None:
    """Those are the kinds that autopilot itself redacts."""
    dice, corpus = Dice(7), make_corpus(7)
    assert corpus.prose
    for _ in range(2000):
        hidden = secret(dice)
        text, found = scrubbed(f"it says {hidden} there")
        assert found, hidden
        assert len(text) == len(f"it says {hidden} there")


def test_scrubber__is_not_slowed_by_long_texts() -> None:
    text = ("token = password: secret key= " + "x" * 5000 + "\n") * 40 + "a" * 300_000
    once = json.dumps(scrubbed(text)[0])
    assert len(once) > len(text)


def test_mask__keeps_kinds_of_letters() -> None:
    assert mask("Ab1-_ .\nÄß字") == "Xx0-_ .\nXxx"


def test_patterns__are_listed_in_the_documentation() -> None:
    from autoprof_ci.agent_sessions.secret_patterns import PATTERNS
    from autoprof_ci.agent_sessions.secrets import HOME_NAMES, RANDOM_WORDS

    told = " ".join((Path(__file__).parents[1] / "docs/agent.md").read_text(encoding="utf-8").split())
    kinds = {pattern.kind for pattern in PATTERNS} | {HOME_NAMES, RANDOM_WORDS}
    assert [kind for kind in kinds if kind not in told] == []
