/* Fourier transforms in fp32 by AVX2. */
#include "backends/cpu/kernels/fft_simd_avx2.h"
#include "backends/cpu/kernels/levels_internal.h"

#define E_T float
#define E_V v_t
#define E_W V_WIDTH
#define E_FINISH 8
#define E_NARROW NULL
#define E(op) v_##op
#define E_NAME(f) OR_LEVEL(or_f32_##f)
#include "backends/cpu/kernels/fft_template.h"
