import { execFileSync } from 'node:child_process';

/** Compiles once before all tests: some of them start `dist/` as a process of its own. */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
