// A program in three dimensions: turn it, choose a layer, move through its time; by mouse, touch
// and keys. Nothing is loaded before somebody asks. Without WebGL the picture stays what it is.

import { textsOf, written } from "./texts.js";
import { readProgram } from "./toolpath_reader.js";

const stage = document.querySelector("[data-toolpath]");
const offer = document.querySelector("[data-offer]");
const text = stage && textsOf(stage);
const REFUSED = 0xc00000;
const STEPS_MM = [1, 2, 5, 10, 20, 50, 100, 200, 500];

function hasWebGL() {
  const gl = document.createElement("canvas").getContext("webgl2");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl !== null;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function numbers(text) {
  return text.split(" ").map(Number);
}

function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The number of entries of a sorted list that are at most `limit`. */
function upTo(list, limit) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function makeView(T, box) {
  const renderer = new T.WebGLRenderer({ antialias: true, alpha: true });
  const canvas = renderer.domElement;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text("view"));
  const camera = new T.PerspectiveCamera(32, 1, 1, 1000);
  camera.up.set(0, 0, 1);
  const scene = new T.Scene();
  const controls = new T.OrbitControls(camera, canvas);
  // A page that scrolls past goes on scrolling until the stage is taken in hand.
  controls.enableZoom = false;
  canvas.style.touchAction = "pan-y";
  canvas.addEventListener("pointerdown", () => {
    canvas.focus();
    controls.enableZoom = true;
    canvas.style.touchAction = "none";
  });
  canvas.addEventListener("blur", () => {
    controls.enableZoom = false;
    canvas.style.touchAction = "pan-y";
  });
  let waiting = false;
  const draw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; controls.update(); renderer.render(scene, camera); });
  };
  controls.addEventListener("change", draw);
  const fit = () => {
    const size = box.getSize(new T.Vector3());
    const radius = Math.max(size.length() / 2, 5);
    box.getCenter(controls.target);
    const distance = (1.05 * radius) / Math.sin((camera.fov * Math.PI) / 360) / Math.min(1, camera.aspect);
    camera.near = distance / 200;
    camera.far = distance * 20;
    controls.minDistance = radius / 20;
    controls.maxDistance = distance * 4;
    camera.position.copy(controls.target);
    camera.position.addScaledVector(new T.Vector3(0.3, -1, 0.95).normalize(), distance);
    camera.updateProjectionMatrix();
    draw();
  };
  const resize = (parent) => {
    const { clientWidth: width, clientHeight: height } = parent;
    renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    camera.updateProjectionMatrix();
    draw();
  };
  canvas.addEventListener("keydown", (event) => onKey(event, controls, fit, draw));
  return { canvas, scene, draw, fit, resize };
}

function onKey(event, controls, fit, draw) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const turn = Math.PI / 12;
  const act = {
    ArrowLeft: () => controls.rotateLeft(turn),
    ArrowRight: () => controls.rotateLeft(-turn),
    ArrowUp: () => controls.rotateUp(turn),
    ArrowDown: () => controls.rotateUp(-turn),
    "+": () => controls.dollyIn(1.2),
    "=": () => controls.dollyIn(1.2),
    "-": () => controls.dollyOut(1.2),
    0: fit,
    Home: fit,
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
  draw();
}

function linesOf(T, points, colour) {
  const geometry = new T.BufferGeometry();
  geometry.setAttribute("position", new T.Float32BufferAttribute(points, 3));
  const material = new T.LineBasicMaterial({ color: new T.Color(colour) });
  return new T.LineSegments(geometry, material);
}

/** Each line as bright as a wall in its direction would be, every other layer a little darker. */
function shade(T, lines, points, layers, colour) {
  const plain = new T.Color(colour);
  const colours = new Float32Array(points.length);
  for (let i = 0; i < layers.length; i += 1) {
    const dx = points[6 * i + 3] - points[6 * i];
    const dy = points[6 * i + 4] - points[6 * i + 1];
    const faces = Math.abs(0.93 * dx - 0.37 * dy) / (Math.hypot(dx, dy) || 1);
    const light = (0.6 + 0.55 * faces) * (layers[i] % 2 ? 0.9 : 1);
    for (let end = 6 * i; end < 6 * i + 6; end += 3) {
      colours.set([plain.r * light, plain.g * light, plain.b * light], end);
    }
  }
  lines.geometry.setAttribute("color", new T.Float32BufferAttribute(colours, 3));
  lines.material.vertexColors = true;
  lines.material.color.set(0xffffff);
}

