"""However workers come and go, those that stay hold every slot once."""

import random
from types import SimpleNamespace

import pytest

from service.gunicorn_worker.slots import free_slot, keep_number, place


def server(number, **workers):
    """Give what is looked at of gunicorn's arbiter; setting its number calls the hook, as the arbiter's does."""

    class Server(SimpleNamespace):
        @property
        def num_workers(self):
            return self.number

        @num_workers.setter
        def num_workers(self, value):
            before, self.number = self.number, value
            keep_number(self, value, before)

    log = SimpleNamespace(said=[])
    log.warning = lambda *words: log.said.append(words[0] % words[1:])
    return Server(number=number, cfg=SimpleNamespace(workers=number), WORKERS=workers, log=log)


@pytest.mark.parametrize(
    ("workers", "wanted", "slot"),
    [
        ([], 3, 0),
        ([(1, 0)], 3, 1),
        ([(1, 0), (3, 2)], 3, 1),
        ([(2, 1), (3, 2)], 3, 0),
        ([(1, 0)], 1, 0),
    ],
)
def test_a_new_worker_gets_the_lowest_slot_that_is_free(workers, wanted, slot):
    assert free_slot(workers, wanted) == slot


def test_a_reload_gives_each_slot_to_the_successor_of_its_worker():
    workers = [(1, 0), (2, 2), (3, 1)]
    for age in (4, 5, 6):
        workers.append((age, free_slot(workers, 3)))
    assert workers[3:] == [(4, 0), (5, 2), (6, 1)]


def test_a_successor_that_dies_while_its_predecessor_ends_is_replaced_in_its_slot():
    assert free_slot([(1, 1), (3, 0)], 2) == 1


class Arbiter:
    """What gunicorn's master does with its workers: [age, slot, told to end]."""

    def __init__(self, number):
        self.number, self.age, self.workers = number, 0, []
        self.manage()

    def spawn(self, count):
        for _ in range(count):
            self.age += 1
            slot = free_slot([(age, slot) for age, slot, _ in self.workers], self.number)
            self.workers.append([self.age, slot, False])

    def manage(self):
        self.spawn(self.number - len(self.workers))
        for worker in sorted(self.workers)[: len(self.workers) - self.number]:
            worker[2] = True

    def reload(self):
        self.spawn(self.number)
        self.manage()

    def bury(self, worker):
        self.workers.remove(worker)
        self.manage()


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_workers_that_stay_hold_every_slot_once_whatever_happens(number):
    chance, arbiter, reloads = random.Random(number), Arbiter(number), 0
    for _ in range(3000):
        if chance.random() < 0.1:
            arbiter.reload()
            reloads += 1
        else:
            ending = [worker for worker in arbiter.workers if worker[2]]
            arbiter.bury(chance.choice(ending if ending and chance.random() < 0.6 else arbiter.workers))
        staying = sorted(slot for _, slot, told in arbiter.workers if not told)
        assert len(set(staying)) == len(staying)
        if len(staying) == len(arbiter.workers):
            assert staying == list(range(number))
    assert reloads > 200


def test_a_worker_is_told_where_it_listens_before_it_is_forked():
    worker = SimpleNamespace(age=3)
    place(server(3, a=SimpleNamespace(age=1, slot=0), b=SimpleNamespace(age=2, slot=2)), worker, "unix:/x/s.sock")
    assert (worker.slot, worker.listens_at) == (1, "unix:/x/s-1.sock")


def test_the_number_of_workers_stays_what_nginx_knows():
    arbiter = server(3)
    arbiter.num_workers += 1
    arbiter.num_workers -= 1
    assert arbiter.num_workers == 3
    assert arbiter.log.said == ["The number of workers stays 3: Nginx lists one address for each"] * 2
