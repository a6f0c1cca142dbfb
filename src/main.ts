import { setFlagsFromString } from 'node:v8';

/** By then the first runs are read, and what the gateway needs when idle is there, ms. */
const SETTLED_MS = 5_000;

// Loading some hundred modules makes V8 grow its young generation to 33 MB, which it then keeps although the idle gateway needs 4.
// It must not double while they load, which is why they are imported only now; under load it grows as V8 sees fit.
setFlagsFromString('--semi-space-growth-factor=1');
setTimeout(() => setFlagsFromString('--semi-space-growth-factor=2'), SETTLED_MS).unref();

const { runProgram } = await import('./program.js');
await runProgram();
