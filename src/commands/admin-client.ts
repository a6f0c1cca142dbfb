import { request } from 'node:http';
import { DEFAULT_ADMIN_SOCKET } from '../environment.js';

/** Asks the running gateway. Rejects with a sentence for the operator. */
export async function askGateway<Answer>(
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<Answer> {
  const socketPath = process.env['ADMIN_SOCKET'] || DEFAULT_ADMIN_SOCKET;
  const { status, text } = await send(socketPath, method, path, body);
  const answer = JSON.parse(text) as Answer | { readonly error: string };
  if (status === 200) return answer as Answer;
  throw new Error((answer as { readonly error: string }).error);
}

function send(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, method, path, host: 'localhost' }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (part: string) => {
        text += part;
      });
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
    });
    req.on('error', (error: NodeJS.ErrnoException) => reject(new Error(explained(error, socketPath))));
    req.end(body === undefined ? '' : JSON.stringify(body));
  });
}

function explained({ code, message }: NodeJS.ErrnoException, path: string): string {
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return `No gateway is running here: nothing answers at ${path}. Run the command in the folder of a running gateway, or set ADMIN_SOCKET as the gateway has it.`;
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return `This user may not use ${path}. Run the command as the user that the gateway runs as.`;
  }
  return `The gateway at ${path} could not be asked: ${message}`;
}
