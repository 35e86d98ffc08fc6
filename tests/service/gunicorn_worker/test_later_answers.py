"""An answer that takes its time keeps nobody else waiting, and is sent as soon as it is made."""

import select
import signal
import time

from tests.service.gunicorn_worker.servers import eventually, request


def test_others_are_answered_while_one_waits(server):
    slow, quick = server.connect(), server.connect()
    slow.send(request("/later?3"))
    assert [quick.ask().status for _ in range(5)] == [200] * 5
    came, _, _ = select.select([slow.connection], [], [], 0)
    assert came == []
    assert slow.answer().status == 200


def test_a_connection_goes_on_after_an_answer_that_came_later(server):
    caller = server.connect()
    for _ in range(3):
        caller.send(request("/later?0.01"))
        assert caller.answer().status == 200
        assert caller.ask().status == 200


def test_what_came_together_with_a_request_waits_for_its_answer(server):
    caller = server.connect()
    caller.send(request("/later?0.2") + request("/count-me?"))
    assert [caller.answer().status, caller.answer().status] == [200, 200]


def test_a_caller_that_hangs_up_is_forgotten_and_costs_nothing(server):
    waiting, dropped = server.get("/put-off").json
    caller = server.connect()
    caller.send(request("/later?3600"))
    eventually(lambda: server.get("/put-off").json == [waiting + 1, dropped])
    caller.close()
    eventually(lambda: server.get("/put-off").json == [waiting, dropped + 1])


def test_a_worker_that_is_told_to_stop_sends_the_answers_that_are_still_being_made(serve):
    server = serve()
    waiting = server.connect()
    waiting.send(request("/later?1"))
    time.sleep(0.2)
    server.signal(signal.SIGTERM)
    answer = waiting.answer()
    assert (answer.status, answer.closes) == (200, True)
