/* Fourier transforms in fp64 by AVX-512. */
#include "backends/cpu/kernels/fft_simd_avx512.h"
#include "backends/cpu/kernels/levels_internal.h"

#define E_T double
#define E_V d_t
#define E_W D_WIDTH
#define E_FINISH 8
#define E_NARROW &or_f64_fft_avx2
#define E(op) d_##op
#define E_NAME(f) OR_LEVEL(or_f64_##f)
#include "backends/cpu/kernels/fft_template.h"
