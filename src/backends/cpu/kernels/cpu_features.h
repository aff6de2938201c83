/* What the processor and the operating system allow, as a set of bits. */
#ifndef OR_BACKENDS_CPU_KERNELS_CPU_FEATURES_H
#define OR_BACKENDS_CPU_KERNELS_CPU_FEATURES_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t or_cpu_features_t;

enum {
  OR_CPU_AVX2 = 1u << 0,
  OR_CPU_FMA = 1u << 1,
  OR_CPU_F16C = 1u << 2,
  OR_CPU_AVX512F = 1u << 3,
  OR_CPU_AVX512BW = 1u << 4,
  OR_CPU_AVX512DQ = 1u << 5,
  OR_CPU_AVX512VL = 1u << 6,
  OR_CPU_AVX512VNNI = 1u << 7,
  OR_CPU_AVX512BF16 = 1u << 8,
  OR_CPU_AVX512FP16 = 1u << 9,
  OR_CPU_AMX_TILE = 1u << 10,
  OR_CPU_AMX_BF16 = 1u << 11,
  OR_CPU_AMX_INT8 = 1u << 12,
  OR_CPU_NEON = 1u << 13,
};

enum { OR_CPU_FEATURE_COUNT = 14 };

/* Asks the processor (cpuid), the operating system's register saving (xgetbv) and, for AMX on Linux, its permission
 * (arch_prctl, which holds for the whole process and for the threads created after the call). The answer never changes
 * within a process: ask once, early, before other threads exist. From any thread. */
or_cpu_features_t or_cpu_features_detect(void);

/* The name of bit number `index` ("avx512_vnni"), in [0, OR_CPU_FEATURE_COUNT); NULL beyond. Static storage. */
const char *or_cpu_feature_name(unsigned index);

#endif
