// The client that hey-api generates, used: address and token are the arguments.
import assert from "node:assert/strict";
import { client } from "./hey-api/client.gen.js";
import { getV2ModelsModel, postV1ModelsModelPredict, postV1ModelsModelVersionsVersionPredict } from "./hey-api/sdk.gen.js";
import type { PredictInstances } from "./hey-api/types.gen.js";

const [address, token] = process.argv.slice(2);
client.setConfig({ baseUrl: address, auth: (way) => (way.scheme === "bearer" ? token : undefined) }); // no API key, too
const body: PredictInstances = { instances: [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]] };

const answer = await postV1ModelsModelPredict({ body });
assert(answer.data && "predictions" in answer.data);
assert.deepEqual(answer.data.predictions, [0, 2]);

const metadata = await getV2ModelsModel();
assert.equal(metadata.data?.name, "iris");
assert.equal(metadata.data.inputs[0]?.datatype, "FP64");

const refused = await postV1ModelsModelVersionsVersionPredict({ path: { version: 77 }, body });
assert.equal(refused.response?.status, 404);
assert.equal(refused.error?.code, "version_not_found");

console.log("fine");
