import type { Call } from '../http.js';
import type { Outcome } from '../run.js';
import type { Settings } from '../settings.js';
import type { World } from '../world.js';
import { readFields, required } from './fields.js';

const SETTINGS = ['limits', 'lateRunsMs', 'lateEventsMs', 'v2ConcurrentRuns', 'runSeconds', 'events'];

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
  const fields = readFields(call.body, SETTINGS);
  const { settings } = world;
  // What has ended until now is told, or not, as the settings were when it ended.
  for (const scope of world.scopes.values()) scope.tellEnds(settings, world.now());
  world.settings = {
    limits: fields.flag('limits') ?? settings.limits,
    lateRunsMs: fields.number('lateRunsMs') ?? settings.lateRunsMs,
    lateEventsMs: fields.number('lateEventsMs') ?? settings.lateEventsMs,
    v2ConcurrentRuns: fields.number('v2ConcurrentRuns') ?? settings.v2ConcurrentRuns,
    runSeconds: fields.number('runSeconds') ?? settings.runSeconds,
    events: fields.flag('events') ?? settings.events,
  };
  return world.settings;
}
