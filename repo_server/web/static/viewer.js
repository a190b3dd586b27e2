// A part on its stage: turn, zoom, move; by mouse, touch and keys. Units are mm, z is up.
// Without WebGL, or when a preview cannot be read, the still picture stays where it is.

import { bodyOf, makeAssembly } from "./assembly.js";
import { textsOf } from "./texts.js";
import { crossAt, linesOf, makeTools } from "./viewer_tools.js";

const stage = document.querySelector("[data-stage]");
const still = stage.querySelector(".picture");
const label = stage.querySelector("[data-label]");
const size = stage.querySelector("[data-size]");
const fitButton = stage.querySelector(".fit");
const text = textsOf(stage);
const STEPS_MM = [1, 2, 5, 10, 20, 50, 100, 200, 500];

let view = null; // made once, with the first preview
let shown = 0; // counts requests, so that a slow answer never replaces a newer one

function hasWebGL() {
  const gl = document.createElement("canvas").getContext("webgl2");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl !== null;
}

function colour(name) {
  return getComputedStyle(stage).getPropertyValue(name).trim();
}

/** Renderer, camera, lights and controls; `draw()` asks for one frame. */
function makeView(T) {
  const renderer = new T.WebGLRenderer({ antialias: true, alpha: true });
  renderer.shadowMap.enabled = true;
  renderer.shadowMap.type = T.PCFShadowMap;
  const canvas = renderer.domElement;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  const camera = new T.PerspectiveCamera(32, 1, 1, 1000);
  camera.up.set(0, 0, 1);
  const scene = new T.Scene();
  const sun = new T.DirectionalLight(0xffffff, 2.2);
  sun.castShadow = true;
  sun.shadow.mapSize.set(1024, 1024);
  sun.shadow.radius = 6;
  scene.add(new T.HemisphereLight(0xffffff, 0x9c8f7c, 1.9), sun, sun.target);
  const controls = new T.OrbitControls(camera, canvas);
  controls.enableDamping = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  // A page that scrolls past the stage goes on scrolling: up and down belong to the page until
  // the stage is taken in hand.
  controls.enableZoom = false;
  canvas.style.touchAction = "pan-y";
  canvas.addEventListener("pointerdown", () => { canvas.focus(); controls.enableZoom = true; });
  canvas.addEventListener("blur", () => { controls.enableZoom = false; });
  // Two fingers never scroll the page: they pinch and move what is on the stage.
  const hold = (event) => { if (event.touches.length > 1) event.preventDefault(); };
  for (const kind of ["touchstart", "touchmove"]) {
    canvas.addEventListener(kind, hold, { passive: false });
  }

  let waiting = false;
  const draw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      controls.update(); // a change, such as damping that goes on, asks for the next frame
      renderer.render(scene, camera);
    });
  };
  /** Turns that were asked for and places that were set hold now, not with the next frame. */
  const settle = () => {
    controls.update();
    camera.updateMatrixWorld();
    scene.updateMatrixWorld();
  };
  controls.addEventListener("change", draw);
  const resize = () => {
    const { clientWidth: width, clientHeight: height } = stage;
    renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    camera.updateProjectionMatrix();
    draw();
  };
  stage.prepend(canvas);
  new ResizeObserver(resize).observe(stage);
  resize();
  const made = { T, camera, canvas, controls, draw, renderer, scene, settle, sun, content: null };
  canvas.addEventListener("keydown", (event) => onKey(made, event));
  made.fit = () => {};
  fitButton.addEventListener("click", () => made.fit());
  made.tools = makeTools(made, document.querySelector("[data-tools]"), colour);
  made.meet = made.tools.meet;
  made.follow = (extent) => follow(made, extent);
  const moved = () => made.tools.forgetEnds();
  const list = document.querySelector("[data-assembly]");
  made.assembly = makeAssembly(made, list, { colour, label, moved });
  return made;
}

function onKey({ controls, draw, fit }, event) {
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
    0: () => fit(),
    Home: () => fit(),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
  draw();
}

/** Small crosses at the places that are spoken of. */
function crossesOf(T, marks, body, extent) {
  const arm = extent.length() / 90;
  const places = Object.values(JSON.parse(marks ?? "{}")).flat();
  const crosses = linesOf(T, places.flatMap((place) => crossAt(place, arm)), colour("--ink"));
  crosses.position.copy(body.position);
  return crosses;
}

