import type postgres from "postgres";

/**
 * Fills a shop with orders made in SQL, fast enough for a hundred thousand of them: spread over 300 days, most
 * of them fulfilled, with names, addresses, SKUs and tracking numbers to search for. Deterministic.
 */
export async function insertManyOrders(
  owner: postgres.Sql,
  { shop, count, firstId = 1 }: { shop: string; count: number; firstId?: number },
): Promise<void> {
  await owner`
    insert into orders (
      shop, id, name, placed_at, updated_at, cancelled_at, closed_at, payment_status, fulfillment_status,
      currency, total, subtotal, total_tax, total_shipping, total_discounts, total_refunded,
      customer_id, customer_name, email, shipping_method, tags, source_name, units, units_to_fulfil,
      location_ids, search_text
    )
    select
      ${shop}, id, name, placed_at, placed_at + interval '1 hour',
      case when kind = 19 then placed_at + interval '30 minutes' end,
      case when kind < 14 then placed_at + interval '2 days' end,
      case when kind = 19 then 'voided' when kind = 18 then 'refunded' when kind = 17 then 'pending' else 'paid' end,
      case when kind < 16 then 'fulfilled' when kind = 16 then 'on_hold' else 'unfulfilled' end,
      'EUR', total, total, 0, 0, 0, 0,
      customer, customer_name, email, 'Standard',
      case when id % 50 = 0 then array['wholesale'] else '{}'::text[] end,
      'web', 3, case when kind < 16 then 0 else 3 end,
      case when kind < 16 then '{}'::bigint[] else array[1 + id % 3] end,
      translate(
        lower(concat_ws(' ', name, customer_name, email, 'MUG-' || id % 800, 'TEE-' || id % 311,
          'TRK' || lpad((id * 7919 % 1000000007)::text, 10, '0'))),
        'åäáéíöóü', 'aaaeioou')
    from (
      select id, '#' || (1000 + id) as name, id % 20 as kind,
        (date_trunc('second', timestamptz '2026-11-01') - interval '300 days' * (id::float8 / ${count}))::timestamptz(0) as placed_at,
        (10 + id * 37 % 29000 / 100.0)::numeric(18, 4) as total,
        (id * 31 % 9000) as customer,
        (array['Anna','Björn','Chloé','Dmitri','Émile','Fatima','Grace','Hiro','Ines','José'])[1 + (id * 31 % 9000) % 10]
          || ' ' ||
        (array['Müller','Smith','Dubois','Novak','Tanaka','O''Brien','Øster','García','Lee','Ångström'])[1 + (id * 31 % 9000) / 10 % 10]
          as customer_name,
        'customer' || (id * 31 % 9000) || '@example.com' as email
      from generate_series(${firstId}::bigint, ${firstId + count - 1}::bigint) id
    ) made`;
  await owner`vacuum analyze orders`;
}
