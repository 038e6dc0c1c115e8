import { Matches } from 'class-validator';

/** Keys of 32 bytes in hex, separated by commas. */
export function EncryptionKeyList(): PropertyDecorator {
  return Matches(/^[0-9a-f]{64}(?:,[0-9a-f]{64})*$/i, {
    message: 'must be 64 hexadecimal digits, or several such keys separated by commas',
  });
}
