"""Takes a process its network and its power over other processes, for good, on Linux (seccomp(2)).

A file that takes over a decoder then finds no socket to call home with, no program to start and nobody to send signals to.
"""

import ctypes
import errno
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22
SECCOMP_MODE_FILTER = 2
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
OFFSET_NUMBER, OFFSET_MACHINE = 0, 4
X32_CALLS = 0x40000000  # a second set of numbers for the same calls

# Of both machines, in this order: io_uring (it can do what the others do), pidfd_open, pidfd_getfd, pidfd_send_signal.
_COMMON = (425, 426, 427, 434, 438, 424)
# audit's name for the machine, and the numbers of what is refused there.
_MACHINES: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (
        0xC000003E,
        (
            *(41, 42, 43, 44, 45, 46, 47, 49, 50, 53, 288, 299, 307),  # socket, connect … accept4, recvmmsg, sendmmsg
            *(57, 58, 59, 322),  # fork, vfork, execve, execveat
            *(62, 200, 234, 101, 310, 311),  # kill, tkill, tgkill, ptrace, process_vm_readv, process_vm_writev
            *(155, 161, 165, 166, 272, 308),  # pivot_root, chroot, mount, umount2, unshare, setns
            *(175, 313, 246, 248, 249, 250, 298, 321, 323),  # modules, kexec, keys, perf, bpf, userfaultfd
            *_COMMON,
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(198, 203, 202, 206, 207, 211, 212, 200, 201, 199, 242, 243, 269),
            *(221, 281),
            *(129, 130, 131, 117, 270, 271),
            *(41, 51, 40, 39, 97, 268),
            *(105, 273, 104, 217, 218, 219, 241, 280, 282),
            *_COMMON,
        ),
    ),
}


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def seclude() -> bool:
    """Refuse this process and all its threads sockets, programs and signals to others; False where the system cannot do that."""
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or sys.maxsize < 2**32:
        return False
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            return False
        instructions = _filter(*machine)
        program = _Program(len(instructions) // 8, instructions)
        return not libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    except (OSError, AttributeError):
        return False


def _filter(machine: int, refused: tuple[int, ...]) -> bytes:
    """The program that the kernel runs at each system call (seccomp(2), "Filters")."""
    instructions = [
        _instruction(LOAD, OFFSET_MACHINE),
        _instruction(JUMP_IF_EQUAL, machine, if_true=1),
        _instruction(RETURN, KILL),
        _instruction(LOAD, OFFSET_NUMBER),
        _instruction(JUMP_IF_AT_LEAST, X32_CALLS, if_true=len(refused) + 1),
    ]
    # A jump passes over the comparisons that are left, and over what lets the call through.
    for left in range(len(refused), 0, -1):
        instructions.append(_instruction(JUMP_IF_EQUAL, refused[-left], if_true=left))
    instructions += [_instruction(RETURN, ALLOW), _instruction(RETURN, REFUSE)]
    return b"".join(instructions)


def _instruction(code: int, value: int, if_true: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, 0, value)
