import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { startService, type TestService } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number };
}
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span['attributes'] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

const TRACK = '/api/ingestion/track/';
const MARKER = 'marker-of-what-a-client-sent';
const event = { user_id: MARKER, event_type: 'page_viewed', payload: { [MARKER]: MARKER } };

/** A collector as far as traces need one. */
class Collector {
  readonly spans: Span[] = [];
  readonly resources: { readonly attributes: Span['attributes'] }[] = [];
  readonly paths = new Set<string | undefined>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Collector> {
    const server = createServer((incoming, answer) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        collector.paths.add(incoming.url);
        const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Export;
        collector.resources.push(...resourceSpans.map(({ resource }) => resource));
        collector.spans.push(
          ...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => [...scope.spans])),
        );
        answer.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    const collector = new Collector(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  named(name: string): Span[] {
    return this.spans.filter((span) => span.name === name);
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

const attribute = (span: Span | undefined, key: string) => span?.attributes.find((one) => one.key === key)?.value;

describe('traces', () => {
  let collector: Collector;
  let service: TestService | undefined;

  beforeEach(async () => {
    process.env['OTEL_BSP_SCHEDULE_DELAY'] = '100';
    collector = await Collector.start();
    service = undefined;
  });
  afterEach(async () => {
    delete process.env['OTEL_BSP_SCHEDULE_DELAY'];
    await service?.stop();
    await collector.stop();
  });

  // The first, as what another test has loaded stays loaded.
  it('should be off unless an endpoint is configured, and not even loaded', async () => {
    service = await startService();
    const tenant = await service.createTenant();
    await tenant.post(TRACK, event).expect(202);
    await tenant.storedEvents(1);
    expect(collector.spans).toEqual([]);
    expect(Object.keys(require.cache).filter((path) => path.includes('sdk-trace'))).toEqual([]);
  });

  it('should lead from a request through the queue to the insert', async () => {
    service = await startService({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const tenant = await service.createTenant();
    const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    const traceparent = `00-${caller.traceId}-${caller.spanId}-01`;
    await tenant.post(TRACK, event, { traceparent, 'x-request-id': 'req-1' }).expect(202);
    await waitUntil(() => Promise.resolve(collector.named('process events.v1').length > 0));
    await waitUntil(() => Promise.resolve(collector.named('POST /api/ingestion/track').length > 0));

    const [accepted] = collector.named('POST /api/ingestion/track');
    const [published] = collector.named('publish batch');
    const [processed] = collector.named('process events.v1');
    const [inserted] = collector.named('insert events');
    expect(accepted).toMatchObject({ traceId: caller.traceId, parentSpanId: caller.spanId });
    expect(attribute(accepted, 'segops.request.id')).toEqual({ stringValue: 'req-1' });
    expect(attribute(accepted, 'segops.tenant.id')).toEqual({ stringValue: tenant.tenantId });
    expect(attribute(accepted, 'http.response.status_code')).toEqual({ intValue: 202 });

    const { stringValue: batchId } = attribute(published, 'segops.batch.id') as { stringValue: string };
    expect(published?.traceId).toBe(batchId.replaceAll('-', ''));
    expect(published?.parentSpanId).toBeFalsy();
    expect(published?.links).toEqual([
      expect.objectContaining({ traceId: accepted?.traceId, spanId: accepted?.spanId }),
    ]);
    expect(processed).toMatchObject({ traceId: published?.traceId, parentSpanId: published?.spanId });
    expect(attribute(processed, 'segops.batch.outcome')).toEqual({ stringValue: 'stored' });
    expect(inserted).toMatchObject({ traceId: published?.traceId, parentSpanId: processed?.spanId });

    expect([...collector.paths]).toEqual(['/v1/traces']);
    expect(JSON.stringify(collector.spans)).not.toMatch(new RegExp(`${MARKER}|${tenant.key}`));
  });

  it('should be of the service that the environment names', async () => {
    const named = {
      OTEL_SERVICE_NAME: 'segops-staging',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=staging,a=b%2Cc',
    };
    Object.assign(process.env, named);
    try {
      service = await startService({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/of/ours` });
      await request(service.url).get('/livez').expect(200);
      await waitUntil(() => collector.named('GET /livez').length > 0);
    } finally {
      for (const name of Object.keys(named)) Reflect.deleteProperty(process.env, name);
    }
    const attributes = Object.fromEntries(collector.resources[0]!.attributes.map(({ key, value }) => [key, value]));
    expect(attributes).toMatchObject({
      'service.name': { stringValue: 'segops-staging' },
      'segops.role': { stringValue: 'all' },
      'deployment.environment': { stringValue: 'staging' },
      a: { stringValue: 'b,c' },
    });
    expect([...collector.paths]).toEqual(['/of/ours']);
  });

  it.each([{ OTEL_TRACES_EXPORTER: 'none' }, { OTEL_SDK_DISABLED: 'true' }])('should be off with %p', async (off) => {
    service = await startService({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...off });
    await request(service.url).get('/livez').expect(200);
    await service.stop();
    service = undefined;
    expect(collector.spans).toEqual([]);
  });

  it('should link a batch to each of the requests that share it', async () => {
    service = await startService({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const tenant = await service.createTenant();
    await Promise.all(Array.from({ length: 20 }, () => tenant.post(TRACK, event).expect(202)));
    const linked = () => collector.named('publish batch').flatMap(({ links }) => (links ?? []).map((l) => l.spanId));
    await waitUntil(() => Promise.resolve(linked().length === 20));
    await waitUntil(() => Promise.resolve(collector.named('POST /api/ingestion/track').length === 20));
    expect(linked().sort()).toEqual(
      collector
        .named('POST /api/ingestion/track')
        .map((span) => span.spanId)
        .sort(),
    );
  });

  it('should lead from every batch to its delivery, also where several were stored by one insert', async () => {
    service = await startService({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const tenant = await service.createTenant();
    for (let i = 0; i < 20; i++) await tenant.post(TRACK, event).expect(202);
    const published = () => collector.named('publish batch').map(({ spanId }) => spanId);
    const reached = () => collector.named('process events.v1').map(({ parentSpanId }) => parentSpanId);
    await waitUntil(() =>
      Promise.resolve(published().length === 20 && published().every((id) => reached().includes(id))),
    );
  });

  it('should send what is left when the service stops', async () => {
    process.env['OTEL_BSP_SCHEDULE_DELAY'] = '60000';
    const stopped = await startService({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await request(stopped.url).get('/livez').expect(200);
    expect(collector.spans).toEqual([]);
    await stopped.stop();
    expect(collector.named('GET /livez')).toHaveLength(1);
  });

  it('should not keep anybody from sending events, nor the service from stopping, while the collector is away', async () => {
    service = await startService({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
    const tenant = await service.createTenant();
    await tenant.post(TRACK, event).expect(202);
    expect(await tenant.storedEvents(1)).toHaveLength(1);
  });
});
