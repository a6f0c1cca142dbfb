import { invalid } from '../errors.js';
import type { JsonObject, JsonValue } from '../json.js';

/** What may be named in `expand`: a run's file is inline anyway, so that nothing changes. */
const EXPANDABLE = /^(data\.)?(result|parameters)$/;

/** Refuses top-level parameters that an endpoint does not have; every one has `expand`. */
export function refuseUnknown(given: JsonObject, accepted: readonly string[] = []): void {
  for (const param of Object.keys(given)) {
    if (param === 'expand' || accepted.includes(param)) continue;
    throw invalid(`Received unknown parameter: ${param}`, { code: 'parameter_unknown', param });
  }
  const { expand = [] } = given;
  if (!Array.isArray(expand)) throw invalid('Invalid array', { param: 'expand' });
  for (const property of expand as readonly JsonValue[]) {
    if (typeof property === 'string' && EXPANDABLE.test(property)) continue;
    throw invalid(`This property cannot be expanded (${JSON.stringify(property)}).`, { param: 'expand' });
  }
}
