"""The page: complete, self-contained, quick, and working in a real browser."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci import report
from autoprof_ci.model import Status, Verdict
from autoprof_ci.report import compose, html
from tests import factories_report as made
from tests.browser import drive, look


def _page(verdict: Verdict) -> str:
    return report.render(verdict, made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate"), made.details()).html


def _many(count: int) -> Verdict:
    findings = tuple(
        made.function(
            f"crate_{i % 50}::module::function_{i}",
            Status.UNCHANGED,
            made.time_of(0.001 + i * 1e-6, 0.0011),
            made.instructions_of(1e6, 1e6),
        )
        for i in range(count)
    )
    return replace(made.green(), workloads=(made.workload("many", *findings),))


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("page") / "report.html"
    page.write_text(_page(made.red()), encoding="utf-8")
    return page


def test_page__needs_no_network() -> None:
    text = _page(made.red())
    loaded = re.findall(r"""(?:src|srcset|href)=["']([^"']*)["']""", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))
    assert {address.split(":", 1)[0] for address in loaded if not address.startswith("#flame=")} == {"data", "https"}
    links = re.findall(r"<(\w+) [^>]*https://", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))
    assert set(links) == {"a"}
    assert "default-src 'none'" in text


def test_page__verdict_comes_first() -> None:
    body = _page(made.red()).split("<main>")[1]
    assert body.strip().startswith("<h1>🔴 <code>autopilot</code> got 31 % slower in <code>run-fix-bug</code>")


@pytest.mark.parametrize("case", made.CASES)
def test_page__every_case_has_its_headline(case: str) -> None:
    verdict = made.CASES[case]()
    story = compose.story(verdict, made.baseline_of(case, verdict), made.bundle(verdict, "candidate"), made.details())
    text = html.page(story, verdict, html.Pictures(charts={}, flamegraphs={}))
    assert text.count("<h1>") == 1
    assert f"<h1>{story.state.value} " in text


def test_page__hostile_names_stay_text() -> None:
    text = _page(made.hostile())
    outside = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    assert "alert(1)</script>" not in outside
    assert outside.count("<script") == outside.count("</script>") == 6
    assert "\u202e" not in text


def test_page__five_thousand_findings_are_written_quickly() -> None:
    verdict = _many(5_000)
    story = compose.story(verdict, None, made.bundle(verdict, "candidate"), made.details())
    start = time.perf_counter()
    text = html.page(story, verdict, html.Pictures(charts={}, flamegraphs={}))
    assert time.perf_counter() - start < 3
    assert len(text) < 5_000_000


@pytest.mark.needs("chromium")
def test_browser__table_shows_sorts_and_filters(red: Path, tmp_path: Path) -> None:
    seen = drive(
        red,
        """
        var cell = function (row, column) { return document.querySelector("#all tbody").rows[row].cells[column].textContent; };
        var heads = document.querySelector("#all thead").rows[0].cells;
        var count = function () { return document.getElementById("shown").textContent; };
        var put = function (id, value) {
          var field = document.getElementById(id); field.value = value; field.dispatchEvent(new Event("input", {bubbles: true}));
        };
        var result = {first: cell(0, 0), all: count()};
        heads[2].firstChild.click();
        result.largest = [cell(0, 1), cell(0, 2), heads[2].getAttribute("aria-sort")];
        heads[2].firstChild.click();
        result.smallest = [cell(0, 1), cell(0, 2), heads[2].getAttribute("aria-sort")];
        heads[1].firstChild.click();
        result.byName = cell(0, 1);
        put("status", "warning");
        result.warnings = [count(), cell(0, 1)];
        put("status", "");
        put("find", "sqlite3RUN");
        result.found = [count(), cell(0, 1), cell(0, 0)];
        put("find", "no such function");
        result.none = count();
        return result;
        """,
        tmp_path,
    )
    assert seen == {
        "first": "🔴 regression",
        "all": "57 of 57 shown",
        "largest": [made.COMPILER, "×71", "descending"],
        "smallest": ["sqlite3RunParser", "−19 %", "ascending"],
        "byName": "<serde_json::read::StrRead as serde_json::read::Read>::parse_str",
        "warnings": ["2 of 2 shown", "autopilot::rlog::step_to_line"],
        "found": ["1 of 1 shown", "sqlite3RunParser", "improvement"],
        "none": "0 of 0 shown",
    }


@pytest.mark.needs("chromium")
def test_browser__flamegraphs_zoom_search_and_answer_to_keys(red: Path, tmp_path: Path) -> None:
    seen = drive(
        red,
        """
        var page = function () { return document.getElementById("flame").contentDocument; };
        var frames = function () { return Array.from(page().querySelectorAll(".f")); };
        var starts = function (name) { return function (f) { return f.getAttribute("aria-label").indexOf(name) === 0; }; };
        var named = function (name) { return frames().find(starts(name)); };
        var width = function (frame) { return Number(frame.querySelector("rect").getAttribute("width")); };
        var press = function (target, key) { target.dispatchEvent(new KeyboardEvent("keydown", {key: key, bubbles: true})); };
        var click = function (target) { target.dispatchEvent(new MouseEvent("click", {bubbles: true})); };
        var result = {tabs: Array.from(document.querySelectorAll("[role=tab]")).map(function (t) { return t.textContent; })};
        var target = named("regex_automata::nfa");
        var before = width(target);
        click(target);
        result.zoomed = [before < 1180, width(target), width(named("all")),
                         named("sqlite3VdbeExec").classList.contains("hidden")];
        result.label = target.querySelector("text").textContent.indexOf("regex_automata::nfa::thompson") === 0;
        press(page().body, "Escape");
        result.reset = width(target) === before;
        press(page().body, "/");
        var input = page().querySelector("input");
        input.value = "sqlite3"; input.dispatchEvent(new Event("input", {bubbles: true}));
        result.matched = /^Matched: \\d+\\.\\d %$/.test(page().getElementById("matched").textContent);
        result.hits = page().querySelectorAll(".f.hit").length;
        input.value = "(["; input.dispatchEvent(new Event("input", {bubbles: true}));
        result.brokenPattern = page().getElementById("matched").textContent;
        press(input, "Escape");
        result.cleared = [page().getElementById("matched").textContent, page().querySelectorAll("input").length];
        var root = named("all");
        root.focus(); press(root, "ArrowUp"); press(page().activeElement, "ArrowUp");
        result.walked = page().activeElement.getAttribute("aria-label").split(":")[0];
        press(page().activeElement, "Enter");
        result.entered = width(page().activeElement);
        result.said = page().getElementById("said").textContent.indexOf("autopilot: ") === 0;
        document.getElementById("tab-baseline").click();
        await wait(500);
        result.other = page().querySelector(".t").textContent;
        result.high = document.getElementById("flame").offsetHeight > 150;
        return result;
        """,
        tmp_path,
    )
    assert seen == {
        "tabs": ["Difference", "Candidate", "Baseline"],
        "zoomed": [True, 1180, 1180, True],
        "label": True,
        "reset": True,
        "matched": True,
        "hits": 3,
        "brokenPattern": "Matched: 0.0 %",
        "cleared": ["", 0],
        "walked": "autopilot",
        "entered": 1180,
        "said": True,
        "other": "Baseline: CPU share by stack",
        "high": True,
    }


@pytest.mark.needs("chromium")
def test_browser__five_thousand_findings(tmp_path: Path) -> None:
    verdict = _many(5_000)
    story = compose.story(verdict, None, made.bundle(verdict, "candidate"), made.details())
    page = tmp_path / "report.html"
    page.write_text(html.page(story, verdict, html.Pictures(charts={}, flamegraphs={})), encoding="utf-8")
    seen = drive(
        page,
        """
        var heads = document.querySelector("#all thead").rows[0].cells;
        heads[3].firstChild.click();
        var first = document.querySelector("#all tbody").rows.length;
        document.getElementById("more").click();
        return [document.getElementById("shown").textContent, first, document.querySelector("#all tbody").rows.length,
                performance.getEntriesByType("navigation")[0].domInteractive < 3000];
        """,
        tmp_path,
    )
    assert seen == ["400 of 10,000 shown", 200, 400, True]


@pytest.mark.needs("chromium")
def test_browser__hostile_names_run_nothing(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(_page(made.hostile()), encoding="utf-8")
    seen = drive(
        page,
        """
        return [document.querySelectorAll("#all tbody tr").length, document.querySelectorAll("h1").length,
                document.querySelectorAll("main img").length, document.querySelectorAll("main h1 script, #all script").length];
        """,
        tmp_path,
    )
    assert seen == [12, 1, 2, 0]


@pytest.mark.needs("chromium")
def test_browser__nothing_is_wider_than_a_phone(red: Path, tmp_path: Path) -> None:
    seen = drive(
        red,
        """
        document.documentElement.style.width = "390px";
        await wait(100);
        var wide = Array.from(document.querySelectorAll("main > *, section > *")).filter(function (element) {
          return element.getBoundingClientRect().right > 391;
        });
        return wide.map(function (element) { return element.tagName + "#" + element.id + "." + element.className; });
        """,
        tmp_path,
    )
    assert seen == []


@pytest.mark.needs("chromium")
def test_browser__links_open_the_flamegraph_at_the_place(red: Path, tmp_path: Path) -> None:
    seen = drive(
        red,
        """
        var picture = function () { return document.getElementById("flame").contentDocument.querySelector("svg"); };
        var visible = function () {
          return Array.from(picture().querySelectorAll(".f:not(.hidden):not(.below)")).map(function (f) {
            return f.getAttribute("aria-label").split(": ")[0];
          });
        };
        var hits = function () { return picture().querySelectorAll(".f.hit:not(.hidden)").length; };
        var link = Array.from(document.querySelectorAll("#reading a")).find(function (a) { return /Compiler/.test(a.href); });
        var result = {};
        link.click(); await wait(600);
        result.marked = [picture().querySelector(".t").textContent.split(":")[0], visible()[0], hits(),
                         /^Matched: [1-9]/.test(picture().querySelector("#matched").textContent)];
        picture().querySelector(".f").dispatchEvent(new MouseEvent("click", {bubbles: true}));
        result.zoomedOut = visible()[0];
        link.click(); await wait(100);
        result.again = visible()[0];
        var deep = Array.from(document.querySelectorAll("#reading a")).find(function (a) {
          return /p=run-fix-bug\\/autopilot/.test(a.href);
        });
        deep.click(); await wait(100);
        result.deep = [visible().length, hits()];
        location.hash = "#flame=baseline&s=sqlite3"; await wait(600);
        result.other = [picture().querySelector(".t").textContent.split(":")[0], hits() > 0];
        location.hash = "#flame=baseline&p=no/such&f=%E0%A4%A"; await wait(300);
        result.nowhere = [visible()[0], hits()];
        return result;
        """,
        tmp_path,
    )
    assert seen == {
        "marked": ["Candidate", "run-fix-bug", 1, True],
        "zoomedOut": "all",
        "again": "run-fix-bug",
        "deep": [1, 0],
        "other": ["Baseline", True],
        "nowhere": ["all", 0],
    }


@pytest.mark.needs("chromium")
def test_browser__a_picture_by_itself_opens_at_its_fragment_and_tells_its_address(tmp_path: Path) -> None:
    verdict = made.red()
    picture = report.render(verdict, None, made.bundle(verdict, "candidate"), made.details()).flamegraphs["candidate"]
    script = """
      <script><![CDATA[
      setTimeout(function () {
        var visible = function () { return document.querySelectorAll(".f:not(.hidden):not(.below)").length; };
        var result = [visible() < document.querySelectorAll(".f").length, document.querySelectorAll(".f.hit").length];
        document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
        result.push(location.hash);
        Array.from(document.querySelectorAll(".f"))[1].dispatchEvent(new MouseEvent("click", {bubbles: true}));
        result.push(location.hash);
        location.hash = "#s=sqlite3";
        setTimeout(function () {
          result.push(document.querySelectorAll(".f.hit").length, visible() === document.querySelectorAll(".f").length);
          var shown = document.createElementNS("http://www.w3.org/1999/xhtml", "pre");
          shown.setAttribute("id", "result");
          shown.textContent = JSON.stringify(result);
          document.documentElement.appendChild(shown);
        }, 200);
      }, 200);
      ]]></script></svg>"""
    file = tmp_path / "flamegraph-candidate.svg"
    file.write_text(picture.replace("</svg>", script), encoding="utf-8")
    seen = look(f"{file.as_uri()}#p=run-fix-bug/autopilot&f=sqlite3VdbeExec", tmp_path)
    assert seen == [True, 2, "", "#p=run-fix-bug", 3, True]
