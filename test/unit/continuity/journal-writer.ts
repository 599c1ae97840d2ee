import { Journal } from "../../../app/continuity/journal/journal.ts";

/** Appends without end and prints each id once it is acknowledged; somebody kills it. */
const journal = await Journal.open({
  directory: process.argv[2]!,
  secrets: ["secret"],
  anyFileSystem: true,
});
const worker = async (n: number) => {
  for (let i = 0; ; i++) {
    const id = `${n}-${i}`;
    await journal.append("write", "one.myshopify.com", id, Buffer.from(id));
    process.stdout.write(`${id}\n`);
  }
};
await Promise.all([0, 1, 2, 3].map(worker));
