import { randomBytes } from "node:crypto";

/** Who connects: the migrations, the app for one shop, the app across shops, or (sandbox only) the superuser. */
export type Role = "owner" | "app" | "system" | "superuser";

/** The database that the app uses. */
export const DATABASE = "evenkeel";

/** The names that the app's migrations grant to; only the superuser and the replicator are the sandbox's own. */
export const ROLE_NAMES = {
  owner: "evenkeel_owner",
  app: "evenkeel_app",
  system: "evenkeel_system",
  superuser: "postgres",
} as const satisfies Record<Role, string>;

export const REPLICATOR = "replicator";

/** A password for each role; made when the template is made, so that no machine shares them with another. */
export type Passwords = Readonly<Record<Role | "replicator", string>>;

export function newPasswords(): Passwords {
  const password = () => randomBytes(18).toString("base64url");
  return {
    owner: password(),
    app: password(),
    system: password(),
    superuser: password(),
    replicator: password(),
  };
}

/**
 * The roles, and the database that they share. None of the app's roles is a superuser or passes by
 * row-level security; the owner may create in its database, which is what trusted extensions need.
 */
export function rolesSql(passwords: Passwords): string[] {
  const login = "login nosuperuser nocreatedb nocreaterole nobypassrls noreplication";
  return [
    `create role ${ROLE_NAMES.owner} ${login} password '${passwords.owner}'`,
    `create role ${ROLE_NAMES.app} ${login} password '${passwords.app}'`,
    `create role ${ROLE_NAMES.system} ${login} password '${passwords.system}'`,
    `create role ${REPLICATOR} login nosuperuser replication password '${passwords.replicator}'`,
    ...databaseSql(DATABASE),
  ];
}

/** A database that belongs to the owner and that the app's other roles may enter. */
export function databaseSql(name: string, template = "template0"): string[] {
  return [
    `create database ${name} owner ${ROLE_NAMES.owner} template ${template}`,
    `revoke all on database ${name} from public`,
    `grant connect on database ${name} to ${ROLE_NAMES.app}, ${ROLE_NAMES.system}`,
  ];
}

/** A `postgresql://` address for `role`. */
export function roleUrl(
  role: Role,
  passwords: Passwords,
  at: { host: string; port: number; database?: string },
): string {
  const user = `${ROLE_NAMES[role]}:${passwords[role]}`;
  return `postgresql://${user}@${at.host}:${at.port}/${at.database ?? DATABASE}`;
}
