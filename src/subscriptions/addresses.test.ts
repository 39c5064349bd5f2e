import { describe, expect, it } from 'vitest';
import { isPublicAddress, parseDest } from './addresses.ts';

describe('the addresses of a webhook (S-10)', () => {
  it.each([
    '0.0.0.0', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1',
    '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.7', '224.0.0.1',
    '239.255.255.255', '240.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1',
    '64:ff9b::7f00:1', '64:ff9b:1::1', '100::1', 'fc00::1', 'fdff::1', 'fe80::1', 'febf::1', 'fec0::1', 'ff02::1', '2001::1', '2001:0:1::1', '2001:db8::1',
    '2002:7f00:1::1', '3fff::1', 'localhost', 'example.com', '',
  ])('are refused: %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  }); // biome-ignore format: a list

  it.each([
    '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '128.0.0.1', '169.253.1.1', '172.15.1.1', '172.32.0.1', '192.167.1.1',
    '198.17.1.1', '198.20.0.1', '223.255.255.255', '2606:4700::1111', '2a00:1450::1', '2001:4860:4860::8888',
  ])('are taken: %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  }); // biome-ignore format: a list

  const dest = (text: string, allowPrivate = false) => parseDest(text, { allowPrivate, at: '/dest' });

  it.each([
    '', 'partner.example/hook', '/hook', 'ftp://partner.example/', 'file:///etc/passwd', 'javascript:alert(1)', 'https://user:secret@partner.example/',
    'https://user@partner.example/', 'http://127.0.0.1/', 'http://127.1/', 'http://0x7f000001/', 'http://2130706433/', 'http://0177.0.0.1/', 'http://[::1]/',
    'http://[::ffff:127.0.0.1]/', 'http://localhost:8080/', 'http://LOCALHOST./', 'http://a.localhost/', 'http://169.254.169.254/latest', 'http://[fe80::1]/',
    `https://partner.example/${'x'.repeat(2_000)}`,
  ])('are refused as they are given: %s', (text) => {
    expect(() => dest(text)).toThrow(expect.objectContaining({ code: 'SUB-DEST', at: '/dest' }));
  }); // biome-ignore format: a list

  it('may be private where that is set, but bear no credentials and no other scheme', () => {
    expect(dest('http://127.0.0.1:9/x', true).href).toBe('http://127.0.0.1:9/x');
    for (const text of ['ftp://127.0.0.1/', 'http://user@127.0.0.1/']) expect(() => dest(text, true)).toThrow(/dest/);
    expect(dest('https://partner.example/hook?x=1').host).toBe('partner.example');
  });
});
