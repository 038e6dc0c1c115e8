import 'reflect-metadata';
import { IsInt, IsString, Length, ValidateNested, validateSync } from 'class-validator';
import { messagesByField, ReadAs, toDto } from './dto.pipe.js';

class Line {
  @IsInt({ message: 'must be a whole number.' })
  readonly quantity!: number;
}

class Address {
  @IsString({ message: 'must be a string.' })
  readonly city!: string;
}

class Order {
  @IsString({ message: 'must be a string.' })
  @Length(2, 5, { message: 'must have 2 to 5 characters.' })
  readonly name!: string;

  @ValidateNested({ message: 'must be a JSON object.' })
  @ReadAs((sent) => toDto(Address, sent))
  readonly address!: Address;

  @ValidateNested({ each: true, message: 'must be a JSON object.' })
  @ReadAs((sent) => (Array.isArray(sent) ? sent.map((line) => toDto(Line, line)) : sent))
  readonly lines!: readonly Line[];
}

const VALID = { name: 'abc', address: { city: 'Bonn' }, lines: [{ quantity: 1 }] };

function messagesOf(fields: object): Record<string, string[]> {
  return messagesByField(validateSync(toDto(Order, { ...VALID, ...fields })));
}

describe('messagesByField', () => {
  it('should have nothing to say about a valid object', () => {
    expect(messagesOf({})).toEqual({});
  });

  it('should list every message of a field', () => {
    const { name, ...others } = messagesOf({ name: 1 });
    expect(name).toHaveLength(2);
    expect(name).toEqual(expect.arrayContaining(['must be a string.', 'must have 2 to 5 characters.']));
    expect(others).toEqual({});
  });

  it('should name a nested field by its path', () => {
    expect(messagesOf({ address: { city: 1 } })).toEqual({ 'address.city': ['must be a string.'] });
  });

  it('should name the place in a list, counted from 0', () => {
    expect(messagesOf({ lines: [{ quantity: 1 }, { quantity: 'x' }, 7] })).toEqual({
      'lines.1.quantity': ['must be a whole number.'],
      'lines.2': ['must be a JSON object.'],
    });
  });

  it('should report the fields of different depths together', () => {
    expect(Object.keys(messagesOf({ name: 'a', address: {}, lines: [{}] }))).toEqual([
      'name',
      'address.city',
      'lines.0.quantity',
    ]);
  });

  it('should report a list and its elements each', () => {
    const messages = messagesByField([
      {
        property: 'lines',
        constraints: { unique: 'must differ.' },
        children: [{ property: '0', children: [{ property: 'quantity', constraints: { isInt: 'must be whole.' } }] }],
      },
    ]);
    expect(messages).toEqual({ lines: ['must differ.'], 'lines.0.quantity': ['must be whole.'] });
  });

  it('should never repeat what was sent', () => {
    expect(JSON.stringify(messagesOf({ name: 'sk_live_secret', address: { city: ['sk_live_secret'] } }))).not.toContain(
      'secret',
    );
  });
});

describe('toDto', () => {
  class Page {
    @IsInt()
    readonly size: number = 50;

    @IsString()
    readonly title!: string;
  }

  /** An object that writes down what is asked of it. */
  const watched = (sent: object, asked: string[]): object =>
    new Proxy(sent, {
      ownKeys: (target) => {
        asked.push('all keys');
        return Reflect.ownKeys(target);
      },
      getOwnPropertyDescriptor: (target, name) => {
        asked.push(`whether ${String(name)} is there`);
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
      get: (target, name) => {
        asked.push(String(name));
        return Reflect.get(target, name) as unknown;
      },
    });

  it('should ask for what the DTO declares and nothing else, however much was sent', () => {
    const unknown = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i]));
    const asked: string[] = [];
    const page = toDto(Page, watched({ ...unknown, title: 'a' }, asked));
    expect(page).toEqual({ size: 50, title: 'a' });
    expect(page).toBeInstanceOf(Page);
    expect(asked.sort()).toEqual(['title', 'whether size is there', 'whether title is there']);
  });

  it('should look into no value', () => {
    const asked: string[] = [];
    const title = watched({ a: 1 }, asked);
    expect(toDto(Page, { title }).title).toBe(title);
    expect(asked).toEqual([]);
  });

  it('should take nothing from a prototype', () => {
    expect(toDto(Page, JSON.parse('{"__proto__":{"title":"a"},"constructor":1}'))).toEqual({
      size: 50,
      title: undefined,
    });
  });

  it.each([null, 7, 'x', [], [{ title: 'a' }]])('should leave %j as it is, for the rules to refuse', (sent) => {
    expect(toDto(Page, sent)).toBe(sent);
  });
});
