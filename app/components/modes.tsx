import { useFetcher } from "@remix-run/react";
import { Badge, Banner, BlockStack, Box, Button, Modal, Text } from "@shopify/polaris";
import { useEffect, useState } from "react";
import { modes, type Mode, type Modes, type ModeSwitch } from "../settings/modes.ts";
import { useFormat, useNow, useWords } from "./localisation.tsx";
import { toast } from "./toast.ts";

export interface ModeAnswer {
  /** `kept`: on the server, waiting for the database. */
  readonly kind: "saved" | "kept" | "failed";
}

interface ModesProps {
  readonly modes: Modes;
  /** Who is looking. */
  readonly viewer: string;
}

/** Says on every page what somebody has forced upon the app. */
export function ModeBanners({ modes: switches, viewer }: ModesProps) {
  const words = useWords();
  const said = useSwitchWords(viewer);
  const { modes: says } = words.resilience;
  const on = modes.filter((mode) => switches[mode]?.on);
  if (on.length === 0) return null;
  return (
    <Box padding="400" paddingBlockEnd="0">
      <BlockStack gap="300">
        {on.map((mode) => (
          <Banner
            key={mode}
            tone="warning"
            title={says[mode].banner}
            action={{ content: says.manage, url: "/app/resilience#by-hand" }}
          >
            <p>
              {said(switches[mode])}. {says[mode].what}
            </p>
          </Banner>
        ))}
      </BlockStack>
    </Box>
  );
}

/** The switches themselves. */
export function ModeSwitches({ modes: switches, viewer }: ModesProps) {
  const words = useWords();
  const { modes: says } = words.resilience;
  const said = useSwitchWords(viewer);
  const fetcher = useFetcher<ModeAnswer>();
  const [asking, setAsking] = useState<Mode | null>(null);
  const busy = fetcher.state !== "idle";
  const { data } = fetcher;
  useEffect(() => {
    if (data) toast(says.said[data.kind], { isError: data.kind === "failed" });
  }, [data, says]);

  const turn = (mode: Mode, on: boolean) => {
    setAsking(null);
    if (busy) return;
    fetcher.submit(JSON.stringify({ mode, on }), {
      method: "post",
      action: "/app/resilience",
      encType: "application/json",
    });
  };
  return (
    <>
      <ul className="ek-list ek-divided">
        {modes.map((mode) => {
          const current = switches[mode];
          const on = current?.on === true;
          return (
            <li className="ek-row" key={mode}>
              <BlockStack>
                <Text as="span" fontWeight="medium">
                  {says[mode].name}{" "}
                  <Badge {...(on ? { tone: "warning" } : {})}>{says.is[on ? "on" : "off"]}</Badge>
                </Text>
                <Text as="span" tone="subdued">
                  {says[mode].what}
                </Text>
                {current && (
                  <Text as="span" tone="subdued" variant="bodySm">
                    {said(current)}
                  </Text>
                )}
              </BlockStack>
              <Button
                disabled={busy}
                accessibilityLabel={`${on ? says.off : says.on}: ${says[mode].name}`}
                onClick={() => (on ? turn(mode, false) : setAsking(mode))}
              >
                {on ? says.off : says.on}
              </Button>
            </li>
          );
        })}
      </ul>
      {asking && (
        <Modal
          open
          onClose={() => setAsking(null)}
          title={says[asking].ask}
          size="small"
          primaryAction={{ content: says.on, onAction: () => turn(asking, true) }}
          secondaryActions={[{ content: words.common.cancel, onAction: () => setAsking(null) }]}
        >
          <Modal.Section>
            <Text as="p">{says[asking].consequence}</Text>
          </Modal.Section>
        </Modal>
      )}
    </>
  );
}

/** When a mode was switched, and by whom. */
function useSwitchWords(viewer: string): (current: ModeSwitch | null) => string {
  const { modes: says } = useWords().resilience;
  const format = useFormat();
  const now = useNow();
  return (current) => {
    if (!current) return "";
    const by =
      current.by === null ? null : current.by === viewer ? says.you : says.person(current.by);
    return (current.on ? says.since : says.until)(format.moment(new Date(current.at), now), by);
  };
}
