import pytest

from model_store.request_errors import InvalidInput, PayloadTooLarge
from service.http.admin import feedback


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"feedback": 1}, {"feedback": [1]}, {"feedback": [{"request_id": 1, "truth": 1}]},
     {"feedback": [{"request_id": "a"}]}, {"feedback": [{"request_id": "a", "truth": [None]}]}],
)  # fmt: skip
def test_feedback_that_is_none_is_refused(document):
    with pytest.raises(InvalidInput):
        feedback.read(document)


def test_too_much_feedback_at_once_is_refused():
    with pytest.raises(PayloadTooLarge):
        feedback.read({"feedback": [{"request_id": "a", "truth": 1}] * 1001})


def test_the_truth_of_too_many_rows_at_once_is_refused_before_it_is_read():
    unreadable = {"truth": [1] * feedback.MOST_ROWS}
    with pytest.raises(PayloadTooLarge, match="rows"):
        feedback.read({"feedback": [unreadable, {"truth": [1]}]})
