// The publish page with scripts: a folder is dropped or chosen, its files are hashed beside the
// page and sent in parts, what the server has got is skipped, and then the release is published.
// Without scripts the form sends everything at once, as forms do.

import { ask, send } from "./sending.js";
import { textsOf, written } from "./texts.js";

const form = document.querySelector("[data-publish]");
const drop = form.querySelector("[data-drop]");
const button = form.querySelector("[data-go]");
const list = form.querySelector("[data-files]");
const summary = form.querySelector("[data-summary]");
const problems = document.querySelector("[data-problems]");
const csrf = form.elements.csrf.value;
const AT_ONCE = 3;
const MANIFESTS = ["okh.toml", "okh.yml", "okh.yaml"];
const text = textsOf(form);
const LEFT_BEHIND = /(^|\/)(\.|__pycache__\/)/;

/** What was chosen: each file by its path in the design, and the row that shows it. */
let chosen = new Map();
let rows = new Map();

drop.hidden = false;
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => event.preventDefault());
for (const kind of ["dragenter", "dragover"]) {
  form.addEventListener(kind, () => drop.classList.add("over"));
}
for (const kind of ["dragleave", "drop"]) {
  form.addEventListener(kind, () => drop.classList.remove("over"));
}
form.addEventListener("drop", async (event) => {
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry());
  const found = [];
  for (const entry of entries) if (entry) await walk(entry, "", found);
  choose(found);
});
form.addEventListener("change", (event) => {
  const { folder, manifest, files } = form.elements;
  if (event.target === folder) {
    choose([...folder.files].map((file) => [file.webkitRelativePath, file]));
  } else if (event.target === manifest || event.target === files) {
    const loose = [...files.files].map((file) => [file.name, file]);
    choose([...[...manifest.files].map((file) => [asManifest(file.name), file]), ...loose]);
  }
});
form.addEventListener("submit", (event) => {
  if (!chosen.size) return; // the server says what is missing
  event.preventDefault();
  if (!button.disabled) publish();
});

/** `found` grows by [path, file] of everything in the entry. */
async function walk(entry, above, found) {
  if (entry.isFile) {
    found.push([above + entry.name, await new Promise((ok, no) => entry.file(ok, no))]);
    return;
  }
  const reader = entry.createReader();
  for (;;) { // a reader gives a hundred or so at a time, and none at the end
    const inside = await new Promise((ok, no) => reader.readEntries(ok, no));
    if (!inside.length) return;
    for (const it of inside) await walk(it, `${above}${entry.name}/`, found);
  }
}

/** The files are those of the design: of one folder what is in it, else as they are. */
function choose(found) {
  const tops = new Set(found.map(([path]) => path.split("/")[0]));
  const folder = tops.size === 1 && found.every(([path]) => path.includes("/"));
  const inside = found.map(([path, file]) => [
    (folder ? path.slice(path.indexOf("/") + 1) : path).normalize("NFC"), file,
  ]);
  const kept = inside.filter(([path]) => !LEFT_BEHIND.test(path));
  chosen = new Map(kept.sort(([one], [other]) => (one < other ? -1 : 1)));
  if (folder && !form.elements.slug.value) form.elements.slug.value = [...tops][0];
  rows = new Map([...chosen].map(([path, file]) => [path, row(path, file)]));
  list.replaceChildren(...rows.values());
  list.hidden = false;
  const bytes = [...chosen.values()].reduce((sum, file) => sum + file.size, 0);
  summary.textContent = text("ready", { count: chosen.size, size: size(bytes) });
  say(manifestPath() ? null : new Error(text("no_manifest")));
}

/** The manifest among what was chosen; undefined when there is none. */
function manifestPath() {
  return MANIFESTS.find((name) => chosen.has(name));
}

/** Where a manifest that was chosen as such belongs, whatever it is called. */
function asManifest(name) {
  return /\.ya?ml$/i.test(name) ? "okh.yml" : "okh.toml";
}

function row(path, file) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  const state = document.createElement("span");
  const bar = document.createElement("progress");
  name.className = "path";
  name.textContent = path;
  state.className = "state";
  state.textContent = size(file.size);
  bar.max = Math.max(file.size, 1);
  bar.value = 0;
  bar.setAttribute("aria-label", path);
  item.append(name, state, bar);
  return item;
}