/** The bed's edge, with a grid whose step fits it. */
function bedOf(T, [left, front, right, back]) {
  const step = STEPS_MM.find((mm) => Math.max(right - left, back - front) / mm <= 14) ?? 1000;
  const grid = [];
  for (let x = Math.ceil(left / step) * step; x <= right; x += step) grid.push(x, front, 0, x, back, 0);
  for (let y = Math.ceil(front / step) * step; y <= back; y += step) grid.push(left, y, 0, right, y, 0);
  const edge = [left, front, 0, right, front, 0, right, front, 0, right, back, 0,
    right, back, 0, left, back, 0, left, back, 0, left, front, 0];
  return [linesOf(T, grid, 0xe2e6ea), linesOf(T, edge, 0x66717f)];
}

/** A cross of three thick arms at the place that was refused. */
function crossAt(T, [x, y, z], arm) {
  const made = new T.Group();
  const red = new T.LineBasicMaterial({ color: REFUSED, depthTest: false });
  const points = [];
  for (let i = -2; i <= 2; i += 1) {
    const off = (i * arm) / 40;
    points.push(-arm, off - arm, off, arm, off + arm, off, -arm, arm + off, off, arm, off - arm, off);
    points.push(off, off, -arm, off, off, arm);
  }
  const geometry = new T.BufferGeometry();
  geometry.setAttribute("position", new T.Float32BufferAttribute(points, 3));
  const cross = new T.LineSegments(geometry, red);
  cross.renderOrder = 9;
  made.add(cross);
  made.position.set(x, y, z);
  return made;
}

function slider(label, max) {
  const input = element("input", { type: "range", min: 0, max, step: "any", "aria-label": label });
  const output = element("output", { class: "small" });
  return { input, output, row: [element("span", { class: "small" }, label), input, output] };
}

/** Sliders and switches; `show()` makes the drawing follow them. */
function makeControls(program, parts, view) {
  const { layers, seconds } = program;
  const scale = Number(stage.dataset.seconds || seconds) / (seconds || 1);
  const time = slider(text("time"), seconds);
  time.input.step = seconds / 1000 || 1;
  const layer = layers.length > 1 ? slider(text("layer"), layers.length) : null;
  const only = element("input", { type: "checkbox" });
  let now = seconds;
  const show = () => {
    const at = Math.min(upTo(layers.map(({ until }) => until), now - 1e-9), layers.length - 1);
    for (const { lines, times, layers: inLayer } of parts) {
      const first = only.checked ? upTo(inLayer, at - 1) : 0;
      lines.geometry.setDrawRange(2 * first, 2 * Math.max(0, upTo(times, now) - first));
    }
    time.input.value = now;
    time.output.value = text("of", { now: duration(now * scale), all: duration(seconds * scale) });
    const line = text("line", { time: time.output.value, line: program.lineAt(now) });
    time.input.setAttribute("aria-valuetext", line);
    if (layer) {
      layer.input.value = at + 1;
      const height = written(layers[at].z, 2);
      layer.output.value = text("height", { now: at + 1, all: layers.length, height });
      layer.input.setAttribute("aria-valuetext", layer.output.value);
    }
    view.draw();
  };
  const setTime = (value) => { now = value; show(); };
  time.input.addEventListener("input", () => setTime(Number(time.input.value)));
  only.addEventListener("change", show);
  const rows = [...time.row];
  if (layer) {
    Object.assign(layer.input, { min: 1, step: 1 });
    layer.input.addEventListener("input", () => setTime(layers[Number(layer.input.value) - 1].until));
    rows.unshift(...layer.row);
  }
  const box = element("div", { class: "toolpath-controls" }, ...rows);
  const label = element("label", { class: "small only" }, only, text("only"));
  return { box, only: layer ? label : null, setTime };
}

