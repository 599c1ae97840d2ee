/** For `npm run db:generate`; drizzle-kit itself lives in tools/, since only a schema change needs it. */
export default {
  dialect: "postgresql",
  schema: "./app/database/schema.ts",
  out: "./drizzle",
  casing: "snake_case",
};
