import type { INestApplication } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { routesOfController } from './controller.routes.js';

/** Every route that the application's controllers serve, as `POST /api/ingestion/track`. */
export function routesOf(app: INestApplication): string[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  const routes = controllers.flatMap(({ metatype }) =>
    typeof metatype === 'function' ? routesOfController(metatype) : [],
  );
  return [...new Set(routes)].sort();
}
