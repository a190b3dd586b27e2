// Reads a bare program into lines to be drawn. It draws what it understands and judges nothing:
// the proof did that before, in another language, on the same bytes. Units are mm and s.

const WORD = /([A-Z])(-?\d*\.?\d+)?/g;
const LAYER_MM = 0.03; // heights nearer than this are one layer
const CLOSES_MM = 0.6; // a wall ends this near to where it began
const STEEP = 2; // a cutter that falls by more than this for each mm along plunges
const SAGITTA_MM = 0.03;
const RAPID_MM_S = 50; // of machines that tell no F with G0
const SLICE = 40_000; // lines between two looks at the clock of the page

/** The lines of one kind, in the order of time: ends of segments, when and in which layer. */
function bucket() {
  return { points: [], times: [], layers: [] };
}

class Reader {
  constructor(prints) {
    Object.assign(this, {
      prints, kinds: {}, layers: [], time: 0, line: 0, lineTimes: [],
      x: NaN, y: NaN, z: NaN, e: 0, feed: 0, scale: 1, relative: false, pulls: false,
      run: [], firstZ: null, motion: null,
    });
  }

  read(text) {
    this.line += 1;
    const args = {};
    let motion = null;
    for (const [, letter, digits] of text.matchAll(WORD)) {
      const value = Number(digits ?? NaN);
      if (letter === "G") motion = this.mode(value, text) ?? motion;
      else if (letter === "M") this.extruder(value);
      else args[letter] = value;
    }
    if (motion !== null) this.move(motion, args);
    if (this.line % 64 === 0) this.lineTimes.push(this.time);
  }

  /** The motion that a G asks for; everything else changes the state. */
  mode(code, text) {
    if (code <= 3) return code;
    if (code === 20) this.scale = 25.4;
    if (code === 21) this.scale = 1;
    if (code === 90) { this.relative = false; }
    if (code === 91) { this.relative = true; }
    if (code === 92) this.e = Number(/E(-?[\d.]+)/.exec(text)?.[1] ?? this.e);
    if (code === 28) this.home(text);
    return null;
  }

  extruder(code) {
    if (code === 82) this.pulls = false;
    if (code === 83) this.pulls = true;
  }

  home(text) {
    const axes = text.slice(3).match(/[XYZ]/g) ?? ["X", "Y", "Z"];
    for (const axis of axes) this[axis.toLowerCase()] = NaN;
  }

  move(motion, args) {
    const from = [this.x, this.y, this.z];
    if (args.F) this.feed = (args.F * this.scale) / 60;
    const to = ["X", "Y", "Z"].map((axis, i) => {
      if (args[axis] === undefined) return from[i];
      return args[axis] * this.scale + (this.relative ? from[i] : 0);
    });
    const pushed = this.push(args.E);
    [this.x, this.y, this.z] = to;
    const way = motion >= 2 ? arc(from, to, args, this.scale, motion === 2) : [from, to];
    const fast = motion === 0 && !this.prints;
    for (let i = 1; i < way.length; i += 1) this.segment(way[i - 1], way[i], motion, pushed, fast);
  }

  push(e) {
    if (e === undefined) return 0;
    const pushed = this.pulls ? e : e - this.e;
    this.e += pushed;
    return pushed;
  }

  segment(from, to, motion, pushed, fast) {
    const length = Math.hypot(to[0] - from[0], to[1] - from[1], to[2] - from[2]);
    if (!(length > 0)) return; // stands still, or comes from a place that is not known
    this.time += length / (fast ? RAPID_MM_S : this.feed || RAPID_MM_S);
    if (!this.prints) return this.keep(cutKind(from, to, motion), from, to);
    if (pushed > 0 && Math.hypot(to[0] - from[0], to[1] - from[1]) > 0) {
      this.layer(to[2]);
      this.run.push([from, to, this.time, this.layers.length - 1]);
    } else {
      this.endRun();
      this.keep("travel", from, to);
    }
  }

