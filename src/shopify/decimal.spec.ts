import { Decimal } from './decimal.js';

describe('Decimal', () => {
  it.each([
    ['59.90', '59.90'],
    ['0.00', '0.00'],
    ['-12.05', '-12.05'],
    ['-0.05', '-0.05'],
    ['007.50', '7.50'],
    [' 1.5 ', '1.5'],
    ['12345678901234567890.12', '12345678901234567890.12'],
    [5.0, '5'],
    [99.99, '99.99'],
    [0, '0'],
    [-0.5, '-0.5'],
  ])('should write %j as %s', (value, json) => {
    expect(Decimal.from(value)?.toString()).toBe(json);
    expect(JSON.parse(json)).toBe(Number(value));
  });

  it.each([
    undefined,
    null,
    true,
    '',
    ' ',
    '1,234.50',
    '1.234,50',
    '5.',
    '.5',
    '+5',
    '1e3',
    '0x10',
    'NaN',
    'EUR 5',
    '1'.repeat(31),
    NaN,
    Infinity,
    1e21,
    {},
    [5],
  ])('should find no amount in %j', (value) => {
    expect(Decimal.from(value)).toBeUndefined();
  });

  it.each([
    [['0.1', '0.2'], '0.3'],
    [['0.10', '0.20', 0.7], '1.00'],
    [['39.95', 5], '44.95'],
    [['10', '-10.01'], '-0.01'],
    [['9007199254740993.01', '0.01'], '9007199254740993.02'],
  ])('should add %j up to %s', (values, sum) => {
    const amounts = values.map((value) => Decimal.from(value)!);
    expect(amounts.reduce((total, amount) => total.plus(amount), Decimal.ZERO).toString()).toBe(sum);
  });
});
