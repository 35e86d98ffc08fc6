"""Which system calls are refused, and their numbers.

Calls that are not listed are allowed: what Python and its libraries call is different on each system, and a forgotten
call must not stop a model that does no harm. Landlock bounds files, so of the calls that take paths only those are here
that it does not know: modes, owners, times and attributes.
"""

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_THREAD = 0x10000
"""The flag of clone(2) with which it makes a thread."""
_TRUNCATING = 0o1000
_OPEN_MODE = 0o3
_TYPE_INTO_TERMINAL = 0x5412
_LOW = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Argument:
    """Whether an argument (counted from 0), as far as the mask goes, has a value."""

    argument: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that fails with an error: always, ``unless`` a test passes, or ``only_if`` one does."""

    call: str
    error: int = errno.EPERM
    unless: Argument | None = None
    only_if: Argument | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor's number of its architecture (``AUDIT_ARCH_…``), and those of its calls."""

    architecture: int
    numbers: Mapping[str, int]


_SOCKETS = "socket socketpair connect bind listen accept accept4"
_PROCESSES = "fork vfork execve execveat unshare setns"
_OTHERS = (
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_open pidfd_getfd "
    "pidfd_send_signal tkill rt_sigqueueinfo rt_tgsigqueueinfo setpriority ioprio_set sched_setscheduler "
    "sched_setparam sched_setattr sched_setaffinity migrate_pages move_pages setrlimit"
)
_SHARED_MEMORY_AND_QUEUES = (
    "shmget shmat shmctl msgget msgsnd msgrcv msgctl semget semop semctl semtimedop mq_open mq_unlink"
)
_KERNEL = (
    "bpf perf_event_open userfaultfd keyctl add_key request_key fanotify_init inotify_add_watch "
    "open_by_handle_at name_to_handle_at io_uring_setup io_uring_enter io_uring_register"
)
_FACTS_OF_FILES = (
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat setxattr lsetxattr "
    "fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat file_setattr truncate"
)
_ALWAYS = (_SOCKETS, _PROCESSES, _OTHERS, _SHARED_MEMORY_AND_QUEUES, _KERNEL, _FACTS_OF_FILES)


def refusals(own: int) -> Iterator[Refusal]:
    """Yield what is refused to the process with this number: it may signal itself, and make threads.

    Calls that take what is tested in memory, where a filter cannot look, seem not to exist, so that the C library falls
    back to the older one. A file may not be cut short while it is opened for reading: Landlock's first two versions
    allow that.
    """
    for group in _ALWAYS:
        yield from (Refusal(name) for name in group.split())
    yield from (Refusal(name, errno.ENOSYS) for name in ("clone3", "openat2"))
    yield Refusal("clone", unless=Argument(0, _THREAD, _THREAD))
    yield from (Refusal(name, unless=Argument(0, _LOW, own)) for name in ("kill", "tgkill"))
    yield Refusal("prlimit64", unless=Argument(2, 2**64 - 1, 0))
    yield Refusal("open", only_if=Argument(1, _TRUNCATING | _OPEN_MODE, _TRUNCATING))
    yield Refusal("openat", only_if=Argument(2, _TRUNCATING | _OPEN_MODE, _TRUNCATING))
    yield Refusal("ioctl", only_if=Argument(1, _LOW, _TYPE_INTO_TERMINAL))


_ON_X86_64: Final = (
    "open=2 ioctl=16 shmget=29 shmat=30 shmctl=31 socket=41 connect=42 accept=43 bind=49 listen=50 "
    "socketpair=53 clone=56 fork=57 vfork=58 execve=59 kill=62 semget=64 semop=65 semctl=66 msgget=68 "
    "msgsnd=69 msgrcv=70 msgctl=71 truncate=76 creat=85 chmod=90 fchmod=91 chown=92 fchown=93 lchown=94 "
    "ptrace=101 rt_sigqueueinfo=129 utime=132 setpriority=141 sched_setparam=142 sched_setscheduler=144 "
    "setrlimit=160 setxattr=188 lsetxattr=189 fsetxattr=190 removexattr=197 lremovexattr=198 "
    "fremovexattr=199 tkill=200 sched_setaffinity=203 semtimedop=220 tgkill=234 utimes=235 mq_open=240 "
    "mq_unlink=241 add_key=248 request_key=249 keyctl=250 ioprio_set=251 inotify_add_watch=254 "
    "migrate_pages=256 openat=257 fchownat=260 futimesat=261 fchmodat=268 unshare=272 move_pages=279 "
    "utimensat=280 accept4=288 rt_tgsigqueueinfo=297 perf_event_open=298 fanotify_init=300 prlimit64=302 "
    "name_to_handle_at=303 open_by_handle_at=304 setns=308 process_vm_readv=310 process_vm_writev=311 "
    "kcmp=312 sched_setattr=314 seccomp=317 bpf=321 execveat=322 userfaultfd=323 pidfd_send_signal=424 "
    "io_uring_setup=425 io_uring_enter=426 io_uring_register=427 pidfd_open=434 clone3=435 openat2=437 "
    "pidfd_getfd=438 process_madvise=440 process_mrelease=448 fchmodat2=452 setxattrat=463 removexattrat=466 "
    "file_setattr=469"
)
_ON_AARCH64: Final = (
    "setxattr=5 lsetxattr=6 fsetxattr=7 removexattr=14 lremovexattr=15 fremovexattr=16 inotify_add_watch=27 "
    "ioctl=29 ioprio_set=30 truncate=45 fchmod=52 fchmodat=53 fchownat=54 fchown=55 openat=56 utimensat=88 "
    "unshare=97 ptrace=117 sched_setparam=118 sched_setscheduler=119 sched_setaffinity=122 kill=129 "
    "tkill=130 tgkill=131 rt_sigqueueinfo=138 setpriority=140 setrlimit=164 mq_open=180 mq_unlink=181 "
    "msgget=186 msgctl=187 msgrcv=188 msgsnd=189 semget=190 semctl=191 semtimedop=192 semop=193 shmget=194 "
    "shmctl=195 shmat=196 socket=198 socketpair=199 bind=200 listen=201 accept=202 connect=203 add_key=217 "
    "request_key=218 keyctl=219 clone=220 execve=221 migrate_pages=238 move_pages=239 rt_tgsigqueueinfo=240 "
    "perf_event_open=241 accept4=242 prlimit64=261 fanotify_init=262 name_to_handle_at=264 "
    "open_by_handle_at=265 setns=268 process_vm_readv=270 process_vm_writev=271 kcmp=272 sched_setattr=274 "
    "seccomp=277 bpf=280 execveat=281 userfaultfd=282 pidfd_send_signal=424 io_uring_setup=425 "
    "io_uring_enter=426 io_uring_register=427 pidfd_open=434 clone3=435 openat2=437 pidfd_getfd=438 "
    "process_madvise=440 process_mrelease=448 fchmodat2=452 setxattrat=463 removexattrat=466 "
    "file_setattr=469"
)


def _numbers(table: str) -> Mapping[str, int]:
    return {name: int(number) for name, _, number in (entry.partition("=") for entry in table.split())}


MACHINES: Final = {
    "x86_64": Machine(0xC000003E, _numbers(_ON_X86_64)),
    "aarch64": Machine(0xC00000B7, _numbers(_ON_AARCH64)),
}
"""By what uname(2) calls them; numbers from the kernel's ``unistd_64.h`` and ``asm-generic/unistd.h``."""
