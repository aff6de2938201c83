/* Fourier transforms in fp64 by NEON. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#include "backends/cpu/kernels/fft_simd_portable.h"

#define E_T double
#define E_V d_t
#define E_W D_WIDTH
#define E_FINISH 2
#define E_NARROW NULL
#define E(op) d_##op
#define E_NAME(f) OR_LEVEL(or_f64_##f)
#include "backends/cpu/kernels/fft_template.h"
