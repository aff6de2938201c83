/* Fourier transforms in fp32 in portable C. */
#include "backends/cpu/kernels/fft_simd_portable.h"
#include "backends/cpu/kernels/levels_internal.h"

#define E_T float
#define E_V v_t
#define E_W V_WIDTH
#define E_FINISH 4
#define E_NARROW NULL
#define E(op) v_##op
#define E_NAME(f) OR_LEVEL(or_f32_##f)
#include "backends/cpu/kernels/fft_template.h"
