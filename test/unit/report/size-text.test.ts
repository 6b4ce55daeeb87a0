import { expect, test } from 'vitest';
import { sizeText } from '../../../lib/report/size-text.ts';

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.00 kB (1000 bytes)'],
  [12_345, '12.3 kB (12345 bytes)'],
  [999_499, '999 kB (999499 bytes)'],
  [999_500, '1.00 MB (999500 bytes)'],
  [123_456_789, '123 MB (123456789 bytes)'],
  [2_000_000_000, '2.00 GB (2000000000 bytes)'],
  [5_000_000_000_000_000, '5000 TB (5000000000000000 bytes)'],
])('%i bytes are %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));
