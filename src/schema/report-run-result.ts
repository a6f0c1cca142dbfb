import { signDownloadUrl } from '../resolvers/report-file.js';
import { builder } from './builder.js';
import { ReportFileContentType, ReportRunResultType } from './enums.js';

builder.objectType('ReportRunResult', {
  description: 'What came out of a run that succeeded.',
  fields: (t) => ({
    type: t.expose('type', { type: ReportRunResultType, description: 'The form of the result.' }),
    file: t.expose('file', {
      type: 'ReportFile',
      nullable: true,
      description: 'The file with the rows. Null if Stripe gives none, or not yet.',
    }),
  }),
});

builder.objectType('ReportFile', {
  description: 'The file a run has made.',
  fields: (t) => ({
    contentType: t.expose('contentType', { type: ReportFileContentType, description: 'What the bytes are.' }),
    size: t.expose('size', { type: 'BigInt', description: 'Length of the download in bytes.' }),
    filename: t.exposeString('filename', {
      nullable: true,
      description: 'The name Stripe gave the file. Null in v2, and if Stripe gave none.',
    }),
    fileId: t.exposeID('fileId', {
      nullable: true,
      description: 'Stripe’s id of the file, `file_…`. Null in v2.',
    }),
    title: t.exposeString('title', {
      nullable: true,
      description: 'What Stripe calls the file for people to read. Null in v2, and if Stripe gave none.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When Stripe made the file. Null in v2.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When Stripe deletes the file, after which it cannot be downloaded. Null in v2, and if it is kept.',
    }),
    downloadUrl: t.field({
      type: 'SignedUrl',
      description:
        'A URL of this gateway that anyone can download the file from, without a Stripe key, until it expires. It is made for this request: ask again rather than storing it.',
      args: {
        expiresIn: t.arg.int({
          defaultValue: 300,
          description: 'How long the URL works, in seconds: 10 to 86400. Null means 300.',
        }),
      },
      resolve: signDownloadUrl,
    }),
  }),
});

builder.objectType('SignedUrl', {
  description: 'A URL that carries its own permission for a while: treat it like a password.',
  fields: (t) => ({
    url: t.expose('url', { type: 'URL', description: 'GET this; no header is needed.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'From this instant on the URL answers 410.',
    }),
  }),
});

builder.objectType('ReportRunFailure', {
  description: 'Why a run ended without a result.',
  fields: (t) => ({
    code: t.exposeString('code', {
      nullable: true,
      description:
        'Stripe’s word for the reason, such as `file_size_above_limit`. Null in v1, which has none.',
    }),
    message: t.exposeString('message', { description: 'The reason as Stripe puts it for people to read.' }),
  }),
});
