import type { Call } from '../http.js';
import type { Outcome } from '../run.js';
import type { Settings } from '../settings.js';
import { tellEnds } from '../world.js';
import type { World } from '../world.js';
import { readFields, required } from './fields.js';

export function listRequests(world: World): unknown {
  return { requests: world.log.list() };
}

export function clearRequests(world: World): unknown {
  world.log.clear();
  return {};
}

export function addOutcome(world: World, call: Call): unknown {
  const fields = readFields(call.body, [
    'api',
    'type',
    'outcome',
    'afterSeconds',
    'error',
    'errorCode',
    'times',
  ]);
  const rule = {
    api: fields.oneOf('api', ['V1', 'V2']),
    type: fields.text('type'),
    outcome: required(fields.oneOf<Outcome>('outcome', ['succeeded', 'failed']), 'outcome'),
    afterSeconds: fields.number('afterSeconds'),
    error: fields.text('error'),
    errorCode: fields.text('errorCode'),
  };
  world.outcomes.add(rule, fields.number('times', 1) ?? 1);
  return {};
}

export function showSettings(world: World): Settings {
  return world.settings;
}

export function changeSettings(world: World, call: Call): Settings {
  const { settings } = world;
  const fields = readFields(call.body, Object.keys(settings));
  // What has ended until now is told, or not, as the settings were when it ended.
  tellEnds(world);
  world.settings = {
    limits: fields.flag('limits') ?? settings.limits,
    lateRunsMs: fields.number('lateRunsMs') ?? settings.lateRunsMs,
    lateEventsMs: fields.number('lateEventsMs') ?? settings.lateEventsMs,
    v2ConcurrentRuns: fields.number('v2ConcurrentRuns') ?? settings.v2ConcurrentRuns,
    runSeconds: fields.number('runSeconds') ?? settings.runSeconds,
    events: fields.flag('events') ?? settings.events,
    webhookDelayMs: fields.number('webhookDelayMs') ?? settings.webhookDelayMs,
    webhookShuffleMs: fields.number('webhookShuffleMs') ?? settings.webhookShuffleMs,
    webhookCopies: fields.number('webhookCopies', 1) ?? settings.webhookCopies,
    webhookDrop: fields.number('webhookDrop') ?? settings.webhookDrop,
    webhookRetries: fields.number('webhookRetries') ?? settings.webhookRetries,
    webhookRetryMs: fields.number('webhookRetryMs') ?? settings.webhookRetryMs,
    ranges: fields.flag('ranges') ?? settings.ranges,
  };
  return world.settings;
}
