/** What a run can be made of: a v1 report type or a v2 report. All times are unix milliseconds. */
export type ReportType = ReportTypeV1 | ReportTypeV2;

export interface ReportTypeV1 {
  readonly api: 'V1';
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly dataAvailableStart: number;
  readonly dataAvailableEnd: number;
  readonly updatedAt: number;
  /** Null if columns cannot be chosen. */
  readonly defaultColumns: readonly string[] | null;
}

export interface ReportTypeV2 {
  readonly api: 'V2';
  readonly id: string;
  readonly name: string;
  readonly parameterDefinitions: readonly ReportParameterDefinition[];
}

export interface ReportParameterDefinition {
  readonly name: string;
  readonly description: string | null;
  readonly required: boolean;
  /** Stripe's word: array, enum, string or timestamp, and whatever it adds. */
  readonly valueType: string;
  /** Null where the values are not a closed set. */
  readonly allowedValues: readonly string[] | null;
  /** Earliest and latest instant a timestamp may have, unix ms; null for other types. */
  readonly minimum: number | null;
  readonly maximum: number | null;
}
