import { describe, expect, it } from 'vitest';
import { describeSettings, readSettings, SETTINGS, unknownVariables } from './settings.ts';

describe('settings', () => {
  it('are those of the contract where nothing is given (design.md §7)', () => {
    expect(readSettings()).toEqual({
      webhookAllowPrivate: false,
      pagerUrl: null,
      pagerToken: null,
      host: '127.0.0.1',
      port: 8080,
      data: './lotline-data',
      databaseUrl: null,
      adminKey: null,
      rules: 'flag',
      epcFormat: 'Always_GS1_Digital_Link',
      captureMaxEvents: 100_000,
      captureMaxBytes: 104_857_600,
      origin: null,
      logKeyFile: null,
      vaultKeyFile: null,
      coiFacility: 'A9999',
      retention: [],
      verifyProfile: 'us',
      verifyPolicy: [],
      verifyZone: 'UTC',
      responderGln: null,
      ledgerPublic: false,
      metricsPublic: false,
      corsOrigins: [],
    });
  });

  it('take a flag before the environment, and the environment before the default', () => {
    const env = { LOTLINE_PORT: '9000', LOTLINE_HOST: '0.0.0.0', LOTLINE_RULES: '' };
    expect(readSettings({ port: '9001' }, env)).toMatchObject({ port: 9001, host: '0.0.0.0', rules: 'flag' });
  });

  it('read switches and lists as people write them', () => {
    expect(
      readSettings({ ledgerPublic: true }, { LOTLINE_METRICS_PUBLIC: 'on', LOTLINE_CORS_ORIGINS: 'https://a.example/, https://b.example' }),
    ).toMatchObject({
      ledgerPublic: true,
      metricsPublic: true,
      corsOrigins: ['https://a.example', 'https://b.example'],
    });
  });

  it.each([
    ['LOTLINE_PORT', 'eighty'],
    ['LOTLINE_PORT', '65536'],
    ['LOTLINE_PORT', '-1'],
    ['LOTLINE_PORT', '80.5'],
    ['LOTLINE_RULES', 'strict'],
    ['LOTLINE_EPC_FORMAT', 'URN'],
    ['LOTLINE_CAPTURE_MAX_EVENTS', '0'],
    ['LOTLINE_CAPTURE_MAX_BYTES', '100'],
    ['LOTLINE_ORIGIN', 'two words'],
    ['LOTLINE_ORIGIN', 'a+b'],
    ['LOTLINE_VERIFY_PROFILE', 'eu'],
    ['LOTLINE_VERIFY_POLICY', 'recalled=true'],
    ['LOTLINE_VERIFY_ZONE', 'Mars/Olympus'],
    ['LOTLINE_RESPONDER_GLN', '95201230000'],
    ['LOTLINE_LEDGER_PUBLIC', 'perhaps'],
    ['LOTLINE_CORS_ORIGINS', 'app.example'],
    ['LOTLINE_CORS_ORIGINS', 'https://a.example/path'],
    ['LOTLINE_ADMIN_KEY', 'with a space in it'],
    ['LOTLINE_DATABASE_URL', 'mysql://localhost/lotline'],
  ])('refuse %s=%s, saying where and how to mend it', (name, value) => {
    expect(() => readSettings({}, { [name]: value })).toThrow(
      expect.objectContaining({ code: 'CFG-VALUE', at: name, message: expect.stringContaining(name), fix: expect.stringMatching(/\.$/) }),
    );
  });

  it('tell everything that is wrong at once, and name a flag when the flag is wrong', () => {
    expect(() => readSettings({ port: 'x' }, { LOTLINE_RULES: 'y' })).toThrow(
      expect.objectContaining({ at: '--port', message: expect.stringMatching(/--port.*LOTLINE_RULES/) }),
    );
  });

  it('are printed without secrets, and an error does not show them either', () => {
    const secret = 'a-secret-that-nobody-sees';
    const lines = describeSettings(readSettings({}, { LOTLINE_ADMIN_KEY: secret })).join('\n');
    expect(lines).not.toContain(secret);
    expect(lines).toContain('LOTLINE_ADMIN_KEY=(set, not shown)');
    expect(lines).toContain('LOTLINE_PORT=8080');
    try {
      readSettings({}, { LOTLINE_ADMIN_KEY: 'bad secret' });
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).not.toContain('bad secret');
    }
  });

  it('takes a short admin key, and says that it can be guessed', () => {
    const lines = describeSettings(readSettings({}, { LOTLINE_ADMIN_KEY: 'secret' })).join('\n');
    expect(lines).toContain('LOTLINE_ADMIN_KEY=(set, not shown; so short that it can be guessed)');
    expect(lines).not.toContain('secret');
  });

  it('say of each what it is for, its unit and what follows when it is wrong', () => {
    for (const text of Object.values(SETTINGS)) {
      expect(text.about).toMatch(/\.$/);
      expect(text.ifWrong).toMatch(/\.$/);
      expect(text.unit).not.toBe('');
      expect(text.env).toMatch(/^LOTLINE_/);
    }
  });

  it('know which variables are none of theirs', () => {
    expect(unknownVariables({ LOTLINE_PORT: '1', LOTLINE_PROT: '2', HOME: '/' })).toEqual(['LOTLINE_PROT']);
  });
});
