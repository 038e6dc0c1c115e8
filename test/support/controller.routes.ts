import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';

/** Every route that a controller's decorators declare, as `POST /api/ingestion/track`. */
export function routesOfController(controller: { readonly prototype: object }): string[] {
  const prefixes = pathsOf(controller);
  const handlers = Object.values(Object.getOwnPropertyDescriptors(controller.prototype)).map(
    ({ value }) => value as object,
  );
  return handlers.flatMap((handler) => {
    const method =
      typeof handler === 'function' ? (Reflect.getMetadata(METHOD_METADATA, handler) as number) : undefined;
    if (method === undefined) return [];
    return prefixes.flatMap((prefix) =>
      pathsOf(handler).map((path) => `${RequestMethod[method] ?? ''} /${[prefix, path].filter(Boolean).join('/')}`),
    );
  });
}

function pathsOf(target: object): string[] {
  const paths = [Reflect.getMetadata(PATH_METADATA, target) as string | string[]].flat();
  return paths.map((path) => path.replace(/^\/|\/$/g, ''));
}
