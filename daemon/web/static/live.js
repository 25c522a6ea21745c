// Puts what is decided from now on on top of the log, as long as the page is looked at.
"use strict";

const SECONDS = 3;
const MOST = 100;
const lines = document.getElementById("lines");
const told = document.getElementById("live");

async function look() {
  if (document.hidden) return;
  const query = new URLSearchParams(location.search);
  query.set("after_change", lines.dataset.newest);
  const answer = await fetch(`/log/fresh?${query}`, { headers: { "X-Part": "log" } });
  if (answer.status === 401) {
    clearInterval(looking);
    told.textContent = "You are signed out; load the page anew to sign in.";
    return;
  }
  if (answer.status === 410) location.reload();
  if (!answer.ok) return;
  lines.dataset.newest = answer.headers.get("X-Newest");
  const part = document.createElement("template");
  part.innerHTML = await answer.text();
  const fresh = [...part.content.querySelectorAll("tr")];
  if (!fresh.length) return;
  for (const each of fresh.reverse()) {
    document.getElementById(each.id)?.remove();
    each.classList.add("fresh");
    lines.prepend(each);
  }
  while (lines.children.length > MOST) lines.lastElementChild.remove();
  told.textContent = fresh.length === 1 ? "One line is new." : `${fresh.length} lines are new.`;
}

const looking = setInterval(() => look().catch(() => {}), SECONDS * 1000);
