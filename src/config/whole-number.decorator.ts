import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';

/** A number without sign, fraction or exponent, from `min` to `max`, both included. Text of digits becomes a number. */
export function WholeNumber({ min, max }: { min: number; max: number }): PropertyDecorator {
  const convert = Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value,
  );
  const check = ValidateBy(
    {
      name: 'wholeNumber',
      validator: { validate: (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max },
    },
    { message: `must be a whole number from ${min} to ${max}` },
  );
  return (target, property) => {
    convert(target, property);
    check(target, property);
  };
}
