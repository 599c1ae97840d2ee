/** Tells a person at a terminal what is being done, one line per step, with its time. */
export interface Progress {
  /** Begins a step and ends the one before. */
  readonly step: (text: string) => void;
  /** Changes what is said about the step that is running. */
  readonly detail: (text: string) => void;
  /** Ends the last step. */
  readonly done: () => void;
}

export function createProgress(stream: NodeJS.WriteStream = process.stdout): Progress {
  let current: { text: string; startedMs: number } | null = null;
  const seconds = () => `${((performance.now() - (current?.startedMs ?? 0)) / 1000).toFixed(1)} s`;
  const rewrite = (line: string) => {
    stream.write(`\r\x1b[2K${line}`);
  };
  const end = () => {
    if (current === null) return;
    const line = `  ✓ ${current.text.padEnd(58)} ${seconds().padStart(7)}`;
    if (stream.isTTY) rewrite(`${line}\n`);
    else stream.write(`${line}\n`);
    current = null;
  };
  return {
    step(text) {
      end();
      current = { text, startedMs: performance.now() };
      if (stream.isTTY) rewrite(`  · ${text} …`);
    },
    detail(text) {
      if (current && stream.isTTY) rewrite(`  · ${current.text} … ${text}`);
      else if (current) stream.write(`    ${current.text}: ${text}\n`);
    },
    done: end,
  };
}
