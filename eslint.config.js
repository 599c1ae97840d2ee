import js from "@eslint/js";
import globals from "globals";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/**
 * The house's floors, top to bottom (see docs/design.md). A file may import from its own floor and from
 * those below it, never from one above: what rides through a failure must not depend on what it carries.
 */
const floors = [
  ["routes", "http"],
  [
    "orders",
    "inventory",
    "products",
    "overview",
    "commands",
    "settings",
    "views",
    "webhooks",
    "sync",
  ],
  ["jobs"],
  ["shopify"],
  ["continuity"],
  ["database"],
  ["observability"],
];

/** Type-only imports of a higher floor are arrows too, so they are held by the same rule. */
const arrows = floors.slice(1).map((folders, index) => {
  const above = floors.slice(0, index + 1).flat();
  return {
    files: folders.map((folder) => `app/${folder}/**/*.{ts,tsx}`),
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: `^\\.{1,2}/(.*/)?(${[...above, "components"].join("|")})/`,
              message: `Dependencies point one way: ${floors.map((f) => f.join(", ")).join(" → ")}.`,
            },
            {
              regex: `^\\.{1,2}/(.*/)?(server|services\\.server)(\\.ts)?$`,
              message: "The composition root imports the parts, never the other way round.",
            },
            { regex: `(^|/)test/`, message: "Nothing in app/ imports from test/." },
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  { ignores: ["build/", "node_modules/", "tools/", ".cache/", "extensions/*/dist/", "public/"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      globals: { ...globals.node, ...globals.browser },
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/require-await": "off",
      // Remix throws Responses; that is its way of saying "stop here with this answer".
      "@typescript-eslint/only-throw-error": "off",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "no-console": ["error", { allow: ["warn", "error"] }],
      eqeqeq: ["error", "always"],
    },
  },
  {
    files: ["app/**/*.{ts,tsx}"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ regex: `(^|/)test/`, message: "Nothing in app/ imports from test/." }] },
      ],
    },
  },
  ...arrows,
  {
    files: ["app/**/*.tsx"],
    plugins: { "react-hooks": reactHooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
    },
  },
  {
    // Programs that people run in a terminal speak through it.
    files: ["test/**/*.ts", "app/start.ts", "app/dev.ts", "app/migrate.ts"],
    rules: { "no-console": "off" },
  },
  { files: ["**/*.js"], ...tseslint.configs.disableTypeChecked },
);
