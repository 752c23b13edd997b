"""Takes a process its network and its power over other processes, for good, on Linux (seccomp(2)).

A file that takes over a decoder then finds no socket to call home with, no program or process to
start, and nobody whom it could send signals or set limits.
"""

import ctypes
import errno
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22
SECCOMP_MODE_FILTER = 2
ALLOW, REFUSE, UNKNOWN, KILL = (
    0x7FFF0000,
    0x00050000 | errno.EPERM,
    0x00050000 | errno.ENOSYS,
    0x80000000,
)
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
OFFSET_NUMBER, OFFSET_MACHINE = 0, 4
OFFSET_FIRST, OFFSET_SECOND = (
    16,
    24,
)  # the lower halves of the arguments; both machines are little endian here
X32_CALLS = 0x40000000  # a second set of numbers for the same calls
CLONE_THREAD = 0x10000
F_SETOWN, F_SETOWN_EX = 8, 15  # "send the signals of this file to that process"
# its flags lie in memory, where a filter cannot look; without it the C library takes `clone`
CLONE3 = 435

# Of both machines, in this order: io_uring (it can do what the others do), pidfd_open, pidfd_getfd,
# pidfd_send_signal.
_COMMON = (425, 426, 427, 434, 438, 424)
# What is refused by what it is called with: clone, prlimit64, fcntl.
_BY_ARGUMENT = {"x86_64": (56, 302, 72), "aarch64": (220, 261, 25)}
# audit's name for the machine, and the numbers of what is refused there.
_MACHINES: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (
        0xC000003E,
        (
            *(
                41,
                42,
                43,
                44,
                45,
                46,
                47,
                49,
                50,
                53,
                288,
                299,
                307,
            ),  # socket, connect … accept4, recvmmsg, sendmmsg
            *(57, 58, 59, 322),  # fork, vfork, execve, execveat
            *(62, 200, 234, 129, 297),  # kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo
            *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
            *(
                141,
                142,
                144,
                203,
                314,
                251,
                256,
                279,
            ),  # setpriority, sched_set…, ioprio_set, migrate_pages, move_pages
            *(155, 161, 165, 166, 272, 308),  # pivot_root, chroot, mount, umount2, unshare, setns
            *(
                175,
                313,
                246,
                248,
                249,
                250,
                298,
                321,
                323,
            ),  # modules, kexec, keys, perf, bpf, userfaultfd
            *_COMMON,
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(198, 203, 202, 206, 207, 211, 212, 200, 201, 199, 242, 243, 269),
            *(221, 281),
            *(129, 130, 131, 138, 240),
            *(117, 270, 271, 272),
            *(140, 118, 119, 122, 274, 30, 238, 239),
            *(41, 51, 40, 39, 97, 268),
            *(105, 273, 104, 217, 218, 219, 241, 280, 282),
            *_COMMON,
        ),
    ),
}


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def enter_sandbox() -> bool:
    """Refuse this process and all its threads sockets, other processes, and signals and limits for
    them.

    To be called before it has threads. False where the system cannot do that.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or sys.maxsize < 2**32:
        return False
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            return False
        instructions = _filter(*machine, *_BY_ARGUMENT[platform.machine()])
        program = _Program(len(instructions) // 8, instructions)
        return not libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    except (OSError, AttributeError):
        return False


def _filter(machine: int, refused: tuple[int, ...], clone: int, prlimit: int, fcntl: int) -> bytes:
    """The program that the kernel runs at each system call (seccomp(2), "Filters")."""
    return b"".join(
        [
            _instruction(LOAD, OFFSET_MACHINE),
            _instruction(JUMP_IF_EQUAL, machine, if_true=1),
            _instruction(RETURN, KILL),
            _instruction(LOAD, OFFSET_NUMBER),
            *_answered(JUMP_IF_AT_LEAST, X32_CALLS, REFUSE),
            *(each for number in refused for each in _answered(JUMP_IF_EQUAL, number, REFUSE)),
            *_answered(JUMP_IF_EQUAL, CLONE3, UNKNOWN),
            *_by_argument(
                clone, OFFSET_FIRST, _answered(JUMP_IF_ANY_BIT, CLONE_THREAD, ALLOW), REFUSE
            ),
            *_by_argument(
                prlimit, OFFSET_FIRST, _answered(JUMP_IF_EQUAL, 0, ALLOW), REFUSE
            ),  # 0 is the process itself
            *_by_argument(
                fcntl,
                OFFSET_SECOND,
                [
                    *_answered(JUMP_IF_EQUAL, F_SETOWN, REFUSE),
                    *_answered(JUMP_IF_EQUAL, F_SETOWN_EX, REFUSE),
                ],
                ALLOW,
            ),
            _instruction(RETURN, ALLOW),
        ]
    )


def _by_argument(number: int, offset: int, checks: list[bytes], otherwise: int) -> list[bytes]:
    """The program part for the system call of this number: `checks` of the argument at `offset`,
    and what is answered where none applies.
    """
    inside = [_instruction(LOAD, offset), *checks, _instruction(RETURN, otherwise)]
    return [_instruction(JUMP_IF_EQUAL, number, if_false=len(inside)), *inside]


def _answered(jump: int, value: int, answer: int) -> list[bytes]:
    """`answer` where what was loaded compares so with `value`; where not, what follows decides."""
    return [_instruction(jump, value, if_false=1), _instruction(RETURN, answer)]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
