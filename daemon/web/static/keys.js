// One key for each thing that can be done: the element says which one. Nothing happens while somebody writes.
"use strict";

const WRITING = "input, textarea, select";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.target.closest(WRITING)) return;
  const wanted = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key);
  if (!wanted) return;
  event.preventDefault();
  if (wanted.tagName === "SUMMARY") open(wanted);
  else if (wanted.matches(WRITING)) wanted.focus();
  else wanted.click();
});

function open(summary) {
  summary.parentElement.open = true;
  summary.parentElement.querySelector("textarea, input:not([type=hidden]), select").focus();
}

// Twice sent is once too often: the second press of a button does nothing.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  else if (event.target.method === "post") event.target.dataset.sent = "yes";
});
