(function () {
  "use strict";
  var STEP = 200;
  var byId = function (id) { return document.getElementById(id); };
  var data = function (id) { return JSON.parse(byId(id).textContent); };
  var rows = data("rows"), words = data("words");
  var body = byId("all").tBodies[0];
  var heads = Array.prototype.slice.call(byId("all").tHead.rows[0].cells);
  var at = {};
  heads.forEach(function (head, column) { at[head.dataset.key] = column; });
  var limit = STEP, sorted = null, down = false;
  var order = ["regression", "warning", "inconclusive", "accepted", "improvement", "added", "removed", "cost_shift", "placement", "unchanged"];

  var text = function (cell) { return Array.isArray(cell) ? cell[0] : cell; };
  function key(row, column) {
    var cell = row[column];
    if (column === at.status) { return order.indexOf(cell); }
    return Array.isArray(cell) ? cell[1] : cell;
  }

  rows.sort(function (a, b) { return key(a, at.status) - key(b, at.status) || (b[at.change][1] || 0) - (a[at.change][1] || 0); });
  rows.forEach(function (row) { row.words = row.map(text).join(" ").toLowerCase(); });

  function options(id, column, label) {
    var seen = {};
    rows.forEach(function (row) { seen[row[column]] = (seen[row[column]] || 0) + 1; });
    Object.keys(seen).forEach(function (value) {
      if (!value) { return; }
      var option = document.createElement("option");
      option.value = value;
      option.textContent = label(value) + " (" + seen[value].toLocaleString("en") + ")";
      byId(id).appendChild(option);
    });
  }
  options("status", at.status, function (value) { return value.replace("_", " "); });
  options("workload", at.workload, String);
  options("measured", at.measured, String);

  function wanted() {
    var find = byId("find").value.toLowerCase(), status = byId("status").value;
    var workload = byId("workload").value, measured = byId("measured").value;
    return rows.filter(function (row) {
      return (!status || row[at.status] === status) && (!workload || row[at.workload] === workload) && (!measured || row[at.measured] === measured) &&
        (!find || row.words.indexOf(find) >= 0);
    });
  }

  function draw() {
    var chosen = wanted();
    if (sorted !== null) {
      chosen = chosen.slice().sort(function (a, b) {
        var x = key(a, sorted), y = key(b, sorted);
        // what is unknown comes last either way
        if (x === null || x === "") { return y === null || y === "" ? 0 : 1; }
        if (y === null || y === "") { return -1; }
        var one = typeof x === "string" ? x.localeCompare(y) : x - y;
        return down ? -one : one;
      });
    }
    var made = document.createDocumentFragment();
    chosen.slice(0, limit).forEach(function (row) {
      var line = document.createElement("tr");
      row.forEach(function (cell, column) {
        var td = document.createElement("td");
        if (column === at.status) {
          td.textContent = ((words[cell] || [""])[0] + " " + cell.replace("_", " ")).trim();
          td.title = (words[cell] || ["", ""])[1];
        } else { td.textContent = text(cell); }
        if (column === at.subject) { td.className = "name"; }
        if (column === at.because) { td.className = "why"; }
        if (heads[column].dataset.kind === "number") { td.className = "n"; }
        line.appendChild(td);
      });
      made.appendChild(line);
    });
    body.replaceChildren(made);
    var shown = Math.min(limit, chosen.length);
    byId("shown").textContent = shown.toLocaleString("en") + " of " + chosen.length.toLocaleString("en") + " shown";
    byId("more").hidden = shown === chosen.length;
  }

  heads.forEach(function (head, column) {
    head.firstChild.addEventListener("click", function () {
      // numbers are looked at from the largest
      down = sorted === column ? !down : head.dataset.kind === "number";
      sorted = column;
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      draw();
    });
  });
  byId("filters").addEventListener("input", function () { limit = STEP; draw(); });
  byId("filters").addEventListener("submit", function (event) { event.preventDefault(); });
  byId("more").addEventListener("click", function () { limit += STEP; draw(); });
  draw();

  var tabs = Array.prototype.slice.call(document.querySelectorAll("[data-flame]"));
  var holder = byId("flame"), shownTab = null;
  // `then`: what to do with the picture once it is there
  function show(tab, then) {
    tabs.forEach(function (other) { other.setAttribute("aria-selected", String(other === tab)); });
    holder.setAttribute("aria-labelledby", tab.id);
    shownTab = tab;
    holder.onload = function () {
      var picture = holder.contentDocument && holder.contentDocument.querySelector("svg");
      if (!picture) { return; }
      holder.style.height = picture.height.baseVal.value + 4 + "px";
      if (then) { then(picture); }
    };
    holder.srcdoc = "<!DOCTYPE html><meta charset=utf-8><meta name=color-scheme content='light dark'><style>body{margin:0}</style>" +
      data("flame-" + tab.dataset.flame);
  }
  // #flame=candidate&p=…: a place in a flamegraph, in the words of its own address
  function follow() {
    var wanted = /^#flame=(\w+)(?:&(.*))?$/.exec(location.hash);
    var tab = wanted && byId("tab-" + wanted[1]);
    if (!tab) { return false; }
    var place = function (picture) { picture.openAt(wanted[2] || ""); };
    var there = tab === shownTab && holder.contentDocument && holder.contentDocument.querySelector("svg");
    if (there && there.openAt) { place(there); } else { show(tab, place); }
    byId("flamegraphs").scrollIntoView();
    return true;
  }
  tabs.forEach(function (tab, index) {
    tab.addEventListener("click", function () { show(tab); });
    tab.addEventListener("keydown", function (event) {
      var next = event.key === "ArrowRight" ? tabs[index + 1] : event.key === "ArrowLeft" ? tabs[index - 1] : null;
      if (next) { next.focus(); show(next); }
    });
  });
  window.addEventListener("hashchange", follow);
  // the same link again is no change of the address, and is meant all the same
  document.addEventListener("click", function (event) {
    var link = event.target.closest ? event.target.closest('a[href^="#flame="]') : null;
    if (link && link.getAttribute("href") === location.hash) { event.preventDefault(); follow(); }
  });
  if (tabs.length && !follow()) { show(tabs[0]); }
})();
