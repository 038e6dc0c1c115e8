import { Reflector } from '@nestjs/core';
import type { JsonSchema } from '../common/dto.schema.js';

/** A request that succeeds. Each is sent to the running service in a test. */
export interface RequestExample {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number>>;
}

export interface Answer {
  readonly description: string;
  /** Of the body; absent: it has none. */
  readonly schema?: JsonSchema;
}

export interface Parameter {
  readonly description: string;
  /** The page sends it with every request that is tried out: none for what should differ from request to request. */
  readonly example?: string;
  readonly required?: boolean;
}

/** What is to be told of a route and cannot be read off its decorators and DTOs. */
export interface RouteDocs {
  readonly summary: string;
  readonly description?: string;
  /** Body of a route that reads it itself. Elsewhere the DTO says what it takes. */
  readonly body?: (new () => object) | JsonSchema;
  /** By what they show. */
  readonly examples?: Readonly<Record<string, RequestExample>>;
  /** Of the path, by name. */
  readonly parameters?: Readonly<Record<string, Parameter>>;
  /** Headers that the route looks at, by name. */
  readonly headers?: Readonly<Record<string, Parameter>>;
  /** The credential, where it is none that the guard looks for. */
  readonly signedBy?: 'ShopifySignature';
  /** Every answer but errors, by status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** By status, when it happens: errors of this route besides those that follow from its credentials and body. */
  readonly errors?: Readonly<Record<number, string>>;
}

/**
 * Documents a route at `/api/openapi.json`. It only takes a note: what makes a document of the notes takes a tenth of a second
 * to load, and no process should pay for it before somebody asks.
 */
export const Documented = Reflector.createDecorator<RouteDocs>();
