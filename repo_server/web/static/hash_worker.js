// Hashes files beside the page, a piece at a time, so that a large one takes no memory.
// A file comes in, how far it is goes out, and at the end its hash or why it cannot be read.

import { Sha256 } from "./sha256.js";

const PIECE = 4 * 1024 * 1024;

addEventListener("message", async ({ data: file }) => {
  const hash = new Sha256();
  try {
    for (let at = 0; at < file.size; at += PIECE) {
      hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
      postMessage({ read: Math.min(at + PIECE, file.size) });
    }
    postMessage({ sha256: hash.hex() });
  } catch (error) {
    postMessage({ problem: error.message });
  }
});
