#!/usr/bin/env bash
# tritonclient 2.73.0: infer() writes Inference-Header-Content-Length into the dictionary of headers that its caller passed.
#
# Guess: headers={"authorization": ...} is read. The same dictionary can be used for the next call, of this or another client.
# Seen:  after infer() with a binary tensor the caller's dictionary has one more key, the length of that request's JSON. The
#        next infer(), whose tensor goes as JSON, sends it along: its body is JSON alone and the header names another length,
#        so a server cuts the JSON in two or looks for bytes that are not there.
# So:    pass a copy of the headers to every call. A server does well to name the header when the JSON before it is cut.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "tritonclient[http]==2.73.0" numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import tritonclient.http as triton

NAME = "Inference-Header-Content-Length"
seen = []


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        seen.append((self.headers.get(NAME), len(body)))
        answer = json.dumps({"model_name": "m", "outputs": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = triton.InferenceServerClient(f"127.0.0.1:{server.server_port}")
headers = {"authorization": "Bearer abc"}
for binary in (True, False):
    tensor = triton.InferInput("x", [1, 2], "FP64")
    tensor.set_data_from_numpy(np.ones((1, 2)), binary_data=binary)
    output = triton.InferRequestedOutput("y", binary_data=False)
    client.infer("m", [tensor], outputs=[output], headers=headers)
    print("binary" if binary else "JSON", "request sent", NAME, "and bytes:", seen[-1], "- caller's headers now:", sorted(headers))
(first, first_bytes), (second, second_bytes) = seen
assert NAME in headers
assert int(first) == first_bytes - 16  # the two doubles follow the JSON
assert second == first and int(second) != second_bytes
server.shutdown()
PYTHON
