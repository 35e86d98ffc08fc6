// Loads the API description, of all routes or of one model, with a token where one is needed, and shows it. The token is
// kept by this page alone and gone with it; it is sent with the description's request and with everything that is tried
// out. ?model=NAME in the address shows a model at once.
"use strict";

const root = document.documentElement.dataset.root;
const form = document.getElementById("access");
const field = document.getElementById("token");
const chosen = document.getElementById("model");
const said = document.getElementById("said");
const description = document.getElementById("description");
let credentials = {};

// An access token is a JWT, three parts with points between; anything else is an API key.
function headersFor(typed) {
  if (!typed) return {};
  const token = typed.replace(/^Bearer\s+/i, "");
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? { Authorization: `Bearer ${token}` } : { "X-API-Key": token };
}

function say(text, refused = false) {
  said.textContent = text;
  said.className = refused ? "refused" : "";
}

function withCredentials(request) {
  for (const [name, value] of Object.entries(credentials)) {
    if (!request.headers[name]) request.headers[name] = value;
  }
  return request;
}

function get(path) {
  return fetch(root + path, { headers: credentials });
}

// Lists the models that the caller may see, and keeps the one that is shown.
async function listModels() {
  const answer = await get("/v1/models");
  const names = answer.ok ? (await answer.json()).models : [];
  const shown = chosen.value;
  chosen.replaceChildren(new Option("all routes", ""), ...names.map((name) => new Option(`model ${name}`, name)));
  if (shown && !names.includes(shown)) chosen.add(new Option(`model ${shown}`, shown));
  chosen.value = shown;
}

function explain(answer) {
  if (answer.status === 401 || answer.status === 403) {
    field.focus();
    return field.value.trim() !== ""
      ? "This token or key may not read the description: it is not valid any more, or lacks the permission model:read."
      : "The description needs a token or an API key with the permission model:read. Paste it above and press Load; " +
          "`make token` prints one for the demo client.";
  }
  if (answer.status === 404) return `There is no model ${chosen.value}, or the caller may not see it.`;
  return `The description could not be loaded (status ${answer.status}).`;
}

async function load() {
  credentials = headersFor(field.value.trim());
  let answer;
  try {
    answer = await get(chosen.value ? `/models/${encodeURIComponent(chosen.value)}/openapi.json` : "/openapi.json");
    await listModels();
  } catch {
    say("The service does not answer.", true);
    return;
  }
  description.replaceChildren();
  if (!answer.ok) {
    say(explain(answer), true);
    return;
  }
  say("");
  SwaggerUIBundle({
    spec: await answer.json(),
    domNode: description.appendChild(document.createElement("div")),
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    requestInterceptor: withCredentials,
    validatorUrl: null,
  });
}

function showModel() {
  const address = new URL(window.location);
  address.hash = "";
  if (chosen.value) address.searchParams.set("model", chosen.value);
  else address.searchParams.delete("model");
  window.history.replaceState(null, "", address);
  load();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
chosen.addEventListener("change", showModel);

const asked = new URL(window.location).searchParams.get("model");
if (asked) {
  chosen.add(new Option(`model ${asked}`, asked));
  chosen.value = asked;
}
load();
