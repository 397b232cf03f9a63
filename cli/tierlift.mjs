#!/usr/bin/env node
// `npx tierlift`: plain JavaScript, so that also an old Node.js or a checkout without packages is told what is missing.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node.js 20.19 or newer is needed, and this is ${process.versions.node}.\n`);
  process.exit(2);
}
try {
  const { register } = await import("tsx/esm/api");
  register();
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  process.stderr.write("tierlift's packages are not installed: run npm ci in its checkout.\n");
  process.exit(2);
}
const { main } = await import("./main.ts");
await main();
