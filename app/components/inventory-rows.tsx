import { BlockStack, Box, IndexTable, InlineStack, Link, Text } from "@shopify/polaris";
import type { ReactNode } from "react";
import type { InventoryLevel, InventoryRow, Location } from "../inventory/types.ts";
import { ChangeBadge } from "./change-badge.tsx";
import { useFormat, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { Picture } from "./picture.tsx";

/** Draws the editor of one level. */
export type RenderLevel = (row: InventoryRow, level: InventoryLevel) => ReactNode;

interface RowProps {
  readonly row: InventoryRow;
  readonly position: number;
  /** The locations that have a column each; null for one set of columns. */
  readonly columns: readonly Location[] | null;
  /** The location whose numbers the columns show; null for all together. */
  readonly location: Location | null;
  readonly renderLevel: RenderLevel;
}

/** A variant in a table on a wide screen. */
export function InventoryTableRow({ row, position, columns, location, renderLevel }: RowProps) {
  const words = useWords();
  return (
    <IndexTable.Row id={String(row.variantId)} position={position}>
      <IndexTable.Cell>
        <Identity row={row} />
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Sku row={row} />
      </IndexTable.Cell>
      {!row.tracked ? (
        <IndexTable.Cell colSpan={columns ? columns.length : 4}>
          <Text as="span" tone="subdued" alignment="end">
            {words.inventory.notTracked}
          </Text>
        </IndexTable.Cell>
      ) : columns ? (
        columns.map((column) => (
          <IndexTable.Cell key={column.id}>
            <LevelCell row={row} at={column} renderLevel={renderLevel} />
          </IndexTable.Cell>
        ))
      ) : (
        <Numbers row={row} location={location} renderLevel={renderLevel} />
      )}
    </IndexTable.Row>
  );
}

/** A variant in a list on a phone: each location on a line of its own. */
export function InventoryListRow({
  row,
  position,
  location,
  renderLevel,
}: Omit<RowProps, "columns">) {
  const words = useWords();
  const levels = location
    ? row.levels.filter(({ locationId }) => locationId === location.id)
    : row.levels;
  return (
    <IndexTable.Row id={String(row.variantId)} position={position}>
      <Box padding="300">
        <BlockStack gap="200">
          <Identity row={row} withSku />
          {!row.tracked ? (
            <Text as="span" tone="subdued">
              {words.inventory.notTracked}
            </Text>
          ) : levels.length === 0 ? (
            <Text as="span" tone="subdued">
              {location ? words.inventory.notStockedAt(location.name) : words.inventory.notStocked}
            </Text>
          ) : (
            levels.map((level) => (
              <div className="ek-level" key={level.locationId}>
                <BlockStack>
                  <Text as="span">
                    <Name>{level.location}</Name>
                  </Text>
                  <Movements level={level} />
                </BlockStack>
                {renderLevel(row, level)}
              </div>
            ))
          )}
        </BlockStack>
      </Box>
    </IndexTable.Row>
  );
}

function Identity({
  row,
  withSku = false,
}: {
  readonly row: InventoryRow;
  readonly withSku?: boolean;
}) {
  const words = useWords();
  return (
    <div className="ek-identity">
      <Picture url={row.imageUrl} />
      <BlockStack gap="050">
        <InlineStack gap="150" blockAlign="center">
          <Text as="span" fontWeight="medium">
            <Link url={`/app/products/${row.productId}`} monochrome removeUnderline>
              <span className="ek-two-lines">
                <bdi>{row.title}</bdi>
              </span>
            </Link>
          </Text>
          {row.pending && <ChangeBadge change={row.pending} />}
        </InlineStack>
        {row.variantTitle && (
          <Text as="span" tone="subdued">
            <Name>{row.variantTitle}</Name>
          </Text>
        )}
        {withSku && row.sku && (
          <Text as="span" tone="subdued" variant="bodySm">
            <Name>{words.order.sku(row.sku)}</Name>
          </Text>
        )}
      </BlockStack>
    </div>
  );
}

function Sku({ row }: { readonly row: InventoryRow }) {
  const words = useWords();
  return row.sku ? (
    <span className="ek-clip" style={{ maxWidth: "10rem" }} title={row.sku}>
      <bdi>{row.sku}</bdi>
    </span>
  ) : (
    <Text as="span" tone="subdued">
      {words.order.noSku}
    </Text>
  );
}

/** What is promised and what is coming, where there is any. */
function Movements({ level }: { readonly level: Pick<InventoryLevel, "committed" | "incoming"> }) {
  const words = useWords();
  const parts = [
    ...(level.committed === 0 ? [] : [words.inventory.committed(level.committed)]),
    ...(level.incoming === 0 ? [] : [words.inventory.incoming(level.incoming)]),
  ];
  if (parts.length === 0) return null;
  return (
    <Text as="span" tone="subdued" variant="bodySm">
      {parts.join(" · ")}
    </Text>
  );
}

function LevelCell({
  row,
  at,
  renderLevel,
}: {
  readonly row: InventoryRow;
  readonly at: Location;
  readonly renderLevel: RenderLevel;
}) {
  const words = useWords();
  const level = row.levels.find(({ locationId }) => locationId === at.id);
  if (!level) {
    return (
      <div className="ek-level-cell">
        <div className="ek-no-level">
          <Text as="span" tone="subdued">
            {words.inventory.notStocked}
          </Text>
        </div>
      </div>
    );
  }
  return (
    <div className="ek-level-cell">
      {renderLevel(row, level)}
      <Movements level={level} />
    </div>
  );
}

/** Available, committed, incoming and on hand, of one location or of all. */
function Numbers({
  row,
  location,
  renderLevel,
}: Pick<RowProps, "row" | "location" | "renderLevel">) {
  const words = useWords();
  const format = useFormat();
  const level = location && row.levels.find(({ locationId }) => locationId === location.id);
  if (location && !level) {
    return (
      <IndexTable.Cell colSpan={4}>
        <Text as="span" tone="subdued">
          <Name>{words.inventory.notStockedAt(location.name)}</Name>
        </Text>
      </IndexTable.Cell>
    );
  }
  const of = level ? [level] : row.levels;
  const sum = (pick: (level: InventoryLevel) => number) =>
    format.number(of.reduce((total, each) => total + pick(each), 0));
  const number = (text: string) => (
    <Text as="span" alignment="end" numeric>
      {text}
    </Text>
  );
  return (
    <>
      <IndexTable.Cell>
        {level ? (
          <div className="ek-level-cell">{renderLevel(row, level)}</div>
        ) : (
          number(format.number(row.available))
        )}
      </IndexTable.Cell>
      <IndexTable.Cell>{number(sum(({ committed }) => committed))}</IndexTable.Cell>
      <IndexTable.Cell>{number(sum(({ incoming }) => incoming))}</IndexTable.Cell>
      <IndexTable.Cell>{number(sum(({ onHand }) => onHand))}</IndexTable.Cell>
    </>
  );
}
