"""What nobody should publish, as regular expressions: keys of known services, tokens, passwords, names of people.

Every expression has the group `secret`, which is what is replaced; what stands around it is kept. Too much is better than too
little here: a replacement is as long as what it replaces, so that a program that reads it does the same work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`kind`: what it finds, as the report says it, in the plural. `needs`: one of these, in small letters, is in every text that
    has one: to look for a word is a hundred times faster than for an expression. None: look always."""

    kind: str
    expression: re.Pattern[str]
    needs: tuple[str, ...]

    def may_be_in(self, small_letters: str) -> bool:
        return not self.needs or any(word in small_letters for word in self.needs)


def _pattern(kind: str, expression: str, *needs: str) -> Pattern:
    return Pattern(kind=kind, expression=re.compile(expression), needs=needs)


def _keys(kind: str, *expressions: str, needs: tuple[str, ...] = ()) -> Pattern:
    """Keys that say themselves whose they are; the part that says so, up to the blank, is kept: ``sk-ant- [a-z]…``."""
    either = "|".join(f"{prefix}(?P<secret{number}>{rest})" for number, (prefix, rest) in enumerate(map(_halves, expressions)))
    return _pattern(kind, rf"(?<![A-Za-z0-9_])(?:{either})", *needs)


def _halves(expression: str) -> tuple[str, str]:
    prefix, _, rest = expression.partition(" ")
    return prefix, rest


_WORD = r"[A-Za-z0-9_-]"
_QUOTE = r"\\*[\"'`]"
_MAYBE_QUOTE = r"\\*[\"'`]?"
_UNQUOTED = r"[^\s\"'`\\$(){}<>;&|]"
_SECRET_NAME = (
    r"(?:api[_-]?key|apikey|secret|passw(?:or)?d|passphrase|pwd|credentials?|(?:private|access|auth|account|encryption|signing|"
    r"client)[_-]?key|mnemonic|seed[_-]?phrase|{token})[\w.-]{{0,40}}"
)
_NAMES, _NAMES_IN_SINGULAR = _SECRET_NAME.format(token="token"), _SECRET_NAME.format(token="token(?!s)")
_WORDS_IN_NAMES = ("key", "secret", "token", "passw", "passphrase", "pwd", "credential", "mnemonic", "seed")
_NAMES_IN_CAPITALS = r"(?:API_?KEY|SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|_KEY|_PASS|_PWD|MNEMONIC)[A-Z0-9_]{0,40}"

SECRET_FIELD = re.compile(rf"(?i).*(?:{_NAMES_IN_SINGULAR}|authorization|cookie)")
"""Names of JSON fields whose whole text is a secret."""

