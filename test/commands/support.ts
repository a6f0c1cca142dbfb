import { execFile } from 'node:child_process';

export interface CommandResult {
  readonly code: number;
  /** Both streams. */
  readonly output: string;
}

/** Runs one of the operator's commands, as `npm run <name> -- <args>` would, with nothing of this process's environment but PATH and HOME. */
export function command(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const { PATH, HOME } = process.env;
  return new Promise((resolve) => {
    const env = { PATH, HOME, ...environment };
    execFile(process.execPath, [`dist/commands/${name}.js`, ...args], { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1);
      resolve({ code, output: `${stdout}${stderr}`.trim() });
    });
  });
}
