import { useEffect, useId } from "react";
import { useWords } from "./localisation.tsx";

export interface SaveBarProps {
  /** Whether there is anything to save. */
  readonly open: boolean;
  readonly saving: boolean;
  readonly onSave: () => void;
  readonly onDiscard: () => void;
}

/** The admin's own bar for unsaved changes: it stays in sight, and asks before they are left behind. */
export function SaveBar({ open, saving, onSave, onDiscard }: SaveBarProps) {
  const words = useWords();
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const { shopify } = window;
    void shopify?.saveBar.show(id);
    return () => void shopify?.saveBar.hide(id);
  }, [id, open]);
  return (
    <ui-save-bar id={id}>
      <button variant="primary" onClick={onSave} {...(saving ? { loading: "" } : {})}>
        {words.common.save}
      </button>
      <button onClick={onDiscard} disabled={saving}>
        {words.common.discard}
      </button>
    </ui-save-bar>
  );
}
