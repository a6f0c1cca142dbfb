import { apiOfReportTypeId } from '../models/ids.js';
import type { JsonObject, JsonValue } from '../models/json.js';
import type { ReportParameterDefinition, ReportTypeV1, ReportTypeV2 } from '../models/report-type.js';
import {
  DecodeError,
  describe,
  readInstant,
  readObject,
  readText,
  readTexts,
  requireInstant,
  requireText,
  requireWord,
} from './decode.js';

/** A `reporting.report_type` as a model. Throws DecodeError where a part every type must have is missing. */
export function decodeReportTypeV1(body: JsonObject): ReportTypeV1 {
  requireWord(body, 'object', 'reporting.report_type');
  const id = requireText(body, 'id');
  if (apiOfReportTypeId(id) !== 'V1') {
    throw new DecodeError(`expected the id of a v1 report type, got ${describe(id)}`);
  }
  const version = body['version'];
  if (typeof version !== 'number' || !Number.isSafeInteger(version)) {
    throw new DecodeError(`expected version to be an integer, got ${describe(version)}`);
  }
  return {
    api: 'V1',
    id,
    name: readText(body['name']) ?? id,
    version,
    dataAvailableStart: requireInstant(body, 'data_available_start'),
    dataAvailableEnd: requireInstant(body, 'data_available_end'),
    updatedAt: requireInstant(body, 'updated'),
    defaultColumns: readTexts(body['default_columns']),
  };
}

/** A `v2.reporting.report` as a model. Throws DecodeError where a part every report must have is missing. */
export function decodeReportTypeV2(body: JsonObject): ReportTypeV2 {
  requireWord(body, 'object', 'v2.reporting.report');
  const id = requireText(body, 'id');
  if (apiOfReportTypeId(id) !== 'V2')
    throw new DecodeError(`expected the id of a v2 report, got ${describe(id)}`);
  const parameters = Object.entries(readObject(body['parameters']) ?? {});
  return {
    api: 'V2',
    id,
    name: readText(body['name']) ?? id,
    parameterDefinitions: parameters.map(([name, definition]) => decodeDefinition(name, definition)),
  };
}

function decodeDefinition(name: string, value: JsonValue): ReportParameterDefinition {
  const definition = readObject(value);
  if (definition === null) {
    throw new DecodeError(`expected parameters.${name} to be an object, got ${describe(value)}`);
  }
  // The details of the other types are null, or even `false` in Stripe's own sample.
  const itemDetails = readObject(definition['array_details']);
  const choices = readObject(itemDetails?.['enum_details']) ?? readObject(definition['enum_details']);
  const bounds = readObject(definition['timestamp_details']);
  return {
    name,
    description: readText(definition['description']),
    required: definition['required'] === true,
    valueType: requireText(definition, 'type'),
    allowedValues: readTexts(choices?.['allowed_values']),
    minimum: readInstant(bounds?.['min']),
    maximum: readInstant(bounds?.['max']),
  };
}
