import { isIP } from 'node:net';
import { ValidateBy } from 'class-validator';

/** IP addresses and networks in CIDR form, separated by commas. */
export function AddressList(): PropertyDecorator {
  return ValidateBy(
    {
      name: 'addressList',
      validator: { validate: (value) => typeof value === 'string' && value.split(',').every(isAddressOrNetwork) },
    },
    { message: 'must be IP addresses or networks separated by commas, as in 10.0.0.0/8,127.0.0.1' },
  );
}

function isAddressOrNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.trim().split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
