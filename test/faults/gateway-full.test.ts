import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LotlineError } from '../../src/errors.ts';
import { Gateway } from '../../src/integrations/gateway/gateway.ts';

it('a gateway whose disk is full takes nothing more, keeps what it has, and says so with REQ-BUSY', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lotline-gateway-'));
  const options = { folder, name: 'line 1', upstream: 'http://127.0.0.1:1', upstreamKey: 'a-key-0123456789abcdef', log: () => {} };
  const take = async (gateway: Gateway) =>
    await gateway.take({ body: Buffer.from('{}'), behaviour: 'rollback', read: { events: 1, envelope: null } });
  try {
    const first = Gateway.open(options);
    const { captureID } = await take(first);
    await first.close();
    const full = Gateway.open({ ...options, diskReserveBytes: Number.MAX_SAFE_INTEGER });
    const refused = await take(full).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LotlineError);
    expect(refused).toMatchObject({ code: 'REQ-BUSY', message: 'the disk of the gateway is full' });
    expect(full.job(captureID)).toMatchObject({ running: true });
    expect(full.status.waiting).toMatchObject({ documents: 1, events: 1, bytes: 2 });
    await full.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
