/* Vectors of 4 floats (v_*) and 2 doubles (d_*), by NEON on aarch64: the portable vectors, which the compiler turns
 * into NEON, with the instructions that it can't find by itself: fused multiply-add, rounding, widening, absolute
 * values. */
#ifndef OR_BACKENDS_CPU_KERNELS_SIMD_NEON_H
#define OR_BACKENDS_CPU_KERNELS_SIMD_NEON_H

#include <arm_neon.h>

#define OR_SIMD_BASE_ONLY
#include "backends/cpu/kernels/simd_portable.h"

#define OR_LEVEL(name) name##_neon

OR_INLINE v_t v_fma(v_t a, v_t b, v_t c) { return (v_t)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
OR_INLINE v_t v_fnma(v_t a, v_t b, v_t c) { return (v_t)vfmsq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
#define V_FMA_INTO(sum, x, y) ((sum) = v_fma((x), (y), (sum)))
/* a b - p where p is a b rounded: exact. */
OR_INLINE v_t v_product_error(v_t a, v_t b, v_t p) { return v_fma(a, b, -p); }
OR_INLINE v_t v_sqrt(v_t a) { return (v_t)vsqrtq_f32((float32x4_t)a); }
OR_INLINE v_t v_round(v_t a) { return (v_t)vrndnq_f32((float32x4_t)a); }
OR_INLINE vi_t v_to_int(v_t a) { return (vi_t)vcvtq_s32_f32((float32x4_t)a); }
OR_INLINE v_t v_from_int(vi_t a) { return (v_t)vcvtq_f32_s32((int32x4_t)a); }
OR_INLINE v_t h_load(const uint16_t *p) { return (v_t)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
OR_INLINE void h_store(uint16_t *p, v_t x) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)x))); }

OR_INLINE d_t d_fma(d_t a, d_t b, d_t c) { return (d_t)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#define D_FMA_INTO(sum, x, y) ((sum) = d_fma((x), (y), (sum)))
OR_INLINE d_t v_widen_low(v_t a) { return (d_t)vcvt_f64_f32(vget_low_f32((float32x4_t)a)); }
OR_INLINE d_t v_widen_high(v_t a) { return (d_t)vcvt_high_f64_f32((float32x4_t)a); }
OR_INLINE d_t v_widen_add(v_t a) { return v_widen_low(a) + v_widen_high(a); }

#endif