/** Ground with a shadow, and a grid whose step in mm fits the part. */
function groundOf(T, extent) {
  const widest = Math.max(extent.x, extent.y);
  const step = STEPS_MM.find((mm) => widest / mm <= 12) ?? 1000;
  const half = Math.ceil(widest / step) * step;
  const points = [];
  for (let at = -half; at <= half; at += step) {
    points.push(at, -half, 0, at, half, 0, -half, at, 0, half, at, 0);
  }
  const lines = new T.BufferGeometry();
  lines.setAttribute("position", new T.Float32BufferAttribute(points, 3));
  const grid = new T.LineSegments(lines, new T.LineBasicMaterial({ color: colour("--line") }));
  const shadow = new T.ShadowMaterial({ opacity: 0.22, depthWrite: false });
  const floor = new T.Mesh(new T.PlaneGeometry(12 * half, 12 * half), shadow);
  floor.receiveShadow = true;
  floor.position.z = grid.position.z = -0.002 * widest; // below the part, so that neither flickers
  const ground = new T.Group();
  ground.add(grid, floor);
  return { ground, step };
}

/** Camera, light and zoom limits for a part of this extent, seen from the front right. */
function frame(view, extent) {
  const { T, camera, controls } = view;
  const distance = reach(view, extent);
  controls.target.set(0, 0, extent.z / 2);
  camera.position.copy(controls.target);
  camera.position.addScaledVector(new T.Vector3(0.62, -1, 0.62).normalize(), distance);
  controls.update();
  view.draw();
}

/** The same look at a whole that has become larger or smaller. */
function follow(view, extent) {
  const { camera, controls } = view;
  const look = camera.position.clone().sub(controls.target);
  look.multiplyScalar(extent.length() / view.extent.length());
  reach(view, extent);
  controls.target.set(0, 0, extent.z / 2);
  camera.position.copy(controls.target).add(look);
  controls.update();
  view.draw();
}

/** Limits of camera, light and zoom; the distance from which the whole extent is seen. */
function reach(view, extent) {
  const { camera, controls, sun } = view;
  view.extent = extent;
  const radius = extent.length() / 2;
  const narrow = Math.min(1, camera.aspect);
  const distance = (1.15 * radius) / Math.sin((camera.fov * Math.PI) / 360) / narrow;
  camera.near = distance / 100;
  camera.far = distance * 20;
  controls.minDistance = radius / 4;
  controls.maxDistance = distance * 4;
  camera.updateProjectionMatrix();
  sun.position.set(-1.2 * radius, -1.6 * radius, 3 * radius + extent.z);
  const wide = 2.5 * radius;
  Object.assign(sun.shadow.camera, {
    left: -wide, right: wide, top: wide, bottom: -wide, near: 0.1, far: 9 * radius,
  });
  sun.shadow.camera.updateProjectionMatrix();
  return distance;
}

function dispose(group) {
  group?.traverse((node) => { node.geometry?.dispose(); node.material?.dispose(); });
}

async function show(choice) {
  const mine = ++shown;
  const { src, name, extent: words, picture, marks } = choice.dataset;
  label.textContent = name;
  size.textContent = words ?? "";
  const image = still.querySelector("img");
  if (image && picture) Object.assign(image, { src: picture, alt: text("picture", { name }) });
  still.classList.toggle("drawing", !src);
  if (!src || !hasWebGL()) return showStill();
  try {
    const T = await import("./vendor/three.js");
    const gltf = await new T.GLTFLoader().loadAsync(src);
    if (mine === shown) showBody(T, gltf, { name, words, marks });
  } catch (problem) {
    console.warn(`no 3D view of ${name}:`, problem);
    if (mine === shown) showStill();
  }
}

function showStill() {
  still.hidden = false;
  fitButton.hidden = true;
  if (!view) return;
  view.canvas.hidden = true;
  view.tools.hide();
  view.assembly.hide();
}

function showBody(T, gltf, { name, words, marks }) {
  view ??= makeView(T);
  const { body, extent } = bodyOf(T, gltf, colour("--part"));
  const { ground, step } = groundOf(T, extent);
  if (view.content) view.scene.remove(view.content);
  dispose(view.content);
  view.marks = crossesOf(T, marks, body, extent);
  view.content = new T.Group().add(body, ground, view.marks);
  view.scene.add(view.content);
  view.extent = extent;
  view.fit = (around = view.extent) => frame(view, around);
  view.fit();
  view.tools.shown(body, extent);
  view.assembly.shown(body, name);
  size.textContent = `${words ?? ""} · ${text("grid", { step })}`;
  view.canvas.setAttribute("aria-label", text("view", { name }));
  view.canvas.hidden = fitButton.hidden = false;
  still.hidden = true;
  requestAnimationFrame(() => { stage.dataset.ready = name; }); // behind the frame that shows it
}

for (const choice of document.querySelectorAll("[data-show]")) {
  choice.addEventListener("click", () => {
    show(choice);
    stage.scrollIntoView({ block: "nearest" }); // the list of files is far below it
  });
}
for (const machine of document.querySelectorAll("[data-bed]")) {
  machine.addEventListener("click", async () => {
    await show(document.querySelector(`[data-show][data-name="${CSS.escape(machine.dataset.part)}"]`));
    view?.tools.showBed(JSON.parse(machine.dataset.bed));
    stage.scrollIntoView({ block: "nearest" });
  });
}
const first = document.querySelector("[data-show][data-src]");
if (first) show(first);
