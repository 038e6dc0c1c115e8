import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiError, type ApiErrorBody } from '../common/errors.js';
import { ErrorRecorder } from '../errors/error.recorder.js';
import type { Sender } from './sender.js';

/** With these answers a client gives up its events: 401 and 403 are answered to those who may not send any. */
const LOSES_EVENTS: ReadonlySet<number> = new Set([400, 413, 415, 429]);
const SOURCES: Readonly<Record<string, Sender['source']>> = {
  '/api/ingestion/track': 'track',
  '/api/ingestion/track/batch': 'batch',
};

/** The refusal of a request whose one event was refused, and is recorded as such. */
export class EventRefusal extends ApiError {}

/** Records requests that were refused as a whole: clients drop all events of one, and many do not read why. */
@Injectable()
export class RequestRefusals {
  constructor(private readonly errors: ErrorRecorder) {}

  /** Records one error a request, if events were lost with it. */
  record({ routeOptions, principal, id: requestId }: FastifyRequest, error: ApiError): void {
    const source = SOURCES[routeOptions.url ?? ''];
    if (source === undefined || principal === undefined) return;
    if (!LOSES_EVENTS.has(error.status) || error instanceof EventRefusal) return;
    const { tenantId } = principal;
    const detail = `A request was refused as a whole, with status ${error.status}. ${textOf(error.body)}`;
    this.errors.record({ tenantId, ts: Date.now(), errorType: 'request_refused', source, detail, requestId });
  }
}

function textOf(body: ApiErrorBody): string {
  return Object.entries(body)
    .map(([field, text]) => (field === 'detail' ? String(text) : `${field} ${[text].flat().join(' ')}`))
    .join(' ');
}
