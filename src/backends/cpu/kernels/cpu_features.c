#include "backends/cpu/kernels/cpu_features.h"

#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

#if defined(__x86_64__)

/* Register state that the operating system saves (XCR0): AVX needs 1 and 2, AVX-512 also 5 to 7, AMX 17 and 18. */
enum {
  STATE_AVX = 1u << 1 | 1u << 2,
  STATE_AVX512 = 1u << 5 | 1u << 6 | 1u << 7,
  STATE_AMX = 1u << 17 | 1u << 18,
};

static uint32_t saved_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  (void)high;
  return low;
}

/* Linux gives the 8 KiB of tile registers only to a process that asks (arch_prctl ARCH_REQ_XCOMP_PERM, feature 18). */
static bool permit_tiles(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
  return false;
#endif
}

static bool bit(uint32_t value, unsigned index) { return value >> index & 1; }

or_cpu_features_t or_cpu_features_detect(void) {
  uint32_t a, b, c, d, leaf7_b, leaf7_c, leaf7_d, leaf71_a = 0;
  or_cpu_features_t features = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27)) return 0; /* 27: the system uses xsave */
  const uint32_t state = saved_state();
  if ((state & STATE_AVX) != STATE_AVX || !bit(c, 28)) return 0;
  if (bit(c, 12)) features |= OR_CPU_FMA;
  if (bit(c, 29)) features |= OR_CPU_F16C;
  uint32_t subleaves;
  if (!__get_cpuid_count(7, 0, &subleaves, &leaf7_b, &leaf7_c, &leaf7_d)) return features;
  if (subleaves >= 1) __get_cpuid_count(7, 1, &leaf71_a, &b, &c, &d);
  if (bit(leaf7_b, 5)) features |= OR_CPU_AVX2;
  if ((state & STATE_AVX512) == STATE_AVX512 && bit(leaf7_b, 16)) {
    features |= OR_CPU_AVX512F;
    if (bit(leaf7_b, 17)) features |= OR_CPU_AVX512DQ;
    if (bit(leaf7_b, 30)) features |= OR_CPU_AVX512BW;
    if (bit(leaf7_b, 31)) features |= OR_CPU_AVX512VL;
    if (bit(leaf7_c, 11)) features |= OR_CPU_AVX512VNNI;
    if (bit(leaf7_d, 23)) features |= OR_CPU_AVX512FP16;
    if (bit(leaf71_a, 5)) features |= OR_CPU_AVX512BF16;
  }
  if ((state & STATE_AMX) == STATE_AMX && bit(leaf7_d, 24) && permit_tiles()) {
    features |= OR_CPU_AMX_TILE;
    if (bit(leaf7_d, 22)) features |= OR_CPU_AMX_BF16;
    if (bit(leaf7_d, 25)) features |= OR_CPU_AMX_INT8;
  }
  return features;
}

#elif defined(__aarch64__)

or_cpu_features_t or_cpu_features_detect(void) { return OR_CPU_NEON; } /* part of the architecture */

#else

or_cpu_features_t or_cpu_features_detect(void) { return 0; }

#endif

const char *or_cpu_feature_name(unsigned index) {
  static const char *const names[OR_CPU_FEATURE_COUNT] = {
      "avx2",        "fma",         "f16c",        "avx512f",  "avx512bw", "avx512dq", "avx512vl",
      "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "neon"};
  return index < OR_CPU_FEATURE_COUNT ? names[index] : NULL;
}
