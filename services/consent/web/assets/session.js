// Keeps the session's page up to date: when the log has a new entry, the page is fetched again and
// the parts that changed are put in place. Without this script the page works by reloading.
// While the page asks for it, it says that it is there: where it falls silent, the session ends.
"use strict";
(() => {
  const home = document.querySelector("[data-session]");
  if (!home || !window.EventSource) return;
  const address = home.dataset.session;
  let busy = false;
  let again = false;
  const BEAT_MS = 20000; // a browser that is short of resources makes a minute of it

  async function beat() {
    const asked = home.querySelector("[data-beat]");
    if (!asked) return;
    const body = new URLSearchParams({ csrf: asked.dataset.beat, view: document.visibilityState });
    try {
      const sending = { method: "POST", body, credentials: "same-origin" };
      const answer = await fetch(`${address}/presence`, sending);
      // Another browser was bound, or the session is over.
      if (answer.status >= 400 && answer.status < 500) clearInterval(beating);
    } catch (error) {
      console.warn("not heard, the next beat follows", error);
    }
  }

  function place(fresh) {
    let changed = false;
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (!other || other.innerHTML === part.innerHTML) continue;
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      part.innerHTML = other.innerHTML;
      changed = true;
      if (focused) {
        const same = part.querySelector(`button[value="${CSS.escape(focused.value || "")}"]`);
        (same || document.getElementById("contenu")).focus();
      }
    }
    if (!changed) return;
    beat();
    document.title = fresh.title;
    const last = document.querySelector("#timeline li:last-child");
    if (last) document.getElementById("news").textContent = last.textContent;
  }

  async function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (answer.ok) place(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } finally {
      busy = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  }

  const beating = setInterval(beat, BEAT_MS);
  beat();
  document.addEventListener("visibilitychange", beat);
  const events = new EventSource(`${address}/events`);
  events.addEventListener("entry", refresh);
  events.addEventListener("open", refresh);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) refresh();
  });
})();
