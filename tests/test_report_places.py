"""Where in the pull request: how a line is shown, linked and annotated, and that no name of a file leads astray."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from autoprof_ci import report
from autoprof_ci.model import Reason, ReasonCode, Source, Status, Verdict
from autoprof_ci.report import html_blocks, markdown, text, wording
from tests import factories_report as made

ROOT = "https://github.example/o/r/blob/9f8e7d6/"
HERE = Source(file="src/redact.rs", line=42, changed_here=True)
NOT_HERE = replace(HERE, changed_here=False)
HOSTILE = [
    "../../../evil/repo/blob/x.rs",
    "src/../../../x.rs",
    "javascript:alert(1)",
    "/etc/passwd",
    "//evil.example/x.rs",
    "https://evil.example/x.rs",
    "x](https://evil.example)[y",
    "x`|`</td></table><script>alert(1)</script>",
    "src/x.rs\n### 🟢 No regression",
    "src/\u202egpj.rs",
    "src/\\..\\..\\x.rs",
    "a" * 5000,
    "a/" * 2000 + "x.rs",
    "src/x.rs#L1 @octocat #1",
    "src/100%25?plain=1#x.rs",
    "",
]


def with_source(source: Source) -> Verdict:
    finding = replace(made.dearer_calls(), source=source, status=Status.REGRESSION)
    red = made.red_dearer()
    [first, *others] = red.workloads
    findings = [finding if each.subject == finding.subject else each for each in first.findings]
    if finding not in findings:
        findings.append(finding)
    return replace(red, workloads=(replace(first, findings=tuple(findings)), *others))


def test_place__says_and_links_the_line() -> None:
    phrase = wording.place(HERE, ROOT)
    assert text.inline(phrase) == "src/redact.rs:42, changed here"
    assert markdown.inline(phrase) == f"[`src/redact.rs:42`]({ROOT}src/redact.rs#L42), **changed here**"
    link = f'<a href="{ROOT}src/redact.rs#L42" rel="noreferrer"><code>src/redact.rs:42</code></a>'
    assert html_blocks.inline(phrase) == f"{link}, <strong>changed here</strong>"


@pytest.mark.parametrize(
    ("source", "source_url", "expected"),
    [
        (NOT_HERE, ROOT, f"[`src/redact.rs:42`]({ROOT}src/redact.rs#L42)"),
        (replace(HERE, line=None), ROOT, f"[`src/redact.rs`]({ROOT}src/redact.rs), **changed here**"),
        (HERE, None, "`src/redact.rs:42`, **changed here**"),
        (replace(NOT_HERE, file="src/my file (1).rs"), ROOT, f"[`src/my file (1).rs:42`]({ROOT}src/my%20file%20%281%29.rs#L42)"),
        (replace(NOT_HERE, file="src/a#b?c%d.rs"), ROOT, f"[`src/a#b?c%d.rs:42`]({ROOT}src/a%23b%3Fc%25d.rs#L42)"),
        (replace(NOT_HERE, file="/rustc/abc/str.rs"), ROOT, "`/rustc/abc/str.rs:42`"),
    ],
)
def test_place__in_markdown(source: Source, source_url: str | None, expected: str) -> None:
    assert markdown.inline(wording.place(source, source_url)) == expected


def links(shown: str) -> list[str]:
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(f"| a | b |\n| --- | --- |\n| {shown} | end |\n")
    assert rendered.count("<td>") == 2, rendered
    assert "<script" not in rendered
    return re.findall(r'href="([^"]*)"', rendered)


@given(st.text(max_size=80))
@example("src/redact.rs")
def test_place__of_any_name_leads_into_the_repository_or_nowhere(file: str) -> None:
    for source in (Source(file=file, line=3, changed_here=True), Source(file=f"src/{file}.rs", line=3)):
        phrase = wording.place(source, ROOT)
        cell = markdown.block(markdown.Table(header=("a",), rows=((phrase,),))).splitlines()
        assert len(cell) == 3
        for url in [*links(cell[2].strip("| ")), *re.findall(r'href="([^"]*)"', html_blocks.inline(phrase))]:
            assert url.startswith(ROOT)
            assert ".." not in url.removeprefix(ROOT).split("/")
            assert len(url) < 1000


@pytest.mark.parametrize("file", HOSTILE, ids=range(len(HOSTILE)))
def test_report__of_a_hostile_name(file: str) -> None:
    verdict = with_source(Source(file=file, line=3, changed_here=True))
    sides = made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate")
    details = replace(made.details(), source_url=ROOT)
    comment = report.comment(verdict, *sides, details)
    assert len(comment) <= markdown.LIMIT
    table = [line for line in comment.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table[:3]}) == 1
    for url in re.findall(r'href="([^"]*)"', MarkdownIt("gfm-like", {"linkify": False}).render(comment)):
        assert url.startswith(("https://github.example/", "report.html"))
        assert "/../" not in url
    assert len([line for line in comment.splitlines() if line.startswith("### ")]) == 1
    for annotation in report.annotations(verdict):
        assert annotation.file is None or (annotation.file == file and not file.startswith(("/", "javascript")))
    assert all(line.isprintable() for line in report.terminal(verdict, *sides, details).splitlines())


def test_annotations__are_put_on_the_changed_line() -> None:
    [annotation, *_] = report.annotations(with_source(HERE))
    assert (annotation.file, annotation.line) == ("src/redact.rs", 42)


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("", "nothing that reaches it is changed in this pull request"),
        ("Cargo.lock", "nothing that reaches it is changed in this pull request, but `Cargo.lock` is"),
    ],
)
def test_why__nothing_that_reaches_it_is_changed(detail: str, said: str) -> None:
    finding = replace(made.dearer_calls(), source=NOT_HERE, reasons=(Reason(code=ReasonCode.NOT_REACHED, detail=detail),))
    assert markdown.inline(wording.why(finding, None)) == said
