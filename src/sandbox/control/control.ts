import { ApiError } from '../errors.js';
import { json } from '../http.js';
import type { Answer, Call } from '../http.js';
import type { World } from '../world.js';
import { addFault, clearFaults, listFaults, releaseFault } from './faults.js';
import { addOutcome, changeSettings, clearRequests, listRequests, showSettings } from './misc.js';
import { addRuns, clearRuns, finishRun, giveFile, listRuns, overlayRun } from './runs.js';
import {
  addWebhook,
  clearDeliveries,
  listDeliveries,
  listWebhooks,
  pingWebhook,
  removeWebhook,
  updateReportTypes,
} from './webhooks.js';

type Handler = (world: World, call: Call, id: string) => unknown;

const table: readonly (readonly [string, RegExp, Handler])[] = [
  ['GET', /^\/_sandbox\/requests$/, listRequests],
  ['DELETE', /^\/_sandbox\/requests$/, clearRequests],
  ['GET', /^\/_sandbox\/faults$/, listFaults],
  ['POST', /^\/_sandbox\/faults$/, addFault],
  ['DELETE', /^\/_sandbox\/faults$/, clearFaults],
  ['POST', /^\/_sandbox\/faults\/([^/]+)\/release$/, releaseFault],
  ['POST', /^\/_sandbox\/outcomes$/, addOutcome],
  ['GET', /^\/_sandbox\/runs$/, listRuns],
  ['POST', /^\/_sandbox\/runs$/, addRuns],
  ['DELETE', /^\/_sandbox\/runs$/, clearRuns],
  ['POST', /^\/_sandbox\/runs\/([^/]+)\/finish$/, finishRun],
  ['POST', /^\/_sandbox\/runs\/([^/]+)\/overlay$/, overlayRun],
  ['GET', /^\/_sandbox\/webhooks$/, listWebhooks],
  ['POST', /^\/_sandbox\/webhooks$/, addWebhook],
  ['GET', /^\/_sandbox\/webhooks\/deliveries$/, listDeliveries],
  ['DELETE', /^\/_sandbox\/webhooks\/deliveries$/, clearDeliveries],
  ['DELETE', /^\/_sandbox\/webhooks\/([^/]+)$/, removeWebhook],
  ['POST', /^\/_sandbox\/webhooks\/([^/]+)\/ping$/, pingWebhook],
  ['POST', /^\/_sandbox\/report_types\/updated$/, updateReportTypes],
  ['POST', /^\/_sandbox\/runs\/([^/]+)\/file$/, giveFile],
  ['GET', /^\/_sandbox\/settings$/, showSettings],
  ['POST', /^\/_sandbox\/settings$/, changeSettings],
];

/** Answers what `docs/sandbox.md` calls the control endpoint. Throws an ApiError for what is wrong. */
export function control(world: World, call: Call): Answer {
  for (const [method, pattern, handle] of table) {
    const match = method === call.method ? pattern.exec(call.path) : null;
    if (match !== null) return json(200, handle(world, call, match[1] ?? ''));
  }
  throw new ApiError(404, { message: `The control endpoint has no ${call.method} ${call.path}.` });
}
