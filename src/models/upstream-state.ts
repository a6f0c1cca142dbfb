/** How one of Stripe's APIs stood when it was last asked. */
export interface UpstreamState {
  /** UNAVAILABLE: the key may not use this API. DOWN: it failed, and will be asked again. */
  readonly state: 'READY' | 'UNAVAILABLE' | 'DOWN';
  /** When it last answered in full, unix ms; null if never. */
  readonly asOf: number | null;
}
