/** The one version of Shopify's API that everything speaks; shopify.app.toml names the same. */
export const API_VERSION = "2026-10";
