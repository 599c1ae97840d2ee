import { useFetcher } from "@remix-run/react";
import {
  Banner,
  BlockStack,
  Checkbox,
  Modal,
  ProgressBar,
  Select,
  Text,
  TextField,
} from "@shopify/polaris";
import { useEffect, useRef, useState, type FormEvent } from "react";
import type { BulkAction, BulkAnswer, BulkProgress, BulkRequest } from "../commands/bulk.ts";
import { holdReasons, type HoldReason, type OrderSummary } from "../orders/types.ts";
import { useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { toast } from "./toast.ts";

export type BulkReply = ({ readonly kind: "bulk" } & BulkAnswer) | { readonly kind: "bulk-failed" };

export interface BulkOrders {
  /** Asks what is needed, then asks for it of the orders. */
  readonly open: (action: BulkAction) => void;
  /** The action that is being asked about. */
  readonly asking: BulkAction | null;
  readonly close: () => void;
  readonly send: (request: Omit<BulkRequest, "bulkId">) => void;
  readonly busy: boolean;
  /** What was left out the last time. */
  readonly answer: BulkReply | null;
}

/** What is asked for of many orders at once, and what became of the asking. */
export function useBulkOrders(onAccepted: () => void): BulkOrders {
  const { bulk } = useWords().orders;
  const fetcher = useFetcher<BulkReply>();
  const [asking, setAsking] = useState<BulkAction | null>(null);
  const asked = useRef<{ readonly id: string; readonly what: string } | null>(null);
  const accepted = useRef(onAccepted);
  useEffect(() => {
    accepted.current = onAccepted;
  });
  const busy = fetcher.state !== "idle";
  const { data } = fetcher;
  useEffect(() => {
    if (!data) return;
    if (data.kind === "bulk-failed") return toast(bulk.failed, { isError: true });
    asked.current = null;
    toast(bulk.accepted(data.accepted));
    if (data.accepted > 0) accepted.current();
  }, [data, bulk]);
  return {
    asking,
    open: setAsking,
    close: () => setAsking(null),
    busy,
    answer: busy ? null : (data ?? null),
    send(request) {
      setAsking(null);
      if (busy) return;
      const what = JSON.stringify(request);
      // The answer may have been lost after all was accepted: the same id finds it again.
      const bulkId = asked.current?.what === what ? asked.current.id : crypto.randomUUID();
      asked.current = { id: bulkId, what };
      fetcher.submit(JSON.stringify({ intent: "bulk", bulkId, ...request }), {
        method: "post",
        action: "/app/orders?index",
        encType: "application/json",
      });
    },
  };
}

/** Asks what a bulk action needs to know. */
export function BulkDialog({
  bulk,
  orders,
}: {
  readonly bulk: BulkOrders;
  readonly orders: readonly OrderSummary[];
}) {
  return bulk.asking ? <Dialog action={bulk.asking} bulk={bulk} orders={orders} /> : null;
}

function Dialog({
  action,
  bulk,
  orders,
}: {
  readonly action: BulkAction;
  readonly bulk: BulkOrders;
  readonly orders: readonly OrderSummary[];
}) {
  const words = useWords();
  const says = words.orders.bulk;
  const [notifyCustomer, setNotifyCustomer] = useState(true);
  const [tags, setTags] = useState("");
  const [reason, setReason] = useState<HoldReason>(holdReasons[0]);
  const [tried, setTried] = useState(false);
  const listed = tags
    .split(",")
    .map((tag) => tag.trim())
    .filter(Boolean);
  const missing = action === "tag" && listed.length === 0;
  const send = (event?: FormEvent) => {
    event?.preventDefault();
    setTried(true);
    if (missing) return;
    bulk.send({
      action,
      orderIds: orders.map(({ id }) => id),
      ...(action === "fulfil" ? { notifyCustomer } : {}),
      ...(action === "tag" ? { tags: listed } : {}),
      ...(action === "hold" ? { reason } : {}),
    });
  };
  return (
    <Modal
      open
      onClose={bulk.close}
      title={says.ask[action](orders.length)}
      size="small"
      primaryAction={{ content: says.action[action], onAction: () => send() }}
      secondaryActions={[{ content: words.common.cancel, onAction: bulk.close }]}
    >
      <Modal.Section>
        <form onSubmit={send} noValidate>
          <BlockStack gap="300">
            <Text as="p">{says.what[action]}</Text>
            {action === "fulfil" && (
              <Checkbox
                label={words.fulfil.notify}
                checked={notifyCustomer}
                onChange={setNotifyCustomer}
              />
            )}
            {action === "tag" && (
              <TextField
                label={says.tags}
                helpText={says.tagsHelp}
                value={tags}
                onChange={setTags}
                autoComplete="off"
                autoFocus
                {...(tried && missing ? { error: says.tagsMissing } : {})}
              />
            )}
            {action === "hold" && (
              <Select
                label={says.reason}
                options={holdReasons.map((value) => ({
                  value,
                  label: says.holdReason[value],
                }))}
                value={reason}
                onChange={(value) => setReason(value as HoldReason)}
              />
            )}
          </BlockStack>
        </form>
      </Modal.Section>
    </Modal>
  );
}

/** How far bulk actions are, and what the last one has left out. */
export function BulkNotices({
  bulk,
  progress,
}: {
  readonly bulk: BulkOrders;
  readonly progress: readonly BulkProgress[];
}) {
  const words = useWords();
  const says = words.orders.bulk;
  const { answer } = bulk;
  const [dismissed, setDismissed] = useState<BulkReply | null>(null);
  const leftOut = answer?.kind === "bulk" && answer !== dismissed ? answer.leftOut : [];
  if (progress.length === 0 && leftOut.length === 0) return null;
  return (
    <div className="ek-notices">
      <BlockStack gap="300">
        {leftOut.length > 0 && (
          <Banner
            tone="warning"
            title={says.leftOut(leftOut.length)}
            onDismiss={() => setDismissed(answer)}
          >
            <ul>
              {leftOut.map(({ order, message }) => (
                <li key={order}>
                  <Name>{`${order}: ${message}`}</Name>
                </li>
              ))}
            </ul>
          </Banner>
        )}
        {progress.map(({ bulkId, kind, total, settled, needYou }) => (
          <Banner
            key={bulkId}
            tone={needYou > 0 ? "warning" : settled === total ? "success" : "info"}
            {...(needYou > 0
              ? { action: { content: says.look, url: "/app/resilience?changes=needs-you" } }
              : {})}
          >
            <BlockStack gap="200">
              <Text as="p">
                {says.progress(
                  says.underWay[kind] ?? words.orders.resource.plural,
                  settled,
                  total,
                  needYou,
                )}
              </Text>
              {settled < total && (
                <ProgressBar size="small" progress={total === 0 ? 0 : (100 * settled) / total} />
              )}
            </BlockStack>
          </Banner>
        ))}
      </BlockStack>
    </div>
  );
}
