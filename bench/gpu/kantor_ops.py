"""Single ops of Kantor through its C interface, native/include/kantor/kantor.h, for ops.py to time beside a rival's."""

import ctypes
import math
import struct

import numpy as np

F32 = 0  # the type's number, native/runtime/op.h
NONE = 0xFFFFFFFF
PRECISIONS = ("fp32", "tf32", "bf16")  # by their numbers in an instruction's flags


def numbers(dims):
    """What every operand of these dims holds: uniform in [-1, 1), a block of them over and over."""
    return np.resize(np.random.default_rng(1).uniform(-1, 1, 1 << 20).astype(np.float32), dims)


class Library:
    """libkantor.so, opened by its path."""

    def __init__(self, path):
        self.functions = ctypes.CDLL(path)
        self.functions.kt_error_message.restype = ctypes.c_char_p

    def call(self, name, *arguments):
        if getattr(self.functions, name)(*arguments):
            raise RuntimeError(f"{name}: {self.functions.kt_error_message().decode()}")

    def open(self, device):
        handle = ctypes.c_void_p()
        self.call("kt_device_open", device.encode(), 1, ctypes.byref(handle))
        return handle

    def close(self, device):
        self.call("kt_device_close", device)


class Program:
    """An op so many times over, on operands of a slot each: inputs of random numbers, one output.

    The bytes are those of native/runtime/program_format.h. Closes itself as a context.
    """

    def __init__(self, library, device, op, shapes, attributes, precision, repeats):
        self.library = library
        self.memories = [self._memory(device, dims) for dims in shapes]
        self.last = shapes[-1]
        operands = b"".join(
            struct.pack(f"<IIQI{len(dims)}q", slot, F32, 0, len(dims), *dims) for slot, dims in enumerate(shapes)
        )
        one = struct.pack("<H", len(op)) + op.encode()
        one += struct.pack("<IIII", PRECISIONS.index(precision) << 1, len(shapes) - 1, 1, len(attributes))
        one += operands + struct.pack(f"<{len(attributes)}q", *attributes)
        slots = b"".join(struct.pack("<IQ", F32, 4 * math.prod(dims)) for dims in shapes)
        text = b"KTPR" + struct.pack("<II", 1, len(shapes)) + slots
        text += struct.pack("<QII", 0, NONE, repeats) + one * repeats
        self.handle = ctypes.c_void_p()
        handles = (ctypes.c_void_p * len(shapes))(*self.memories)
        library.call("kt_program_create", device, text, ctypes.c_uint64(len(text)), handles,
                     ctypes.c_uint64(len(shapes)), ctypes.byref(self.handle))  # fmt: skip

    def _memory(self, device, dims):
        memory, size = ctypes.c_void_p(), 4 * math.prod(dims)
        self.library.call("kt_memory_allocate", device, ctypes.c_uint64(size), ctypes.byref(memory))
        values = numbers(dims)
        self.library.call("kt_memory_write", memory, ctypes.c_uint64(0), values.ctypes.data_as(ctypes.c_void_p),
                          ctypes.c_uint64(size))  # fmt: skip
        return memory

    def run(self, times):
        self.library.call("kt_program_run", self.handle, ctypes.c_int64(times), None)

    def result(self):
        """The output, as the last run left it."""
        values = np.empty(self.last, np.float32)
        self.library.call("kt_memory_read", self.memories[-1], ctypes.c_uint64(0),
                          values.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(values.nbytes))  # fmt: skip
        return values

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.library.call("kt_program_destroy", self.handle)
        for memory in self.memories:
            self.library.call("kt_memory_free", memory)
