// Sends calls with @segment/analytics-node. Reads one JSON object from standard input (README.md),
// prints the failures, and exits with 1 if there are any.
const { readFileSync } = require('node:fs');

const input = JSON.parse(readFileSync(0, 'utf8'));
require('./shifted_clock.cjs')(input.clock_offset_seconds);
const { Analytics } = require('@segment/analytics-node');

async function main() {
  const failures = [];
  const client = new Analytics({
    writeKey: input.write_key,
    host: input.url,
    maxRetries: input.retries,
  });
  let ended = 0;
  for (const { type, timestamp, ...fields } of input.calls) {
    const call = { ...fields, ...(timestamp && { timestamp: new Date(timestamp) }) };
    client[type](call, (error) => {
      ended += 1;
      if (error) failures.push(String(error));
    });
  }
  await client.closeAndFlush({ timeout: 100_000 });
  if (ended < input.calls.length) failures.push('not within 100 seconds');
  console.log(JSON.stringify({ failures }));
  process.exitCode = failures.length ? 1 : 0;
}

main();
