/* Fourier transforms in fp32 by AVX-512. */
#include "backends/cpu/kernels/fft_simd_avx512.h"
#include "backends/cpu/kernels/levels_internal.h"

#define E_T float
#define E_V v_t
#define E_W V_WIDTH
#define E_FINISH 16
#define E_NARROW &or_f32_fft_avx2
#define E(op) v_##op
#define E_NAME(f) OR_LEVEL(or_f32_##f)
#include "backends/cpu/kernels/fft_template.h"
