"""Opens a page in a real browser without a window, drives it with a script, and brings back what the script saw."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path

_COMMAND = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--enable-logging=stderr", "--virtual-time-budget=6000",
)  # fmt: skip
_DRIVER = """
<script>
(async function () {
  var wait = function (ms) { return new Promise(function (done) { setTimeout(done, ms); }); };
  var result;
  try { await wait(300); result = await (async function () { %s })(); }
  catch (error) { result = {error: String(error && error.stack || error)}; }
  var shown = document.createElementNS("http://www.w3.org/1999/xhtml", "pre");
  shown.setAttribute("id", "result");
  shown.textContent = JSON.stringify(result);
  document.documentElement.appendChild(shown);
})();
</script>
"""


def drive(page: Path, script: str, folder: Path) -> object:
    """What `script`, the body of an async function with ``wait(ms)``, returns in `page`, an HTML file.

    Fails on any message in the browser's console.
    """
    text = page.read_text(encoding="utf-8")
    driven = folder / "driven.html"
    driver = _DRIVER % script
    driven.write_text(text.replace("</body>", f"{driver}</body>") if "</body>" in text else text + driver, encoding="utf-8")
    return look(driven.as_uri(), folder)


def look(address: str, folder: Path) -> object:
    """What the page at `address` wrote into its element ``result``, as JSON. Fails on any message in the browser's console."""
    done = subprocess.run(
        [*_COMMAND, f"--user-data-dir={folder / 'browser'}", "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    messages = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    assert messages == []
    found = re.search(r'<pre[^>]* id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None, done.stdout[-2_000:]
    result: object = json.loads(unescape(found.group(1)))
    return result
