import { setFlagsFromString } from 'node:v8';

// Loading some hundred modules makes V8 grow its young generation to 33 MB, which it then keeps although the idle gateway needs 2.
// It must not double while modules load, so this file has to be the first import of the program.
setFlagsFromString('--semi-space-growth-factor=1');

/** From here on the heap grows under load as V8 sees fit: its default factor. */
export function letHeapGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