/** What the row of a file shows: a word and how much of it is done. */
function show(path, word, done) {
  const item = rows.get(path);
  item.querySelector(".state").textContent = word;
  item.querySelector("progress").value = done;
}

async function publish() {
  button.disabled = true;
  say(null);
  try {
    const its = manifestPath();
    if (!its) throw new Error(text("no_manifest"));
    const manifest = await read(chosen.get(its));
    show(its, text("read"), chosen.get(its).size);
    const hashes = await sendAll([...chosen].filter(([path]) => path !== its));
    const files = Object.fromEntries(hashes.map(([path, hash]) => [placed(path, manifest), hash]));
    summary.textContent = text("publishing");
    const slug = encodeURIComponent(form.elements.slug.value.trim());
    const answer = await ask("POST", `/api/v1/designs/${slug}/releases`, text, {
      headers: { "X-CSRF": csrf, "Content-Type": "application/json" },
      body: JSON.stringify({ manifest, files }),
    });
    location.assign(`/releases/${JSON.parse(answer.responseText).id}`);
  } catch (error) {
    say(error);
    summary.textContent = text("again");
    button.disabled = false;
  }
}

/** Every file is on the server; the hash of each by its path. */
async function sendAll(files) {
  const hashes = [];
  const worker = new Worker(new URL("hash_worker.js", import.meta.url), { type: "module" });
  const underWay = new Set();
  let sent = 0;
  summary.textContent = text("there", { sent, count: files.length });
  try {
    for (const [path, file] of files) { // read one after the other, while others are sent
      const sha256 = await hash(worker, file, (done) => show(path, text("reading"), done));
      hashes.push([path, sha256]);
      const sending = sendOne(path, file, sha256).then(() => {
        underWay.delete(sending);
        sent += 1;
        summary.textContent = text("there", { sent, count: files.length });
      });
      underWay.add(sending);
      if (underWay.size >= AT_ONCE) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    worker.terminate();
  }
  return hashes;
}

async function sendOne(path, file, sha256) {
  try {
    const fresh = await send(file, sha256, csrf, text, (bytes, waits) => {
      const sending = text("sending", { sent: size(bytes), size: size(file.size) });
      show(path, waits || sending, bytes);
    });
    show(path, fresh ? text("sent") : text("known"), rows.get(path).querySelector("progress").max);
  } catch (error) {
    show(path, text("unsent"), 0);
    error.message = `${path}: ${error.message}`;
    throw error;
  }
}

/** The file's SHA-256; `read` hears how many bytes of it were read. */
function hash(worker, file, read) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.sha256) resolve(data.sha256);
      else if (data.problem) reject(new Error(`${file.name}: ${data.problem}`));
      else read(data.read);
    };
    worker.onerror = () => reject(new Error(text("unreadable")));
    worker.postMessage(file);
  });
}

/** The manifest as written; bytes that are no UTF-8 would not survive. */
async function read(file) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(text("not_text", { name: file.name }));
  }
}

/** A loose file goes where the manifest names a file of its name, as without scripts. */
function placed(path, manifest) {
  if (path.includes("/")) return path;
  const name = path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const named = manifest.match(new RegExp(`["']/?([^"'\n:]*/${name})["']`));
  return manifest.includes(`"${path}"`) || !named ? path : named[1];
}

function say(error) {
  problems.replaceChildren();
  if (!error) return;
  const notice = document.createElement("div");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  const fields = error.fields ?? [];
  const first = document.createElement("p");
  first.textContent = fields.length ? text("nothing") : error.message;
  const items = fields.map(({ field, problem }) => {
    const item = document.createElement("li");
    const name = document.createElement("strong");
    name.textContent = field;
    item.append(name, ` ${problem}`);
    return item;
  });
  notice.append(first);
  if (items.length) {
    const all = document.createElement("ul");
    all.append(...items);
    notice.append(all);
  }
  problems.append(notice);
  problems.scrollIntoView({ block: "nearest" });
}

function size(bytes) {
  for (const [unit, name] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (bytes >= unit) return `${written(bytes / unit, 1)} ${name}`;
  }
  return `${bytes} B`;
}
