// Calls methods of dokploy-sdk one after the other and prints what came of each: {name: {is} or {error, status}}. A
// text "@name.field" in what a call is given stands for a field of an earlier answer.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, calls] = process.argv.slice(2);
const found = createRequire(folder + "/").resolve("dokploy-sdk");
const { Dokploy } = await import(pathToFileURL(found));
const sdk = new Dokploy({ serverURL: `${process.env.DOKPLOY_URL}/api`, apiKeyAuth: process.env.DOKPLOY_API_KEY });
const told = {};
const meant = (value) =>
  typeof value === "string" && value.startsWith("@")
    ? value.slice(1).split(".").reduce((at, key) => at[key], told)
    : value;
for (const [name, method, given] of JSON.parse(calls)) {
  const [router, own] = method.split(".");
  const input = given ? Object.fromEntries(Object.entries(given).map(([key, value]) => [key, meant(value)])) : undefined;
  try {
    told[name] = { is: await sdk[router][own](input) };
  } catch (error) {
    told[name] = { error: error.name, status: error.statusCode ?? null, text: String(error.cause ?? error.message) };
  }
}
console.log(JSON.stringify(told));
