import { templateOf } from '../templates/templates.ts';
import type { DemandOf } from './missing-checks.ts';

/** How many people the template that an order pins asks for at a checkpoint. */
export const peopleDemanded: DemandOf = ({ id, version }, step) => {
  const demanded = templateOf(id, version)?.steps.find((one) => one.id === step)?.checkpoint;
  return demanded === undefined ? null : { people: demanded.people };
};
