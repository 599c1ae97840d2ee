import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;
const KEY_BYTES = 32;

/** What was encrypted with a key that nobody has given us, or was changed since. */
export class UndecryptableError extends Error {
  override readonly name = "UndecryptableError";
}

/**
 * Encrypts what is kept on a local disk: AES-256-GCM with a key derived for its purpose (HKDF-SHA-256), the
 * key's short id in front, so that keys can be rotated: the first encrypts, all of them decrypt.
 */
export class Encryption {
  readonly #keys: readonly { readonly id: Buffer; readonly key: KeyObject }[];

  /**
   * @param secrets - The current secret first, then those before it; any text of some length.
   * @param purpose - What it is used for; different purposes have nothing in common.
   */
  constructor(secrets: readonly string[], purpose: string) {
    if (secrets.length === 0) throw new TypeError("Encryption needs a secret.");
    this.#keys = secrets.map((secret) => {
      const key = Buffer.from(hkdfSync("sha256", secret, "evenkeel", purpose, KEY_BYTES));
      const id = createHash("sha256").update(key).digest().subarray(0, KEY_ID_BYTES);
      return { key: createSecretKey(key), id };
    });
  }

  /** @param context - Bound to the ciphertext without being in it: a record moved elsewhere does not decrypt. */
  encrypt(plain: Uint8Array, context = ""): Buffer {
    const { id, key } = this.#keys[0]!;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([id, nonce, cipher.getAuthTag(), body]);
  }

  /** @throws UndecryptableError when no key fits, or the record is not what it was. */
  decrypt(record: Uint8Array, context = ""): Buffer {
    const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
    const id = bytes.subarray(0, KEY_ID_BYTES);
    const nonce = bytes.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES);
    const tag = bytes.subarray(KEY_ID_BYTES + NONCE_BYTES, KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES);
    const body = bytes.subarray(KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES);
    const known = this.#keys.find((candidate) => candidate.id.equals(id));
    if (!known || tag.length !== TAG_BYTES) {
      throw new UndecryptableError("None of the configured keys can read this record.");
    }
    try {
      const decipher = createDecipheriv("aes-256-gcm", known.key, nonce)
        .setAAD(Buffer.from(context))
        .setAuthTag(tag);
      return Buffer.concat([decipher.update(body), decipher.final()]);
    } catch (cause) {
      throw new UndecryptableError("The record is not what was written.", { cause });
    }
  }
}
