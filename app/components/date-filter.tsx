import { BlockStack, TextField } from "@shopify/polaris";
import { useState } from "react";
import { calendarDay, endOfDay, startOfDay } from "../words/calendar.ts";
import { useFormat, useWords } from "./localisation.tsx";

interface DateFilterProps {
  /** The first instant that counts, null for no limit. */
  readonly after: Date | null;
  /** The first instant that no longer counts. */
  readonly before: Date | null;
  readonly onChange: (after: Date | null, before: Date | null) => void;
}

/** Two calendar days of the shop, both included. */
export function DateFilter({ after, before, onChange }: DateFilterProps) {
  const words = useWords();
  const { timeZone } = useFormat();
  const [from, setFrom] = useState(after ? calendarDay(after, timeZone) : "");
  const [until, setUntil] = useState(before ? lastDay(before, timeZone) : "");
  return (
    <BlockStack gap="200">
      <TextField
        label={words.orders.filters.from}
        type="date"
        value={from}
        {...(until ? { max: until } : {})}
        autoComplete="off"
        onChange={(day) => {
          setFrom(day);
          const start = startOfDay(day, timeZone);
          // A day that is being typed is not one yet: the list waits for it.
          if (start || day === "") onChange(start, before);
        }}
      />
      <TextField
        label={words.orders.filters.until}
        type="date"
        value={until}
        {...(from ? { min: from } : {})}
        autoComplete="off"
        onChange={(day) => {
          setUntil(day);
          const end = endOfDay(day, timeZone);
          if (end || day === "") onChange(after, end);
        }}
      />
    </BlockStack>
  );
}

/** The last calendar day before an instant. */
export function lastDay(before: Date, timeZone: string): string {
  return calendarDay(new Date(before.getTime() - 1), timeZone);
}
