// Uploads a file with tus-js-client, the protocol's own program for browsers and Node.js, and says how far it is.
//
//     node tus.cjs <endpoint> <token> <file> <how>
//
// how: "whole" (one request after the other, 1 MiB each), "parts" (three at once, put together at the end), "abort" (given up
// in the middle, and the server told so).
"use strict";

const fs = require("node:fs");
const tus = require("tus-js-client");

const [endpoint, token, path, how] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${line}\n`);

const options = {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: "from-node.bin", filetype: "application/octet-stream" },
  chunkSize: 1024 * 1024,
  // A server that is killed is back within these.
  retryDelays: [50, 100, 200, 400, 800, 1600, 3200, 3200, 3200],
  onChunkComplete: (_, taken) => say(`taken ${taken}`),
  onShouldRetry: (error) => {
    say(`again ${error.originalResponse ? error.originalResponse.getStatus() : "broken"}`);
    return true;
  },
  onError: (error) => {
    say(`failed ${error}`);
    process.exit(1);
  },
  onSuccess: () => say(`done ${upload.url}`),
};
if (how === "parts") {
  options.parallelUploads = 3;
}
if (how === "abort") {
  options.onChunkComplete = async (_, taken) => {
    if (taken > 2 * 1024 * 1024 && upload.url) {
      const url = upload.url;
      await upload.abort(true);
      say(`done ${url}`);
    }
  };
}
const upload = new tus.Upload(fs.createReadStream(path), options);
upload.start();
