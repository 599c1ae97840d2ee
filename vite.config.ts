import { vitePlugin as remix } from "@remix-run/dev";
import { defineConfig, type Plugin } from "vite";
import remixOptions from "./remix.config.js";

/**
 * Makes app/server.ts the entry of the server bundle, so that the process and the routes share one module
 * graph. Remix's plugin ignores `rollupOptions.input`; a plugin that runs after it is what works.
 */
function serverEntry(): Plugin {
  return {
    name: "evenkeel:server-entry",
    enforce: "post",
    config: (_config, { isSsrBuild }) =>
      isSsrBuild
        ? {
            build: {
              rollupOptions: {
                input: "./app/server.ts",
                // One file, so that what it finds by its own address (the browser's files) stays where it is.
                output: { inlineDynamicImports: true },
              },
            },
          }
        : undefined,
  };
}

export default defineConfig({
  plugins: [remix(remixOptions), serverEntry()],
  // Inlined assets would need `data:` in the content security policy.
  build: { assetsInlineLimit: 0, sourcemap: false },
  server: { fs: { allow: ["app", "node_modules"] } },
  // Found out one page at a time, they would be bundled anew under a page that holds the former React.
  optimizeDeps: {
    include: [
      "react",
      "react-dom/client",
      "react/jsx-dev-runtime",
      "@remix-run/node",
      "@remix-run/react",
      "@shopify/polaris",
      "@shopify/polaris-icons",
      "@shopify/shopify-app-remix/react",
      "@shopify/shopify-app-remix/server",
      "zod",
    ],
  },
});
