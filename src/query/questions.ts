import type { Db } from '../store/db.ts';

/** Every question that may be asked of the store, by name. Arguments and answers are plain values, so that a question can go to another thread. */
export const questions = {} satisfies Record<string, (db: Db, args: never) => Promise<unknown>>;

export type Questions = typeof questions;
export type QuestionName = keyof Questions;
