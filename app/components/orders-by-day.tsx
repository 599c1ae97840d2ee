import { BlockStack, Box, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useState } from "react";
import type { OrdersOfDay } from "../overview/types.ts";
import { startOfDay } from "../words/calendar.ts";
import { useFormat, useWords } from "./localisation.tsx";

type DayCount = Pick<OrdersOfDay, "day" | "orders">;

const height = 100;
const barWidth = 30;
const gap = 10;

/** Orders per day as bars, with the same numbers as a table behind it. */
export function OrdersByDay({ days }: { readonly days: readonly DayCount[] }) {
  const words = useWords();
  const format = useFormat();
  const [asTable, setAsTable] = useState(false);
  const nameOf = ({ day }: DayCount) => {
    const start = startOfDay(day, format.timeZone);
    return start ? format.weekday(start) : day;
  };
  const total = days.reduce((sum, day) => sum + day.orders, 0);
  const busiest = days.reduce<DayCount>((most, day) => (day.orders > most.orders ? day : most), {
    day: "",
    orders: 0,
  });
  const { ordersByDay } = words.overview;
  const summary = ordersByDay.summary(total, busiest.day ? nameOf(busiest) : "", busiest.orders);
  const [first] = days;
  const last = days.at(-1);

  return (
    <Card>
      <BlockStack gap="300">
        <InlineStack align="space-between" blockAlign="center" gap="200">
          <Text as="h2" variant="headingSm">
            {ordersByDay.title}
          </Text>
          {total > 0 && (
            <Button variant="plain" onClick={() => setAsTable(!asTable)} ariaExpanded={asTable}>
              {asTable ? words.common.showChart : words.common.showTable}
            </Button>
          )}
        </InlineStack>
        <Text as="p" tone="subdued">
          {summary}
        </Text>
        {total === 0 ? null : asTable ? (
          <table className="ek-table">
            <thead>
              <tr>
                <th scope="col">{ordersByDay.day}</th>
                <th scope="col">{ordersByDay.orders}</th>
              </tr>
            </thead>
            <tbody>
              {days.map((day) => (
                <tr key={day.day}>
                  <th scope="row">{nameOf(day)}</th>
                  <td>{format.number(day.orders)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        ) : (
          <Box>
            <svg
              className="ek-chart"
              viewBox={`0 0 ${days.length * (barWidth + gap) - gap} ${height}`}
              preserveAspectRatio="none"
              role="img"
              aria-label={summary}
            >
              {days.map((day, index) => {
                const size =
                  day.orders === 0 ? 0 : Math.max(2, (day.orders / busiest.orders) * (height - 2));
                return (
                  <g key={day.day}>
                    <rect
                      className="ek-day"
                      x={index * (barWidth + gap)}
                      y={0}
                      width={barWidth}
                      height={height}
                    />
                    <rect
                      className={index === days.length - 1 ? "ek-bar ek-today" : "ek-bar"}
                      x={index * (barWidth + gap)}
                      y={height - size}
                      width={barWidth}
                      height={size}
                    />
                    <title>{`${nameOf(day)}: ${words.count.orders(day.orders)}`}</title>
                  </g>
                );
              })}
            </svg>
            <div className="ek-chart-days" aria-hidden="true">
              <Text as="span" variant="bodySm">
                {first ? nameOf(first) : ""}
              </Text>
              <Text as="span" variant="bodySm">
                {last ? nameOf(last) : ""}
              </Text>
            </div>
          </Box>
        )}
      </BlockStack>
    </Card>
  );
}
