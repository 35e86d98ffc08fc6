// The types that openapi-typescript generates, used by openapi-fetch: address and token are the arguments.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./openapi-typescript/types.js";

const [address, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });
const body = { instances: [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]] };

const answer = await client.POST("/v1/models/iris:predict", { body });
assert(answer.data && "predictions" in answer.data);
assert.deepEqual(answer.data.predictions, [0, 2]);

const metadata = await client.GET("/v2/models/iris");
assert.equal(metadata.data?.name, "iris");
assert.equal(metadata.data.inputs[0]?.datatype, "FP64");

const refused = await client.POST("/v1/models/iris/versions/{version}:predict", {
  params: { path: { version: 77 } },
  body,
});
assert.equal(refused.response.status, 404);
assert.equal(refused.error?.code, "version_not_found");

// @ts-expect-error a row is no text
await client.POST("/v1/models/iris:predict", { body: { instances: ["a"] } });

console.log("fine");
