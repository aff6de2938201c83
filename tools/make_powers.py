#!/usr/bin/env python3
"""Prints src/base/numbers_powers.c: the powers of ten that number scanning and writing multiply with."""

FIRST, LAST = -342, 324


def row(exponent: int) -> str:
    """The 128 leading bits of 10^exponent, rounded up: 2^127 <= row < 2^128."""
    if exponent >= 0:
        power = 10**exponent
        shift = power.bit_length() - 128
        bits = power << -shift if shift <= 0 else -(-power >> shift)
    else:
        power = 10**-exponent
        shift = power.bit_length() - 1 + 128
        bits = -(-(1 << shift) // power)
        if bits >= 1 << 128:
            bits = -(-(1 << (shift - 1)) // power)
    assert 1 << 127 <= bits < 1 << 128
    return f"{{0x{bits >> 64:016X}, 0x{bits & (1 << 64) - 1:016X}}},"


def main() -> None:
    rows = [row(exponent) for exponent in range(FIRST, LAST + 1)]
    print('#include "base/numbers_internal.h"\n')
    print("/* Made by tools/make_powers.py; numbers_powers_test.c computes every row again. */")
    print("const or_power_t or_powers[OR_POWER_LAST - OR_POWER_FIRST + 1] = {")
    for i in range(0, len(rows), 2):
        print("    " + " ".join(rows[i : i + 2]))
    print("};")


if __name__ == "__main__":
    main()