function swatch(colour) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 12");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [key, value] of Object.entries({ width: 24, height: 12, rx: 3, fill: colour })) rect.setAttribute(key, value);
  svg.append(rect);
  return svg;
}

/** A switch for each kind of move that there is. */
function makeLegend(kinds, parts, view) {
  const list = element("ul", { class: "legend small" });
  for (const [kind, words, colour] of kinds) {
    const part = parts.find((it) => it.kind === kind);
    if (!part) continue;
    const box = element("input", { type: "checkbox" });
    box.checked = part.lines.visible;
    box.addEventListener("change", () => { part.lines.visible = box.checked; view.draw(); });
    list.append(element("li", {}, element("label", {}, box, swatch(colour), words)));
  }
  if (stage.dataset.mark) list.append(element("li", {}, swatch("#c00000"), text("refused")));
  return list;
}

async function load(told) {
  const answer = await fetch(stage.dataset.program);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return readProgram(await answer.text(), stage.dataset.process === "fdm", told);
}

function build(T, program) {
  const kinds = JSON.parse(stage.dataset.kinds);
  const box = new T.Box3();
  const parts = kinds.filter(([kind]) => program.kinds[kind]).map(([kind, , colour]) => {
    const { points, times, layers } = program.kinds[kind];
    const lines = linesOf(T, points, colour);
    lines.visible = kind !== "travel";
    lines.frustumCulled = false;
    if (program.layers.length && kind !== "travel") shade(T, lines, points, layers, colour);
    // The line that primes a nozzle lies far from the part, on the first layer.
    const away = kind === "first" && program.layers.length > 1;
    if (!away && !["travel", "rapid"].includes(kind)) {
      lines.geometry.computeBoundingBox();
      box.union(lines.geometry.boundingBox);
    }
    return { kind, lines, times, layers };
  });
  const bed = numbers(stage.dataset.bed);
  if (box.isEmpty()) box.set(new T.Vector3(bed[0], bed[1], 0), new T.Vector3(bed[2], bed[3], 0));
  const mark = stage.dataset.mark ? numbers(stage.dataset.mark) : null;
  const view = makeView(T, box);
  view.scene.add(...bedOf(T, bed), ...parts.map(({ lines }) => lines));
  if (mark) {
    const arm = Math.max(2, box.getSize(new T.Vector3()).length() / 40);
    view.scene.add(crossAt(T, mark, arm));
    box.expandByPoint(new T.Vector3(...mark));
  }
  return { view, parts, kinds };
}

async function open(button) {
  button.disabled = true;
  const say = (share) => { button.textContent = text("reading", { percent: Math.round(100 * share) }); };
  say(0);
  try {
    const [T, program] = await Promise.all([import("./vendor/three.js"), load(say)]);
    const { view, parts, kinds } = build(T, program);
    const fit = element("button", { type: "button", class: "button small fit" }, text("fit"));
    const solid = element("div", { class: "solid" }, view.canvas, fit);
    const controls = makeControls(program, parts, view);
    stage.querySelector(".still").replaceWith(solid);
    stage.querySelector("[data-legend]").replaceWith(
      controls.box, ...(controls.only ? [controls.only] : []), makeLegend(kinds, parts, view));
    fit.addEventListener("click", view.fit);
    new ResizeObserver(() => view.resize(solid)).observe(solid);
    view.resize(solid);
    view.fit();
    const line = Number(stage.dataset.line || 0);
    controls.setTime(line ? Math.max(program.timeOfLine(line), 0) || program.seconds : program.seconds);
    offer.hidden = true;
    view.canvas.focus({ preventScroll: true });
    requestAnimationFrame(() => { stage.dataset.ready = String(program.lines); });
  } catch (problem) {
    console.warn("no 3D view of this program:", problem);
    button.textContent = text("cannot");
  }
}

if (stage?.dataset.program && hasWebGL()) {
  offer.hidden = false;
  const button = offer.querySelector("[data-open]");
  button.addEventListener("click", () => open(button));
}
