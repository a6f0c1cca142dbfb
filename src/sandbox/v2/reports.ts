import { findReport, reportId } from '../data/reports.js';
import type { ParameterDefinition } from '../data/reports.js';
import { notFound } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { json } from '../http.js';
import type { Answer } from '../http.js';
import type { JsonObject } from '../json.js';
import { availabilityOf } from '../v1/availability.js';

export function retrieveReport({ id, caller, now }: Exchange): Answer {
  const report = findReport(id, caller.mode);
  if (report === null) throw notFound(`No such report: '${id}'.`);
  return json(200, {
    id: reportId(report, caller.mode),
    object: 'v2.reporting.report',
    livemode: caller.mode === 'live',
    name: report.name,
    parameters: Object.fromEntries(
      report.parameters.map((definition) => [definition.name, shown(definition, now)]),
    ),
  });
}

function shown({ type, required, description, values }: ParameterDefinition, now: number): JsonObject {
  const { start, end } = availabilityOf(0, now);
  return {
    type,
    required,
    description,
    array_details:
      type === 'array' ? { element_type: 'enum', enum_details: { allowed_values: values } } : null,
    enum_details: type === 'enum' ? { allowed_values: values } : null,
    timestamp_details:
      type === 'timestamp' ? { min: new Date(start).toISOString(), max: new Date(end).toISOString() } : null,
  };
}
