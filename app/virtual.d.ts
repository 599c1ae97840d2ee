/** Remix's Vite plugin makes this module: the release's routes and its assets' manifest. */
declare module "virtual:remix/server-build" {
  const build: import("@remix-run/node").ServerBuild;
  export = build;
}
