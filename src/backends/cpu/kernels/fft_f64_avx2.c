/* Fourier transforms in fp64 by AVX2. */
#include "backends/cpu/kernels/fft_simd_avx2.h"
#include "backends/cpu/kernels/levels_internal.h"

#define E_T double
#define E_V d_t
#define E_W D_WIDTH
#define E_FINISH 4
#define E_NARROW NULL
#define E(op) d_##op
#define E_NAME(f) OR_LEVEL(or_f64_##f)
#include "backends/cpu/kernels/fft_template.h"
