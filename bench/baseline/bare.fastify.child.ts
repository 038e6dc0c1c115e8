import fastify from 'fastify';

/** What any Node service pays for a request with a JSON body, and nothing else: it is read, parsed and answered. */
const app = fastify({ bodyLimit: 5_242_880 });
app.post('/api/ingestion/track/', (_request, reply) => reply.code(202).send({ queued: true }));
app.post<{ Body: { events: readonly unknown[] } }>('/api/ingestion/track/batch/', (request, reply) =>
  reply.code(202).send({ queued: request.body.events.length, skipped: 0 }),
);

process.on('disconnect', () => process.exit(0));
void app.listen({ host: '127.0.0.1', port: 0 }).then((url) => process.send?.(url));
