import { statfs } from "node:fs/promises";

/**
 * File systems on which "written" does not mean "kept", by their magic number (statfs(2), linux/magic.h).
 * They forget with the machine or the container, or promise an fsync that somebody else has to keep.
 */
const forgetful: ReadonlyMap<number, string> = new Map([
  [0x01021994, "tmpfs, which is memory"],
  [0x858458f6, "ramfs, which is memory"],
  [0x794c7630, "overlay, which goes with the container"],
  [0x6969, "NFS, a network file system"],
  [0xff534d42, "CIFS, a network file system"],
  [0xfe534d42, "SMB, a network file system"],
  [0x517b, "SMB, a network file system"],
  [0x01021997, "9p, a network file system"],
]);

/** The words for a file system that must not hold a journal; null where it may. */
export async function forgetfulFileSystem(directory: string): Promise<string | null> {
  const { type } = await statfs(directory);
  // Node gives the number with its sign.
  return forgetful.get(type >>> 0) ?? null;
}
