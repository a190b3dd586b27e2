// What helps to look closer at a part on its stage: faces that hang, a cut, a distance, and the
// bed that it is to lie on. All lengths are mm; the part stands on z = 0 around x = y = 0.

const HANGS = -Math.SQRT1_2 - 1e-6; // a face that leans more than 45° from upright
const LIES = 1e-3; // so near to the ground it lies on the bed
const STILL_PX = 5; // a finger that moves farther turns the part

/** Lines between the points [x, y, z, x, y, z, …], seen through the part. */
export function linesOf(T, points, color) {
  const geometry = new T.BufferGeometry();
  geometry.setAttribute("position", new T.Float32BufferAttribute(points, 3));
  const material = new T.LineBasicMaterial({ color, depthTest: false });
  return new T.LineSegments(geometry, material);
}

/** The ends of a cross with such an arm at the point. */
export function crossAt([x, y, z], arm) {
  return [x - arm, y, z, x + arm, y, z, x, y - arm, z, x, y + arm, z, x, y, z - arm, x, y, z + arm];
}

/** Where a pointer is on the canvas, x to the right and y upwards, −1 to 1. */
export function placeOf(event) {
  const box = event.target.getBoundingClientRect();
  return [
    ((event.clientX - box.left) / box.width) * 2 - 1,
    1 - ((event.clientY - box.top) / box.height) * 2,
  ];
}

/** `act(x, y)` follows a tap of one finger or a click, and nothing that turns the part. */
export function onTap(canvas, act) {
  let down = null;
  canvas.addEventListener("pointerdown", (event) => {
    down = event.isPrimary ? [event.clientX, event.clientY] : null; // a second finger: no tap
  });
  canvas.addEventListener("pointerup", (event) => {
    const still = down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) <= STILL_PX;
    if (still && event.isPrimary) act(...placeOf(event));
    down = null;
  });
}

