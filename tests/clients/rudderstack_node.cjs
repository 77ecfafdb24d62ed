// Sends calls with @rudderstack/rudder-sdk-node. Reads one JSON object from standard input
// (README.md), prints the failures, and exits with 1 if there are any.
const { readFileSync } = require('node:fs');

const input = JSON.parse(readFileSync(0, 'utf8'));
require('./shifted_clock.cjs')(input.clock_offset_seconds);
const Analytics = require('@rudderstack/rudder-sdk-node');

async function main() {
  const failures = [];
  const client = new Analytics(input.write_key, {
    dataPlaneUrl: input.url,
    gzip: input.gzip,
    retryCount: input.retries,
    logLevel: 'none',
    // Without it, a first event that fails ends the process.
    errorHandler: () => {},
  });
  const delivered = input.calls.map(
    ({ type, timestamp, ...fields }) =>
      new Promise((resolve) => {
        const call = { ...fields, ...(timestamp && { timestamp: new Date(timestamp) }) };
        client[type](call, (error) => {
          if (error) failures.push(String(error.message ?? error));
          resolve();
        });
      }),
  );
  // A flush sends one batch of at most `flushAt` events, after the one before it.
  while (client.queue.length) await client.flush();
  await Promise.all(delivered);
  console.log(JSON.stringify({ failures }));
  process.exitCode = failures.length ? 1 : 0;
}

main();
