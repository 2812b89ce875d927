// Comfort only: everything in the report can be read without this script.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");

  var theme = document.getElementById("theme");
  theme.addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  var shut = [];
  addEventListener("beforeprint", function () {
    shut = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    shut.forEach(function (part) { part.open = true; });
  });
  addEventListener("afterprint", function () {
    shut.forEach(function (part) { part.open = false; });
  });

  // A link to something inside a closed part opens that part.
  function reveal() {
    var target = location.hash && document.getElementById(location.hash.slice(1));
    for (var node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") { node.open = true; }
    }
    if (target) { target.scrollIntoView(); }
  }
  addEventListener("hashchange", reveal);
  reveal();

  var groups = Array.prototype.slice.call(document.querySelectorAll("details.group"));
  var search = document.getElementById("search");
  var severity = document.getElementById("severity");
  var shown = document.getElementById("shown");
  function filter() {
    var wanted = search.value.toLowerCase();
    var count = 0;
    groups.forEach(function (group) {
      var hit = (!severity.value || group.dataset.severity === severity.value) && group.textContent.toLowerCase().indexOf(wanted) >= 0;
      group.hidden = !hit;
      count += hit ? 1 : 0;
    });
    shown.textContent = count === groups.length ? "" : shown.dataset.said.replace("{shown}", count).replace("{all}", groups.length);
  }
  if (search) {
    search.addEventListener("input", filter);
    severity.addEventListener("change", filter);
    document.getElementById("open-all").addEventListener("click", function () {
      var open = groups.some(function (group) { return !group.open; });
      groups.forEach(function (group) { group.open = open; });
    });
  }
})();
