import { decodeBase64 } from '../../src/ledger/bytes.ts';
import { parseCheckpoint, parseNote, verifyConsistency } from '../../src/ledger/index.ts';
import type { Random } from '../../src/worlds/random.ts';
import type { Clients } from './clients.ts';
import type { Memory } from './memory.ts';

/** Answered captures that are asked for each time. */
const SAMPLE = 10;

/** Over HTTP: the log goes on from what was seen before, and captures that were answered are known. */
export async function askForOldAnswers(clients: Clients, memory: Memory, random: Random): Promise<void> {
  const sizes = [...memory.checkpoints.keys()];
  for (const size of new Set([memory.newestSize, ...(sizes.length > 0 ? [random.pick(sizes)] : [])])) {
    const kept = memory.checkpoints.get(size);
    const answer = await clients.call('GET', `/api/v1/ledger/consistency?from=${size}`);
    if (kept === undefined || answer === null || answer.status === 503) continue;
    if (answer.status !== 200) memory.broken.push(`consistency from ${size}: ${answer.status} ${answer.text}`);
    else if (!continues(kept, answer.text)) memory.broken.push(`the log does not continue the checkpoint of ${size} entries`);
  }
  for (let i = 0; i < SAMPLE && memory.captures.length > 0; i++) await clients.askForJob(random.pick(memory.captures));
}

/** Whether the answer proves that the log continues a checkpoint. */
function continues(kept: string, answer: string): boolean {
  const { from, to, toRootHash, hashes } = JSON.parse(answer) as { from: number; to: number; toRootHash: string; hashes: string[] };
  const seen = parseCheckpoint(parseNote(kept).text);
  const bytes = (base64: string) => decodeBase64(base64) as Uint8Array;
  return from === seen.size && verifyConsistency(from, to, seen.rootHash, bytes(toRootHash), hashes.map(bytes));
}
