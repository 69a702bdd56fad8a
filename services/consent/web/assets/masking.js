// Masks a picture before it leaves this browser. What is sent is drawn anew, with solid boxes in it;
// the picture itself stays in memory and is in no request. Without this script nothing can be sent.
"use strict";
(() => {
  const home = document.getElementById("masking");
  if (!home || !window.createImageBitmap) return;
  const byId = (id) => document.getElementById(id);
  const [take, tools, canvas, button] = ["take", "mask-tools", "mask-canvas", "mask-send"].map(byId);
  const fields = ["x", "y", "w", "h"].map((name) => byId(`mask-${name}`));
  const pen = canvas.getContext("2d");
  const MOST_BYTES = Number(home.dataset.mostBytes);
  const MOST_PIXELS = Number(home.dataset.mostPixels);
  const STEP = 10;
  let bitmap = null;
  let masks = [];
  let corner = null;
  let turn = 0;

  const say = (name) => { byId("mask-said").textContent = home.dataset[name].replace("#", masks.length); };
  const box = () => fields.map((field) => Math.round(Number(field.value)) || 0);

  function choose(x, y, w, h) {
    [x, y, w, h].forEach((value, place) => { fields[place].value = Math.round(value); });
    paint();
  }

  function paint(chosen = true) {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(bitmap, 0, 0);
    pen.fillStyle = "#000";
    for (const mask of masks) pen.fillRect(...mask);
    if (!chosen) return;
    pen.lineWidth = Math.max(2, canvas.width / 400);
    pen.strokeStyle = "#b45309";
    pen.strokeRect(...box());
  }

  function forget() {
    if (bitmap) bitmap.close();
    bitmap = null;
    masks = [];
    tools.hidden = true;
    canvas.width = canvas.height = 1;
    byId("mask-file").value = "";
    byId("mask-nothing").checked = false;
  }

  async function open(file) {
    forget();
    turn += 1;
    const mine = turn;
    const opened = await createImageBitmap(file).catch(() => null);
    if (mine !== turn) return opened && opened.close(); // another was chosen meanwhile
    if (!opened) return say("unreadable");
    if (opened.width * opened.height > MOST_PIXELS) return say("large");
    bitmap = opened;
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    tools.hidden = false;
    choose(bitmap.width / 4, bitmap.height / 4, bitmap.width / 4, bitmap.height / 8);
    return say("ready");
  }

  function add() {
    const [x, y, w, h] = box();
    const [left, top] = [Math.max(0, x), Math.max(0, y)];
    const [right, bottom] = [Math.min(canvas.width, x + w), Math.min(canvas.height, y + h)];
    if (right <= left || bottom <= top) return say("outside");
    masks.push([left, top, right - left, bottom - top]);
    paint();
    return say("added");
  }

  function undo() {
    masks.pop();
    paint();
    say("removed");
  }

  async function send() {
    if (!masks.length && !byId("mask-nothing").checked) return say("none");
    paint(false);
    const masked = await new Promise((done) => { canvas.toBlob(done, "image/png"); });
    paint();
    if (!masked || masked.size > MOST_BYTES) return say("large");
    button.disabled = true;
    say("sending");
    try {
      const headers = { "Content-Type": "image/png", "X-Form-Token": home.dataset.csrf };
      headers["X-Form-Key"] = take.querySelector("[data-number]").dataset.number;
      const answer = await fetch(home.dataset.action, { method: "POST", headers, body: masked });
      if (answer.ok) return window.location.assign(home.dataset.page);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const told = [...page.querySelectorAll("main h1, main p")].map((one) => one.textContent);
      if (!told.length) return say("away");
      byId("mask-said").textContent = told.join(" ");
    } catch {
      say("away");
    } finally {
      button.disabled = false;
      button.focus();
    }
    return undefined;
  }

  function point(event) {
    const shown = canvas.getBoundingClientRect();
    const scale = canvas.width / canvas.clientWidth; // without the border
    const [left, top] = [shown.left + canvas.clientLeft, shown.top + canvas.clientTop];
    return [(event.clientX - left) * scale, (event.clientY - top) * scale];
  }

  function stretch(event) {
    const [x, y] = point(event);
    const [left, top] = [Math.min(x, corner[0]), Math.min(y, corner[1])];
    choose(left, top, Math.abs(x - corner[0]), Math.abs(y - corner[1]));
  }

  canvas.addEventListener("pointerdown", (event) => {
    corner = point(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => { if (corner) stretch(event); });
  canvas.addEventListener("pointerup", (event) => {
    if (!corner) return;
    stretch(event);
    corner = null;
    add();
  });
  canvas.addEventListener("pointercancel", () => { corner = null; });
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const [x, y, w, h] = box();
    const [right, down] = way[event.key] || [];
    if (event.key === "Enter") add();
    else if (event.key === "Backspace" || event.key === "Delete") undo();
    else if (right === undefined) return;
    else if (event.shiftKey) choose(x, y, Math.max(1, w + right), Math.max(1, h + down));
    else choose(x + right, y + down, w, h);
    event.preventDefault();
  });
  for (const field of fields) field.addEventListener("input", () => paint());
  byId("mask-add").addEventListener("click", add);
  byId("mask-undo").addEventListener("click", undo);
  button.addEventListener("click", send);
  byId("mask-file").addEventListener("change", (event) => {
    if (event.target.files.length) open(event.target.files[0]);
  });
  document.addEventListener("paste", (event) => {
    if (home.hidden || !event.clipboardData || !event.clipboardData.files.length) return;
    event.preventDefault();
    open(event.clipboardData.files[0]);
  });

  function follow() {
    home.hidden = !take.querySelector("[data-number]");
    if (home.hidden) forget();
  }
  new MutationObserver(follow).observe(take, { childList: true });
  follow();
})();
