/** A seal's number as it is compared: without case and spaces. */
export const sealText = (seal: string): string => seal.replace(/\s+/g, '').toUpperCase();

/** By what a seal is found among the things that acts name. */
export const sealKey = (seal: string): string => `seal:${sealText(seal)}`;
