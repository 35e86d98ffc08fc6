// Loads the API description, with a token where one is needed, and shows it. The token is kept by this page alone and
// gone with it; it is sent with the description's request and with everything that is tried out.
"use strict";

const form = document.getElementById("access");
const field = document.getElementById("token");
const said = document.getElementById("said");
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

async function load() {
  credentials = headersFor(field.value.trim());
  let answer;
  try {
    answer = await fetch("/openapi.json", { headers: credentials });
  } catch {
    say("The service does not answer.", true);
    return;
  }
  if (answer.status === 401 || answer.status === 403) {
    const typed = field.value.trim() !== "";
    say(
      typed
        ? "This token or key may not read the description: it is not valid any more, or lacks the permission model:read."
        : "The description needs a token or an API key with the permission model:read. Paste it above and press Load; " +
          "`make token` prints one for the demo client.",
      true,
    );
    field.focus();
    return;
  }
  if (!answer.ok) {
    say(`The description could not be loaded (status ${answer.status}).`, true);
    return;
  }
  say("");
  SwaggerUIBundle({
    spec: await answer.json(),
    dom_id: "#description",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    requestInterceptor: withCredentials,
    validatorUrl: null,
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
load();
