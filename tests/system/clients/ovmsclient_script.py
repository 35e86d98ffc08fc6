"""OpenVINO's client for TensorFlow Serving's REST interface. Run in an environment of its own: ADDRESS TOKEN."""

import sys

import numpy as np
from ovmsclient import ModelNotFoundError, make_http_client

ADDRESS, TOKEN = sys.argv[1:]
ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])

client = make_http_client(ADDRESS)
client.session.headers["Authorization"] = f"Bearer {TOKEN}"
status = client.get_model_status("iris", model_version=1)
assert status[1]["state"] == "AVAILABLE", status
for name in ("input", "inputs"):  # the name of all protocols, and that of the first release
    answer = client.predict({name: ROWS}, "iris", model_version=1)
    assert np.asarray(answer).ravel().tolist() == [0, 2], answer
try:
    client.predict({"inputs": ROWS}, "iris")  # asks for version 0, which no model has
except ModelNotFoundError as error:
    assert "versions begin at 1" in str(error), error
else:
    raise AssertionError("version 0 answered")
print("fine")
