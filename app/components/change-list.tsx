import type { PendingChange } from "../commands/types.ts";
import { changeAddress } from "./change-badge.tsx";
import { ChangeSummary } from "./change-summary.tsx";

/** Changes with what they change, where they are, and what stands in their way. */
export function ChangeList({ changes }: { readonly changes: readonly PendingChange[] }) {
  return (
    <ul className="ek-list ek-divided">
      {changes.map((change) => (
        <li key={change.operationId}>
          <ChangeSummary change={change} address={changeAddress(change)} />
        </li>
      ))}
    </ul>
  );
}
