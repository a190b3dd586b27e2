// One file on its way to the server: in parts, and on from wherever the link broke. The server
// tells where that is, by the file's hash, so that nothing is remembered here.

const PART = 8 * 1024 * 1024;
const SILENCE_MS = 30000;
const PAUSES_MS = [1000, 2000, 4000, 8000, 15000];
// What passes by itself: somebody else is sending, or a proxy or the server has no time.
const PASSING = new Set(["upload_busy", "upload_moved", 429, 502, 503, 504]);

/** What the server refused, in its own sentence, which is English. `fields` lists all that is wrong at once. */
export class Refused extends Error {
  constructor(status, problem, text) {
    super(problem?.detail ?? text("silent", { status }));
    this.fields = problem?.fields ?? [];
    this.passes = PASSING.has(problem?.reason ?? status);
  }
}

/** No answer came: the link is gone, or was silent for too long. */
class LinkLost extends Error {
  passes = true;
}

/** The answer to one request, what went wrong in the words of `text`; `progress` hears how many bytes of `body` are on their way. */
export function ask(method, address, text, { headers = {}, body = null, progress = () => {} }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let patience = 0;
    const wait = () => {
      clearTimeout(patience);
      patience = setTimeout(() => request.abort(), SILENCE_MS);
    };
    request.open(method, address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => { wait(); progress(event.loaded); });
    request.addEventListener("loadend", () => {
      clearTimeout(patience);
      if (request.status === 0) reject(new LinkLost(text("lost")));
      else if (request.status < 300) resolve(request);
      else reject(new Refused(request.status, parsed(request.responseText), text));
    });
    wait();
    request.send(body);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * The server holds `file`, whose hash is `sha256`; resolves to whether anything had to be sent.
 * `told(bytes, waitsFor)` hears how much of it is there, and what it waits for, if anything.
 * While the link is gone it goes on trying; throws Refused when the server will not take it.
 */
export async function send(file, sha256, csrf, text, told) {
  let here = 0;
  let failures = 0;
  const reached = (bytes) => {
    if (bytes > here) failures = 0;
    here = bytes;
    told(here, "");
  };
  for (;;) {
    try {
      return await sendRest(file, sha256, csrf, text, reached);
    } catch (error) {
      if (!error.passes) throw error;
      told(here, error.message);
      await pause(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)]);
    }
  }
}

async function sendRest(file, sha256, csrf, text, reached) {
  await file.slice(0, 1).arrayBuffer(); // a file that has changed or gone is no broken link
  const begun = await ask("POST", "/api/v1/uploads", text, {
    headers: {
      "X-CSRF": csrf,
      "Upload-Length": file.size,
      "Upload-Metadata": `sha256 ${btoa(sha256)}`,
    },
  });
  const address = begun.getResponseHeader("Location");
  const first = Number(begun.getResponseHeader("Upload-Offset"));
  reached(first);
  for (let offset = first; offset < file.size;) {
    const begin = offset;
    const added = await ask("PATCH", address, text, {
      headers: {
        "X-CSRF": csrf,
        "Upload-Offset": begin,
        "Content-Type": "application/offset+octet-stream",
      },
      body: file.slice(begin, begin + PART),
      progress: (bytes) => reached(begin + bytes),
    });
    offset = Number(added.getResponseHeader("Upload-Offset"));
    reached(offset);
  }
  return first < file.size;
}

/** Until that much time has passed, or the browser says that it has a link again. */
function pause(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}
