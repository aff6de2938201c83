#!/usr/bin/env python3
"""The peers in Python: NumPy, Debian's OpenBLAS by ctypes; networks by peer_network.py. Speaks what worker.h says.

    peer.py numpy|openblas|onnxruntime|onnxruntime-tuned|openvino|llamacpp THREADS
"""
import ctypes
import sys
import time

import numpy as np

import peer_network
from peer_network import fill

ALPHA = 0.5
ROWS, PLAIN = 101, 111  # CblasRowMajor, CblasNoTrans


def numpy_fft(size, dtype):
    """The result as real numbers, as the other workers see it."""
    x = fill((2 * size,), 0, dtype).view(np.complex64 if dtype is np.float32 else np.complex128)
    out = np.zeros_like(x)
    return lambda: np.fft.fft(x, out=out), [out.view(dtype)]


def numpy_op(name, size, dtype):
    """The function of one run, and the arrays that must live as long, the result first."""
    if name == "fft":
        return numpy_fft(size, dtype)
    shape = (size, size) if name == "matmul" else (size,)
    x, y, out = fill(shape, 0, dtype), fill(shape, 1, dtype), np.zeros(shape, dtype)
    alpha = dtype(ALPHA)

    def scaled(scale, add):
        np.multiply(scale, alpha, out=out)
        np.add(out, add, out=out)

    result = np.zeros(1, dtype)
    return {
        "matmul": (lambda: np.matmul(x, y, out=out), [out]),
        "copy": (lambda: np.copyto(out, x), [out]),
        "triad": (lambda: scaled(y, x), [out]),
        "axpy": (lambda: scaled(x, y), [out]),
        "dot": (lambda: result.__setitem__(0, np.dot(x, y)), [result]),
        "read": (lambda: result.__setitem__(0, np.sum(x)), [result]),
    }[name]


def openblas_op(name, size, dtype):
    blas = ctypes.CDLL("libopenblas.so.0")
    letter, real = ("s", ctypes.c_float) if dtype is np.float32 else ("d", ctypes.c_double)
    shape = (size, size) if name == "matmul" else (size,)
    x, y, out = fill(shape, 0, dtype), fill(shape, 1, dtype), np.zeros(shape, dtype)
    xp, yp, outp = (ctypes.c_void_p(array.ctypes.data) for array in (x, y, out))
    call = {"matmul": "gemm", "copy": "copy", "axpy": "axpy", "dot": "dot"}[name]
    function = getattr(blas, f"cblas_{letter}{call}")
    function.restype = real if name == "dot" else None
    n = ctypes.c_int(size)
    result = np.zeros(1, dtype)
    if name == "matmul":
        one, zero = real(1), real(0)
        return lambda: function(ROWS, PLAIN, PLAIN, n, n, n, one, xp, n, yp, n, zero, outp, n), [out, x, y]
    if name == "copy":
        return lambda: function(n, xp, 1, outp, 1), [out, x]
    if name == "axpy":  # in place, as BLAS has it: the first run's answer is compared, later ones add on
        return lambda: function(n, real(ALPHA), xp, 1, yp, 1), [y, x]
    return lambda: result.__setitem__(0, function(n, xp, 1, yp, 1)), [result, x, y]


def prepare(kind, words, threads):
    if kind in peer_network.KINDS:
        return peer_network.prepare(kind, words, threads)
    maker = {"numpy": numpy_op, "openblas": openblas_op}[kind]
    if words[0] != "op":
        raise ValueError("only op NAME DTYPE SIZE")
    return maker(words[1], int(words[3]), {"fp32": np.float32, "fp64": np.float64}[words[2]])


def version(kind):
    if kind in peer_network.KINDS:
        return peer_network.version(kind)
    if kind == "numpy":
        return f"NumPy {np.__version__}"
    blas = ctypes.CDLL("libopenblas.so.0")
    blas.openblas_get_config.restype = ctypes.c_char_p
    return blas.openblas_get_config().decode()


def main(kind, threads):
    run = arrays = None
    print("ok", version(kind), flush=True)
    for line in sys.stdin:
        words = line.split()
        try:
            if words[0] == "run":
                run()
                count, start = int(words[1]), time.perf_counter()
                for _ in range(count):
                    run()
                answer = (time.perf_counter() - start) / count
            else:
                run, arrays = None, None
                run, arrays = prepare(kind, words, threads)
                run()
                answer = float(np.sum(np.abs(arrays[0]), dtype=np.float64))
            print(f"ok {answer:.9e}", flush=True)
        except Exception as problem:  # told to run.py, which leaves the peer out
            print("error", str(problem).replace("\n", " "), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
