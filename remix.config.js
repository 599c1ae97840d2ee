/**
 * Remix's options, in the conventional place. vite.config.ts hands them to Remix's Vite plugin; see
 * docs/decisions for why Vite builds while this file stays.
 *
 * @type {import("@remix-run/dev").VitePluginConfig}
 */
export default {
  appDirectory: "app",
  ignoredRouteFiles: ["**/.*"],
  serverModuleFormat: "esm",
  future: {
    v3_fetcherPersist: true,
    v3_relativeSplatPath: true,
    v3_throwAbortReason: true,
    v3_singleFetch: true,
    // Lazy discovery fetches a manifest at navigation time, which fails while the server is away.
    v3_lazyRouteDiscovery: false,
    v3_routeConfig: false,
  },
};
