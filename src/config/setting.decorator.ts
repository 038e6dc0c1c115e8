import 'reflect-metadata';

const SETTINGS = Symbol('settings');

/** What is known of one setting besides its type and default, which the property itself declares. */
export interface SettingOptions {
  /** The environment variable it is read from. */
  env: string;
  /** One or two sentences for operators. */
  describe: string;
  /** A value that would be accepted, for settings whose default is not one. */
  example?: string;
}

/** A setting and the property of the configuration class that holds it. */
export interface SettingDefinition extends SettingOptions {
  property: string;
}

/** Reads a property of the configuration class from the environment. Its initialiser is the default. */
export function Setting(options: SettingOptions): PropertyDecorator {
  return (target, property) => {
    const settings = settingsOf(target.constructor);
    Reflect.defineMetadata(SETTINGS, [...settings, { ...options, property: String(property) }], target.constructor);
  };
}

/** The settings of a configuration class, in the order of declaration. */
export function settingsOf(configurationClass: object): readonly SettingDefinition[] {
  return (Reflect.getMetadata(SETTINGS, configurationClass) as SettingDefinition[] | undefined) ?? [];
}
