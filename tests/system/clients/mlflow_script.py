"""MLflow's own scoring client, on the default model (a table with strings and gaps). Run: ADDRESS TOKEN.

The client cannot send a token: the stack it is pointed at serves this model to everyone.
"""

import sys

import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

ADDRESS, _TOKEN = sys.argv[1:]
FRAME = pd.DataFrame(
    {
        "sex": ["male", "female"],
        "age_group": ["40 to 59", "under 40"],
        "bmi": [29.5, 21.0],
        "blood_pressure": [None, 80.0],
        "glucose": [98.0, 81.0],
    }
)
client = ScoringServerClient(*ADDRESS.split(":"))
client.ping()
client.wait_server_ready(timeout=10)
assert client.get_version()
labels = client.invoke(FRAME).get_predictions()
assert set(labels[0]) <= {"fast", "slow"}, labels
by_index = client.invoke(FRAME.set_index(pd.Index(["first", "second"])))
assert by_index.get_predictions().equals(labels), by_index
records = client.invoke(FRAME.fillna(80.0).to_dict(orient="records"))
assert len(records.get_predictions()) == len(FRAME), records
shares = client.invoke(FRAME, params={"predict_method": "predict_proba"}).get_predictions()
assert shares.shape == (2, 2), shares
assert ((shares.sum(axis=1) - 1).abs() < 1e-9).all()
try:
    client.invoke(FRAME.drop(columns="sex"))
except Exception as error:  # the client raises nothing more exact
    assert "400" in str(error), error
    assert "sex" in str(error), error
else:
    raise AssertionError("a row without a required column was answered")
print("fine")
