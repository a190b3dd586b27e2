// The parts of an assembly on its stage: named, counted, shown or not, and pulled apart. Lengths
// are mm. What the page's list of them holds is made here, for only the model knows them.

import { textsOf } from "./texts.js";
import { onTap, placeOf } from "./viewer_tools.js";

const REACH = 1.5; // pulled apart all the way, a part stands so many times farther from the middle
const CREASE = Math.PI / 7;

/**
 * The model's parts with even light on their faces and sharp edges where they have them, standing
 * on z = 0: a group of one mesh each, whose `userData` says of what `kind` it is, its `colour`,
 * and where its `middle` is.
 */
export function bodyOf(T, gltf, plain) {
  const body = new T.Group(), creased = new Map();
  gltf.scene.updateMatrixWorld(true);
  gltf.scene.traverse((node) => {
    if (!node.isMesh) return;
    const known = creased.get(node.geometry) ?? T.toCreasedNormals(node.geometry, CREASE);
    creased.set(node.geometry, known);
    const colour = node.material.name ? node.material.color.clone() : new T.Color(plain);
    const material = new T.MeshStandardMaterial({ color: colour, roughness: 0.72 });
    const mesh = new T.Mesh(known.clone().applyMatrix4(node.matrixWorld), material);
    const colours = mesh.geometry.attributes.color; // the preview's own, where it has some
    const middle = new T.Box3().setFromObject(mesh).getCenter(new T.Vector3());
    const { name = "", rest = 0 } = node.userData;
    const kind = name || rest || gltf.parser.associations.get(node).meshes;
    Object.assign(mesh.userData, { name, rest, kind, colour, colours, middle });
    mesh.castShadow = mesh.receiveShadow = true;
    body.add(mesh);
  });
  const box = new T.Box3().setFromObject(body);
  const middle = box.getCenter(new T.Vector3());
  body.position.set(-middle.x, -middle.y, -box.min.z);
  return { body, extent: box.getSize(new T.Vector3()) };
}

/** The list in `root` works on what `view` shows; `shown(body, name)` is told of each new one. */
export function makeAssembly(view, root, { colour, label, moved }) {
  const { T, canvas, draw } = view;
  const text = textsOf(root);
  const list = root.querySelector("[data-list]"), pull = root.querySelector("[data-pull]");
  const pulled = root.querySelector("[data-pulled]");
  let body = null, whole = "", middle = null, kinds = [];

  /** Kinds of parts by name, each with its meshes and the box that shows or hides them. */
  function kindsOf() {
    const found = new Map();
    for (const mesh of body.children) {
      const { kind, name, rest } = mesh.userData;
      if (!found.has(kind)) found.set(kind, { name, rest, meshes: [] });
      found.get(kind).meshes.push(mesh);
    }
    let unnamed = 0;
    for (const it of found.values()) {
      it.count = it.rest || it.meshes.length;
      if (it.rest) it.name = text("rest");
      it.name ||= text("unnamed", { number: ++unnamed });
    }
    const order = (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true });
    return [...found.values()].sort(order);
  }

  function rowOf(it) {
    const row = document.createElement("li"), choice = document.createElement("label");
    it.box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    const patch = Object.assign(document.createElement("span"), { className: "patch" });
    patch.style.backgroundColor = `#${it.meshes[0].userData.colour.getHexString()}`;
    choice.append(it.box, patch, it.count > 1 ? `${it.name} × ${it.count}` : it.name);
    const only = Object.assign(document.createElement("button"), {
      type: "button", className: "plain small", textContent: text("only"),
    });
    only.setAttribute("aria-label", text("only_this", { name: it.name }));
    it.box.addEventListener("change", showChosen);
    only.addEventListener("click", () => choose((other) => other === it));
    for (const event of ["focusin", "pointerenter"]) row.addEventListener(event, () => light(it));
    for (const event of ["focusout", "pointerleave"]) row.addEventListener(event, () => light(null));
    row.append(choice, only);
    return row;
  }

  function choose(wanted) {
    for (const it of kinds) it.box.checked = wanted(it);
    showChosen();
  }

  function showChosen() {
    for (const it of kinds) for (const mesh of it.meshes) mesh.visible = it.box.checked;
    moved();
    draw();
  }

  /** All parts of one kind, or none, shine; with `named` the stage says which. */
  function light(lit, named = false) {
    for (const it of kinds) {
      for (const { material } of it.meshes) {
        material.emissive.set(it === lit ? colour("--accent") : 0);
        material.emissiveIntensity = 0.45;
      }
    }
    label.textContent = lit && named ? `${whole} · ${lit.name}` : whole;
    draw();
  }

  /** Each part went along from the middle of the whole to its own; the whole stands on z = 0. */
  function pullApart() {
    const share = Number(pull.value) / 100;
    for (const mesh of body.children) {
      mesh.position.copy(mesh.userData.middle).sub(middle).multiplyScalar(REACH * share);
    }
    body.position.z = 0;
    body.updateMatrixWorld(true);
    const box = new T.Box3().setFromObject(body);
    body.position.z = -box.min.z;
    pulled.textContent = `${pull.value} %`;
    if (view.marks) view.marks.visible = share === 0; // they are told where the parts belong
    moved();
    view.follow(box.getSize(new T.Vector3()));
  }

  const kindAt = (x, y) => {
    const hit = kinds.length > 1 ? view.meet(x, y) : null;
    return hit && kinds.find((it) => it.meshes.includes(hit.object));
  };
  let asked = null;
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse" || event.buttons || kinds.length < 2) return;
    asked ??= requestAnimationFrame(() => { asked = null; light(kindAt(...placeOf(event)), true); });
  });
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && kinds.length > 1) light(null); // a finger leaves, too
  });
  onTap(canvas, (x, y) => { if (kinds.length > 1) light(kindAt(x, y), true); });
  pull.addEventListener("input", pullApart);
  root.querySelector("[data-all]").addEventListener("click", () => choose(() => true));

  return {
    shown(newBody, name) {
      [body, whole] = [newBody, name];
      middle = new T.Box3().setFromObject(body).getCenter(new T.Vector3()).sub(body.position);
      kinds = kindsOf();
      list.replaceChildren(...kinds.map(rowOf));
      pull.value = 0;
      pulled.textContent = "";
      root.hidden = body.children.length < 2;
    },
    hide() { root.hidden = true; kinds = []; },
  };
}