  layer(z) {
    this.firstZ ??= z;
    const last = this.layers.at(-1);
    if (last && Math.abs(last.z - z) <= LAYER_MM) return;
    this.endRun();
    if (last) last.until = this.time;
    this.layers.push({ z, until: Infinity });
  }

  /** Filament is told apart once its way has ended: does it close? */
  endRun() {
    if (!this.run.length) return;
    const [a] = this.run[0];
    const b = this.run.at(-1)[1];
    const closes = this.run.length > 2 && Math.hypot(a[0] - b[0], a[1] - b[1]) <= CLOSES_MM;
    const kind = a[2] <= this.firstZ + LAYER_MM ? "first" : closes ? "wall" : "inside";
    for (const [from, to, time, layer] of this.run) this.keep(kind, from, to, time, layer);
    this.run = [];
  }

  keep(kind, from, to, time = this.time, layer = Math.max(0, this.layers.length - 1)) {
    const into = (this.kinds[kind] ??= bucket());
    into.points.push(...from, ...to);
    into.times.push(time);
    into.layers.push(layer);
  }

  end() {
    this.endRun();
    if (this.layers.length) this.layers.at(-1).until = this.time;
    return {
      kinds: this.kinds, layers: this.layers, seconds: this.time, lines: this.line,
      timeOfLine: (line) => this.lineTimes[Math.floor((line - 1) / 64) - 1] ?? 0,
      lineAt: (time) => Math.min(this.line, 64 * (this.lineTimes.findLastIndex((t) => t <= time) + 1) + 1),
    };
  }
}

function cutKind(from, to, motion) {
  if (motion === 0 || Math.min(from[2], to[2]) >= 0) return "rapid";
  if (motion >= 2) return "arc";
  const along = Math.hypot(to[0] - from[0], to[1] - from[1]);
  return from[2] - to[2] > STEEP * along ? "plunge" : "cut";
}

/** Chords of an arc in the plane, rising evenly. */
function arc(from, to, args, scale, clockwise) {
  const [x0, y0] = from;
  const chord = Math.hypot(to[0] - x0, to[1] - y0);
  let cx = x0 + (args.I ?? 0) * scale;
  let cy = y0 + (args.J ?? 0) * scale;
  if (args.R !== undefined) {
    const radius = args.R * scale;
    const high = Math.sqrt(Math.max(0, radius * radius - (chord * chord) / 4));
    const side = Math.sign(radius) * (clockwise ? -1 : 1);
    cx = (x0 + to[0]) / 2 - (side * high * (to[1] - y0)) / chord;
    cy = (y0 + to[1]) / 2 + (side * high * (to[0] - x0)) / chord;
  }
  const radius = Math.hypot(x0 - cx, y0 - cy);
  const start = Math.atan2(y0 - cy, x0 - cx);
  const turn = 2 * Math.PI;
  let sweep = Math.atan2(to[1] - cy, to[0] - cx) - start;
  sweep = (((clockwise ? -sweep : sweep) % turn) + turn) % turn;
  if (sweep < 1e-5 || turn - sweep < 1e-5) sweep = turn;
  const step = 2 * Math.acos(Math.max(0, 1 - SAGITTA_MM / radius));
  const count = Math.max(1, Math.ceil(sweep / step)) || 1;
  const way = [from];
  for (let i = 1; i < count; i += 1) {
    const angle = start + ((clockwise ? -1 : 1) * sweep * i) / count;
    way.push([cx + radius * Math.cos(angle), cy + radius * Math.sin(angle),
      from[2] + ((to[2] - from[2]) * i) / count]);
  }
  way.push(to);
  return way;
}

/** All of a program; `told` hears which share has been read. The page stays alive meanwhile. */
export async function readProgram(text, prints, told) {
  const reader = new Reader(prints);
  let at = 0;
  while (at < text.length) {
    for (let count = 0; count < SLICE && at < text.length; count += 1) {
      const end = text.indexOf("\n", at);
      reader.read(text.slice(at, end < 0 ? text.length : end));
      at = end < 0 ? text.length : end + 1;
    }
    told(at / text.length);
    await new Promise((done) => setTimeout(done));
  }
  return reader.end();
}
