(function () {
  "use strict";
  var svg = document.currentScript ? document.currentScript.closest("svg") : document.documentElement;
  var full = Number(svg.dataset.width), margin = Number(svg.dataset.margin), letter = Number(svg.dataset.letter);
  var find = function (id) { return svg.querySelector("#" + id); };
  var said = find("said"), matched = find("matched"), search = find("search");
  var quiet = said.textContent, pattern = null, exact = null, focused = null;
  // an address of its own only where the picture is a document of its own
  var alone = document.documentElement === svg, given = alone ? location.hash : "", kept = given;

  var graphs = Array.prototype.map.call(svg.querySelectorAll(".graph"), function (graph) {
    var frames = Array.prototype.map.call(graph.querySelectorAll(".f"), function (element) {
      var rect = element.querySelector("rect");
      var label = element.getAttribute("aria-label");
      return {
        element: element, rect: rect, text: element.querySelector("text"), label: label,
        name: label.slice(0, label.lastIndexOf(": ")), depth: Number(element.dataset.d),
        x: Number(rect.getAttribute("x")) - margin, width: Number(rect.getAttribute("width"))
      };
    });
    return { frames: frames, zoomed: null };
  });
  graphs.forEach(function (graph) {
    graph.frames.forEach(function (frame) { frame.graph = graph; frame.element.frame = frame; });
  });

  function contains(outer, inner) {
    return inner.x >= outer.x - 0.01 && inner.x + inner.width <= outer.x + outer.width + 0.01;
  }

  function place(frame, x, width) {
    frame.rect.setAttribute("x", (margin + x).toFixed(2));
    frame.rect.setAttribute("width", Math.max(width, 0.1).toFixed(2));
    frame.text.setAttribute("x", (margin + x + 3).toFixed(2));
    var letters = Math.floor((width - 6) / letter);
    frame.text.textContent = letters < 3 ? "" : frame.name.length <= letters ? frame.name : frame.name.slice(0, letters - 1) + "…";
  }

  function zoom(graph, target) {
    graph.zoomed = target;
    graph.frames.forEach(function (frame) {
      var below = target && frame.depth < target.depth && contains(frame, target);
      var inside = !target || (frame.depth >= target.depth && contains(target, frame));
      frame.element.classList.toggle("below", Boolean(below));
      frame.element.classList.toggle("hidden", !below && !inside);
      if (below) { place(frame, 0, full); }
      else if (inside && target) { place(frame, (frame.x - target.x) / target.width * full, frame.width / target.width * full); }
      else if (inside) { place(frame, frame.x, frame.width); }
    });
    find("reset").classList.toggle("hidden", graphs.every(function (one) { return !one.zoomed; }));
    mark();
    keep();
  }

  function reset() { graphs.forEach(function (graph) { zoom(graph, null); }); }

  function mark() {
    var covered = 0, total = 0, base = graphs[0];
    graphs.forEach(function (graph) {
      graph.frames.forEach(function (frame) {
        frame.hit = exact !== null ? frame.name === exact : Boolean(pattern && pattern.test(frame.name));
        frame.element.classList.toggle("hit", frame.hit);
      });
    });
    if (!pattern && exact === null) { matched.textContent = ""; return; }
    // what lies above a match is part of it: count the outermost matches only
    var target = base.zoomed;
    var end = -1;
    base.frames.filter(function (frame) { return frame.hit && (!target || (frame.depth >= target.depth && contains(target, frame))); })
      .sort(function (a, b) { return a.x - b.x || a.depth - b.depth; })
      .forEach(function (frame) {
        if (frame.x >= end - 0.01) { covered += frame.width; end = frame.x + frame.width; }
      });
    total = target ? target.width : base.frames.length ? base.frames[0].width : 0;
    matched.textContent = "Matched: " + (total ? (covered / total * 100).toFixed(1) : "0.0") + " %";
  }

  function marking(label) {
    search.textContent = label ? (label.length > 60 ? label.slice(0, 59) + "…" : label) + " ×" : "Search";
    mark();
    keep();
  }

  function look(text) {
    exact = null;
    try { pattern = text ? new RegExp(text, "i") : null; }
    catch (error) { pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i"); }
    marking(text ? "Search: " + text : "");
  }

  function point(name) {
    pattern = null;
    exact = name;
    marking(name);
  }

  // The address of what is seen, to be copied: see flame_links.py for its grammar.
  function pathOf(frame) {
    var path = [];
    frame.graph.frames.forEach(function (other) {
      if (other.depth > 0 && other.depth <= frame.depth && contains(other, frame)) { path[other.depth - 1] = encodeURIComponent(other.name); }
    });
    return path.join("/");
  }

  function keep() {
    if (!alone) { return; }
    var parts = [], zoomed = graphs[0].zoomed;
    if (zoomed && zoomed.depth > 0) { parts.push("p=" + pathOf(zoomed)); }
    if (exact !== null) { parts.push("f=" + encodeURIComponent(exact)); }
    else if (pattern) { parts.push("s=" + encodeURIComponent(pattern.source)); }
    kept = parts.length ? "#" + parts.join("&") : "";
    // some viewers give a file no address that may be changed
    try { history.replaceState(null, "", kept || location.pathname + location.search); } catch (error) { return; }
  }

  function plainly(text) { try { return decodeURIComponent(text); } catch (error) { return text; } }

  function follow(path) {
    var at = graphs[0].frames[0];
    path.split("/").map(plainly).every(function (name) {
      var next = graphs[0].frames.find(function (frame) { return frame.depth === at.depth + 1 && frame.name === name && contains(at, frame); });
      at = next || at;
      return Boolean(next);
    });
    return at;
  }

  // `fragment`: what stands behind the # of an address
  function open(fragment) {
    var wanted = {};
    fragment.split("&").forEach(function (part) { wanted[part.slice(0, 1)] = part.slice(1, 2) === "=" ? part.slice(2) : ""; });
    if (!graphs[0].frames.length) { return; }
    var place = wanted.p ? follow(wanted.p) : null;
    zoom(graphs[0], place && place.depth ? place : null);
    if (wanted.f) { point(plainly(wanted.f)); } else { look(plainly(wanted.s || "")); }
    if (place) { focused = place; say(place); }
  }
  svg.openAt = open;

  function ask() {
    if (pattern || exact !== null) { look(""); return; }
    var holder = document.createElementNS("http://www.w3.org/2000/svg", "foreignObject");
    var input = document.createElementNS("http://www.w3.org/1999/xhtml", "input");
    holder.setAttribute("x", full + margin - 240); holder.setAttribute("y", 4);
    holder.setAttribute("width", 240); holder.setAttribute("height", 26);
    input.setAttribute("aria-label", "Search frames by name or regular expression");
    input.setAttribute("placeholder", "name or regular expression");
    input.setAttribute("style", "width:232px;font:12px system-ui,sans-serif");
    var shown = true;
    function close() { if (shown) { shown = false; holder.remove(); } }
    input.addEventListener("input", function () { look(input.value); });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", function (event) {
      event.stopPropagation();
      if (event.key === "Enter") { close(); }
      if (event.key === "Escape") { look(""); close(); }
    });
    holder.appendChild(input);
    svg.appendChild(holder);
    input.focus();
  }

  function say(frame) { said.textContent = frame ? frame.label : quiet; }

  function focus(frame) {
    if (!frame) { return; }
    if (focused) { focused.element.setAttribute("tabindex", "-1"); }
    focused = frame;
    frame.element.setAttribute("tabindex", "0");
    frame.element.focus();
  }

  function shown(frame) { return !frame.element.classList.contains("hidden"); }

  function step(frame, key) {
    var row = frame.graph.frames.filter(shown);
    if (key === "ArrowUp") {
      return row.filter(function (f) { return f.depth === frame.depth + 1 && contains(frame, f); })
        .sort(function (a, b) { return b.width - a.width; })[0];
    }
    if (key === "ArrowDown") { return row.filter(function (f) { return f.depth === frame.depth - 1 && contains(f, frame); })[0]; }
    var level = row.filter(function (f) { return f.depth === frame.depth; }).sort(function (a, b) { return a.x - b.x; });
    return level[level.indexOf(frame) + (key === "ArrowRight" ? 1 : -1)];
  }

  function frameOf(event) {
    var element = event.target.closest ? event.target.closest(".f") : null;
    return element ? element.frame : null;
  }

  svg.addEventListener("click", function (event) {
    var frame = frameOf(event);
    if (frame) { zoom(frame.graph, frame.depth === 0 && frame.graph === graphs[0] ? null : frame); focus(frame); }
    else if (event.target === search) { ask(); }
    else if (event.target === find("reset")) { reset(); }
  });
  svg.addEventListener("mouseover", function (event) { say(frameOf(event)); });
  svg.addEventListener("focusin", function (event) { say(frameOf(event)); });
  svg.addEventListener("mouseleave", function () { say(focused); });
  document.addEventListener("keydown", function (event) {
    var frame = frameOf(event);
    if (event.key === "/" || event.key === "F3" || (event.key === "f" && (event.ctrlKey || event.metaKey))) { event.preventDefault(); ask(); }
    else if (event.key === "Escape") { reset(); look(""); }
    else if (event.key === "Enter" || event.key === " ") {
      if (frame) { event.preventDefault(); zoom(frame.graph, frame.depth === 0 && frame.graph === graphs[0] ? null : frame); }
      else if (event.target === search) { event.preventDefault(); ask(); }
      else if (event.target === find("reset")) { event.preventDefault(); reset(); }
    } else if (frame && /^Arrow/.test(event.key)) { event.preventDefault(); focus(step(frame, event.key)); }
  });

  if (graphs[0].frames.length) { focused = graphs[0].frames[0]; focused.element.setAttribute("tabindex", "0"); }
  reset();
  if (alone) {
    if (given.length > 1) { open(given.slice(1)); }
    window.addEventListener("hashchange", function () { if (location.hash !== kept) { open(location.hash.slice(1)); } });
  }
})();