PATTERNS = (
    _pattern(
        "private keys",
        r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?P<secret>.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY|\Z)",
        "private key",
    ),
    _keys("Anthropic keys", rf"sk-ant- {_WORD}{{16,}}", needs=("sk-ant-",)),
    _keys(
        "OpenAI keys",
        rf"sk-(?!ant-)(?:proj-|svcacct-|admin-|or-v1-|lf-)? {_WORD}{{16,}}",
        r"sess- [A-Za-z0-9]{30,}",
        needs=("sk-", "sess-"),
    ),
    _keys(
        "GitHub tokens",
        r"gh[pousr]_ [A-Za-z0-9]{16,}",
        r"github_pat_ [A-Za-z0-9_]{16,}",
        needs=("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    _keys("GitLab tokens", rf"gl(?:pat|ptt|dt|rt|cbt|ft|oas|imt|agent|soat|ffct)- {_WORD}{{16,}}", needs=("gl",)),
    _keys("AWS keys", r"(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ABIA|ACCA) [A-Z0-9]{16}(?![A-Za-z0-9])"),
    _keys(
        "Google keys",
        rf"AIza {_WORD}{{30,}}",
        r"ya29\. [A-Za-z0-9_.-]{16,}",
        rf"GOCSPX- {_WORD}{{16,}}",
        r"1// [A-Za-z0-9_-]{30,}",
        needs=("aiza", "ya29.", "gocspx-", "1//"),
    ),
    _keys(
        "Slack tokens",
        rf"xox[a-z]- {_WORD}{{10,}}",
        rf"xapp- {_WORD}{{10,}}",
        r"xoxe\.xox[bp]- [\w-]{10,}",
        needs=("xox", "xapp-"),
    ),
    _keys(
        "Stripe keys",
        r"(?:sk|rk|pk)_(?:live|test)_ [A-Za-z0-9]{10,}",
        r"whsec_ [A-Za-z0-9+/=]{16,}",
        needs=("_live_", "_test_", "whsec_"),
    ),
    _keys(
        "keys of other services",
        r"npm_ [A-Za-z0-9]{30,}",
        rf"pypi- {_WORD}{{30,}}",
        r"hf_ [A-Za-z0-9]{20,}",
        r"cio [A-Za-z0-9]{32}(?![A-Za-z0-9])",
        rf"SG\. {_WORD}{{10,}}\.{_WORD}{{10,}}",
        r"(?:AC|SK) [0-9a-f]{32}(?![A-Za-z0-9])",
        r"key- [0-9a-f]{32}",
        r"do[opr]_v1_ [0-9a-f]{40,}",
        rf"lin_(?:api|oauth)_ {_WORD}{{16,}}",
        r"(?:ntn|secret)_ [A-Za-z0-9]{30,}",
        r"dapi [0-9a-f]{32}",
        rf"gsk_ {_WORD}{{16,}}",
        rf"xai- {_WORD}{{16,}}",
        rf"r8_ {_WORD}{{16,}}",
        rf"pplx- {_WORD}{{16,}}",
        rf"sbp_ {_WORD}{{16,}}",
        rf"dckr_(?:pat|oat)_ {_WORD}{{16,}}",
        rf"hv[sbr]\. {_WORD}{{16,}}",
        rf"ATATT3 {_WORD}{{16,}}",
        rf"fo1_ {_WORD}{{16,}}",
        rf"(?:vercel|vcp|vc)_ {_WORD}{{20,}}",
        rf"tskey- {_WORD}{{10,}}",
        rf"lsv2_(?:pt|sk)_ {_WORD}{{16,}}",
        r"AGE-SECRET-KEY-1 [A-Z0-9]{30,}",
        r"(?:nsec|ncryptsec)1 [a-z0-9]{30,}",
        r"[xyzt]prv [A-Za-z0-9]{80,}",
    ),
    _pattern("Telegram tokens", r"\b(?P<secret>\d{8,10}:[A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"),
    _pattern(
        "webhook addresses",
        r"(?i)https://(?:hooks\.slack\.com/(?:services|workflows)|(?:\w+\.)?discord(?:app)?\.com/api/webhooks)/(?P<secret>[\w/-]{8,})",
        "hooks.slack",
        "api/webhooks",
    ),
    _pattern("web tokens (JWT)", r"\beyJ(?P<secret>[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?)", "eyj"),
    _pattern(
        "credentials in headers",
        r"(?i)(?:authorization|x-api-key|api-key|x-auth-token|x-access-token|private-token|cookie)"
        rf"{_MAYBE_QUOTE}\s*[:=]\s*{_MAYBE_QUOTE}(?:(?:bearer|basic|token|digest|apikey)\s+)?"
        r"(?P<secret>[^\s\"'`\\$<{\[(][^\"'`\\\r\n]{0,4000})",
        "authorization",
        "api-key",
        "-token",
        "cookie",
    ),
    _pattern("credentials in headers", r"(?i)\bbearer\s+(?P<secret>[A-Za-z0-9._~+/=-]{8,})", "bearer"),
    _pattern("passwords in addresses", r"(?<=://)(?P<secret>[^\s/@\"'<>$?#]{1,400})@", "://"),
    _pattern(
        "secrets in addresses",
        r"(?i)[?&;](?:[\w-]{0,40}?(?:token|secret|passw(?:or)?d|api[_-]?key|signature|credential)[\w-]{0,40}|key|sig|auth|code)="
        r"(?P<secret>[^&\s\"'<>\\#]{6,})",
    ),
    _pattern(
        "secrets by their names",
        rf"(?i){_NAMES}{_MAYBE_QUOTE}\s*(?:=>|:=|[:=])\s*(?P<quote>{_QUOTE})(?P<secret>.{{4,400}}?)(?P=quote)",
        *_WORDS_IN_NAMES,
    ),
    _pattern("secrets by their names", rf"{_NAMES_IN_CAPITALS}=(?P<secret>{_UNQUOTED}{{4,}})", *_WORDS_IN_NAMES, "_key", "_pass"),
    _pattern("secrets by their names", rf"(?i)(?:passw(?:or)?d|passphrase|pwd)=(?P<secret>{_UNQUOTED}{{4,}})", "pass", "pwd"),
    _pattern("secrets by their names", r"(?i)\blogin\s+\S+\s+password\s+(?P<secret>\S{4,})", "login"),
    _pattern("secrets by their names", rf"(?i)<{_NAMES_IN_SINGULAR}>(?P<secret>[^<>\s]{{4,}})</", "</"),
    _pattern(
        "secrets by their names",
        rf"(?i){_NAMES_IN_SINGULAR}\s*[:=]\s*(?P<secret>(?=[^\s]*\d)[^\s\"'`\\$(){{}}\[\]<>;,&|:]{{6,}})(?=[\s;,\"'`\\]|$)",
        *_WORDS_IN_NAMES,
    ),
    _pattern(
        "secrets in options",
        rf"(?i)(?<![\w-])--?(?:[\w-]{{0,40}}?(?:token|secret|passw(?:or)?d|passphrase|api-?key|private-?key|access-?key)|pass)"
        rf"[= ]{_MAYBE_QUOTE}(?P<secret>(?!-){_UNQUOTED}{{4,}})",
        *_WORDS_IN_NAMES,
        "-pass",
    ),
    _pattern("secrets in options", r"(?<![\w-])-u\s?[\"']?(?P<secret>[\w.@+-]+:[^\s\"'`\\$|;&]{3,})", "-u"),
    _pattern(
        "e-mail addresses",
        r"://[^\s/@]*@|(?<![\w.+-])(?!git@)(?P<secret>[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24})(?![\w-])",
        "@",
    ),
)
"""In this order; what one has replaced is looked at again by the next."""

HOMES = re.compile(
    r"(?:/home/|/Users/|[A-Za-z]:\\{1,8}Users\\{1,8})(?P<name>[A-Za-z0-9_.][A-Za-z0-9_.$-]*)|-(?:home|Users)-(?P<part>[A-Za-z0-9_.]+)"
)
"""Folders of users, and the same as some agents write paths into names of folders: ``-home-jane-project``."""

NOBODY = frozenset((
    "user", "users", "you", "me", "username", "name", "runner", "root", "ubuntu", "debian", "admin", "dev", "app",
    "node", "test", "build", "builder", "ci", "work", "home", "shared", "public", "guest", "vscode", "codespace",
    "docker", "linuxbrew", "git", "jenkins", "circleci", "gitpod", "vagrant", "ec2-user", "xxx", "x", "default",
    "nobody", "someone", "example", "foo", "bar",
))  # fmt: skip
"""Names of home folders that are nobody's."""

RANDOM = re.compile(r"(?<![A-Za-z0-9_+/=-])(?P<secret>[A-Za-z0-9_-]{32,}|[A-Za-z0-9+/]{40,}={0,2})(?![A-Za-z0-9_+/=-])")
"""Long words that may be keys of a service nobody here knows; whether they look random is decided in `secrets`."""
