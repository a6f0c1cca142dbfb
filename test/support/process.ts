import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** One of the project's programs in a process of its own. */
export interface Program {
  readonly child: ChildProcess;
  /** All it has printed, both streams. */
  output(): string;
  /** The first match of a pattern in its output; rejects with the output if it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves to its exit code when it ends by itself. */
  ended(): Promise<number | null>;
  /** Ends it with a signal and resolves to its exit code, null if the signal itself ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `node <file>` with nothing of this process's environment but PATH and HOME. */
export function startProgram(file: string, env: Readonly<Record<string, string>> = {}, cwd = '.'): Program {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [file], {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      for (const listener of listeners) listener();
    });
  }
  const exited = once(child, 'close');
  const output = (): string => lines.join('\n');
  return {
    child,
    output,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(output());
          if (found === null) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        void exited.then(() => reject(new Error(`${file} ended before it said ${pattern}:\n${output()}`)));
        look();
      }),
    async ended() {
      await exited;
      return child.exitCode;
    },
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}