/** The tools in `root` work on what `view` shows; `shown(body, extent)` is told of each new part. */
export function makeTools(view, root, colour) {
  const find = (name) => root.querySelector(`[data-tool="${name}"]`);
  const hanging = find("hanging"), measuring = find("measure"), cut = find("cut"), axis = find("axis");
  const length = root.querySelector("[data-length]"), height = root.querySelector("[data-cut]");
  const { T, canvas, draw, renderer } = view;
  renderer.localClippingEnabled = true;
  const plane = new T.Plane();
  let body = null, extent = null, ends = [], ruler = null, bed = null;

  const materials = () => body?.children.map((mesh) => mesh.material) ?? [];

  function showHanging() {
    for (const mesh of body?.children ?? []) {
      const own = mesh.userData.colours;
      if (hanging.checked) paint(T, mesh, body, colour);
      else if (own) mesh.geometry.setAttribute("color", own);
      const painted = hanging.checked || own !== undefined;
      mesh.material.vertexColors = painted;
      mesh.material.color.set(painted ? 0xffffff : mesh.userData.colour);
      mesh.material.needsUpdate = true;
    }
    draw();
  }

  /** What lies beyond so much of the width, depth or height is left out. */
  function showCut() {
    if (!extent) return;
    const share = Number(cut.value) / 100, way = axis.value;
    const start = way === "z" ? 0 : -extent[way] / 2;
    const at = start + share * extent[way];
    plane.normal.set(way === "x" ? -1 : 0, way === "y" ? -1 : 0, way === "z" ? -1 : 0);
    plane.constant = at;
    for (const material of materials()) {
      material.clippingPlanes = share < 1 ? [plane] : null;
      material.side = T.DoubleSide; // so that one looks into what is cut
      material.needsUpdate = true;
    }
    height.textContent = share < 1 ? `${(share * extent[way]).toFixed(1)} mm` : "";
    draw();
  }

  function forgetEnds() {
    ends = [];
    ruler?.removeFromParent();
    ruler = null;
    length.textContent = "";
  }

  /** What a ray from the eye through (x, y), −1 to 1, meets first of what is to be seen. */
  function meet(x, y) {
    view.settle();
    const ray = new T.Raycaster();
    ray.setFromCamera(new T.Vector2(x, y), view.camera);
    const seen = body.children.filter((mesh) => mesh.visible);
    const beyond = (hit) => materials()[0].clippingPlanes && plane.distanceToPoint(hit.point) < 0;
    return ray.intersectObjects(seen, false).find((it) => !beyond(it));
  }

  /** One end of the ruler at what is met there. Parts that are pulled apart are measured as they
   * belong together. */
  function pick(x, y) {
    const hit = meet(x, y);
    if (!hit) return;
    if (ends.length === 2) forgetEnds();
    ends.push({ at: hit.point, home: hit.point.clone().sub(hit.object.position) });
    ruler?.removeFromParent();
    const arm = extent.length() / 60;
    const points = ends.flatMap(({ at }) => crossAt(at.toArray(), arm));
    if (ends.length === 2) {
      points.push(...ends[0].at.toArray(), ...ends[1].at.toArray());
      length.textContent = `${ends[0].home.distanceTo(ends[1].home).toFixed(1)} mm`;
    }
    ruler = linesOf(T, points, colour("--ink"));
    view.scene.add(ruler);
    draw();
  }

  onTap(canvas, (x, y) => { if (measuring.checked) pick(x, y); });
  canvas.addEventListener("keydown", (event) => {
    if (!measuring.checked || event.key !== "Enter") return;
    event.preventDefault();
    pick(0, 0); // the middle of the picture, which the arrow keys aim
  });

  hanging.addEventListener("change", showHanging);
  measuring.addEventListener("change", () => { forgetEnds(); draw(); });
  cut.addEventListener("input", showCut);
  axis.addEventListener("change", showCut);

  return {
    shown(newBody, newExtent) {
      [body, extent] = [newBody, newExtent];
      root.hidden = false;
      forgetEnds();
      bed?.removeFromParent();
      bed = null;
      showHanging();
      showCut();
    },
    hide() { root.hidden = true; },
    meet,
    forgetEnds,
    /** The room of a machine, [width, depth, height], stands around the part. */
    showBed(size) {
      bed?.removeFromParent();
      bed = linesOf(T, edgesOf(size), colour("--accent"));
      view.scene.add(bed);
      view.fit(new T.Vector3(...size));
    },
  };
}

/** Faces that nothing carries get the colour of a warning, all others the part's. */
function paint(T, mesh, body, colour) {
  const { position, normal } = mesh.geometry.attributes;
  const [plain, warning] = [mesh.userData.colour, new T.Color(colour("--hangs"))];
  const colours = [];
  for (let face = 0; face < position.count; face += 3) {
    const [a, b, c] = [0, 1, 2].map((at) => new T.Vector3().fromBufferAttribute(position, face + at));
    const up = b.clone().sub(a).cross(c.clone().sub(a)).normalize().z;
    const high = Math.max(a.z, b.z, c.z) + body.position.z;
    const { r, g, b: blue } = up < HANGS && high > LIES ? warning : plain;
    for (let corner = 0; corner < 3; corner++) colours.push(r, g, blue);
  }
  mesh.geometry.setAttribute("color", new T.Float32BufferAttribute(colours, 3));
}

/** The twelve edges of a box that stands on the ground around the middle. */
function edgesOf([width, depth, height]) {
  const [x, y] = [width / 2, depth / 2];
  const ring = [[-x, -y], [x, -y], [x, y], [-x, y]];
  return ring.flatMap(([ax, ay], i) => {
    const [bx, by] = ring[(i + 1) % 4];
    return [ax, ay, 0, bx, by, 0, ax, ay, height, bx, by, height, ax, ay, 0, ax, ay, height];
  });
}
