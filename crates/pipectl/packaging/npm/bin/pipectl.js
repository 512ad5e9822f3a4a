#!/usr/bin/env node
// Runs the program of this platform, which npm installs as an optional dependency. Nothing is downloaded here.
"use strict";

const { spawn } = require("node:child_process");

const { platform, arch } = process;
const suffix = platform === "win32" ? ".exe" : "";

let program;
try {
  program = require.resolve(`pipectl-${platform}-${arch}/pipectl${suffix}`);
} catch {
  console.error(`pipectl: there is no program for ${platform} ${arch}, or npm ran with --omit=optional`);
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
// A terminal sends its signals to the program too, which ends its work in order. Other senders reach only this process.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => process.stdin.isTTY || child.kill(signal));
}
child.on("error", (error) => {
  console.error(`pipectl: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
