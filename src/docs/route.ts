import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants';
import { Reflector } from '@nestjs/core';
import { getMetadataStorage } from 'class-validator';
import { EVERYBODY, type PrincipalKind } from '../auth/principal.js';
import { routeConfigOf } from '../common/route.config.js';
import { Documented, type RouteDocs } from './documented.decorator.js';

export type Dto = new () => object;

/** A route as its controller declares it. */
export interface Route {
  readonly docs: RouteDocs;
  readonly accepts: readonly PrincipalKind[];
  readonly bodyDto: Dto | undefined;
  readonly queryDto: Dto | undefined;
}

const reflector = new Reflector();

/** @throws TypeError for a route that is not documented */
export function routeOf(controller: Dto, method: string): Route {
  const handler = Object.getOwnPropertyDescriptor(controller.prototype, method)?.value as () => unknown;
  const docs = reflector.get(Documented, handler) as RouteDocs | undefined;
  if (docs === undefined) {
    throw new TypeError(`${controller.name}.${method} is not documented`);
  }
  return {
    docs,
    accepts: routeConfigOf(handler).accepts ?? EVERYBODY,
    bodyDto: dtoOf(controller, method, RouteParamtypes.BODY),
    queryDto: dtoOf(controller, method, RouteParamtypes.QUERY),
  };
}

function dtoOf(controller: Dto, method: string, kind: RouteParamtypes): Dto | undefined {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<
    string,
    { index: number }
  >;
  const types = (Reflect.getMetadata('design:paramtypes', controller.prototype as object, method) ?? []) as Dto[];
  const [, arg] = Object.entries(args).find(([key]) => key.startsWith(`${kind}:`)) ?? [];
  const type = arg === undefined ? undefined : types[arg.index];
  const isDto =
    type !== undefined && getMetadataStorage().getTargetValidationMetadatas(type, '', false, false).length > 0;
  return isDto ? type : undefined;
}
