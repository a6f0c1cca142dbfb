import type { Exchange } from '../exchange.js';
import { json } from '../http.js';
import type { Answer } from '../http.js';

export function showAccount({ caller }: Exchange): Answer {
  return json(200, {
    id: caller.account,
    object: 'account',
    business_profile: { name: `Sandbox ${caller.account}` },
    charges_enabled: true,
    country: 'US',
    default_currency: 'usd',
    details_submitted: true,
    email: null,
    payouts_enabled: true,
    settings: { dashboard: { display_name: `Sandbox ${caller.account}`, timezone: 'Etc/UTC' } },
    type: 'standard',
  });
}
