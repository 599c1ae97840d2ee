import { expect, test } from "vitest";
import { instanceAddress, nodesOf } from "../../../app/database/targets.ts";

const at = (host: string, more = {}) => ({
  url: `postgres://evenkeel_app:secret@${host}/evenkeel`,
  systemUrl: `postgres://evenkeel_system:other@${host}/evenkeel`,
  ...more,
});

test.each([
  ["shop.cluster-c7tj4example.eu-west-1.rds.amazonaws.com", "c7tj4example.eu-west-1"],
  ["shop.cluster-ro-c7tj4example.eu-west-1.rds.amazonaws.com", "c7tj4example.eu-west-1"],
  ["mine.cluster-custom-c7tj4example.us-east-1.rds.amazonaws.com", "c7tj4example.us-east-1"],
  ["shop-1.c7tj4example.eu-west-1.rds.amazonaws.com", "c7tj4example.eu-west-1"],
])("%s tells the hosts of its instances", (host, rest) => {
  expect(instanceAddress(at(host), "shop-2")).toEqual({
    id: `shop-2.${rest}.rds.amazonaws.com:5432`,
    host: `shop-2.${rest}.rds.amazonaws.com`,
    port: 5432,
  });
});

test("in China the domain is another", () => {
  const host = "shop.cluster-c7tj4example.rds.cn-north-1.amazonaws.com.cn:6432";
  expect(instanceAddress(at(host), "shop-2")).toMatchObject({
    host: "shop-2.c7tj4example.rds.cn-north-1.amazonaws.com.cn",
    port: 6432,
  });
});

test.each(["shop.proxy-c7tj4example.eu-west-1.rds.amazonaws.com", "db.example.com", "10.0.0.2"])(
  "%s does not tell them",
  (host) => {
    expect(instanceAddress(at(host), "shop-2")).toBeNull();
    const told = at(host, { instanceHost: "?.internal.example.com" });
    expect(instanceAddress(told, "shop-2")?.host).toBe("shop-2.internal.example.com");
  },
);

test("a password that is handed out takes the place of the address's, for each role its own", () => {
  const password = () => "fresh";
  const [node] = nodesOf(at("db.example.com", { password }));
  expect(node).toMatchObject({
    app: { user: "evenkeel_app", password },
    system: { user: "evenkeel_system", password: "other" },
  });
});

test("nodes that are named are not used where the endpoint is asked for", () => {
  const nodes = ["db-1.example.com:5433", "db-2.example.com"];
  expect(nodesOf(at("db.example.com", { nodes })).map(({ id }) => id)).toEqual([
    "db-1.example.com:5433",
    "db-2.example.com:5432",
  ]);
  const endpoint = { nodes, topology: "endpoint" };
  expect(nodesOf(at("db.example.com", endpoint)).map(({ id }) => id)).toEqual(["writer"]);
});
