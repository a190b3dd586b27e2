"""The system calls that a sandboxed child may not make, as a filter for bubblewrap.

libseccomp is on every Debian and Ubuntu (apt needs it); it is called through ctypes.
"""

import ctypes
import ctypes.util
import errno
import os

from commons.errors import Unavailable

_ALLOW = 0x7FFF0000  # SCMP_ACT_ALLOW
_ERRNO = 0x00050000  # SCMP_ACT_ERRNO(0)
_MASKED_EQ = 7  # SCMP_CMP_MASKED_EQ
_CLONE_THREAD = 0x00010000

# A slicer and our own geometry start threads and read files. They never need these.
_FORBIDDEN = (
    "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp",
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "open_by_handle_at",
    "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr",
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "keyctl", "add_key", "request_key", "kexec_load", "init_module",
    "finit_module", "delete_module", "personality", "swapon", "swapoff", "reboot", "quotactl",
)  # fmt: skip


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp` of libseccomp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def write_filter(fd: int) -> None:
    """`fd` holds a seccomp program: no new processes, no mounts, no kernel back doors.

    Threads may start, processes may not: nothing that a child reads can make it run a
    command. Forbidden calls fail with EPERM; clone3 with ENOSYS, because its flags are out of
    a filter's sight and the C library then falls back to clone.

    Raises:
        Unavailable: libseccomp is missing, or refuses.
    """
    lib = _library()
    filter_ = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(_ALLOW)))
    try:
        done = [
            lib.seccomp_rule_add_array(filter_, _ERRNO | errno.EPERM, number, 0, None)
            for name in _FORBIDDEN
            if (number := lib.seccomp_syscall_resolve_name(name.encode())) >= 0
        ]
        clone3 = lib.seccomp_syscall_resolve_name(b"clone3")
        done.append(lib.seccomp_rule_add_array(filter_, _ERRNO | errno.ENOSYS, clone3, 0, None))
        new_process = _Comparison(arg=0, op=_MASKED_EQ, datum_a=_CLONE_THREAD, datum_b=0)
        clone = lib.seccomp_syscall_resolve_name(b"clone")
        done.append(
            lib.seccomp_rule_add_array(
                filter_, _ERRNO | errno.EPERM, clone, 1, ctypes.byref(new_process)
            )
        )
        done.append(lib.seccomp_export_bpf(filter_, fd))
    finally:
        lib.seccomp_release(filter_)
    if any(done):
        raise Unavailable(
            "libseccomp refuses the sandbox's filter: upgrade the package libseccomp2"
        )
    os.lseek(fd, 0, os.SEEK_SET)


def _library() -> ctypes.CDLL:
    try:
        lib = ctypes.CDLL("libseccomp.so.2")
    except OSError as missing:
        raise Unavailable(
            "slicing needs the system call filter libseccomp: install the package libseccomp2"
        ) from missing
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_void_p,
    )
    return lib
