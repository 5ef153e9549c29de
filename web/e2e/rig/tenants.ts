/** Who signs in: two that must not see each other's things, and one with a small limit. */
export const TENANTS = ['acme', 'globex', 'frugal'] as const;

export type Tenant = (typeof TENANTS)[number];
