import { Configuration } from './configuration.js';
import type { SettingDefinition } from './setting.decorator.js';

const defaults = new Configuration();

/** A value that the setting accepts, as text: its example, else its default. */
export function acceptedValueOf({ example, property }: SettingDefinition): string {
  return example ?? String(defaults[property as keyof Configuration]);
}
