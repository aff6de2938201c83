#ifndef OR_BACKENDS_CPU_KERNELS_GEMM_TERMS_F32_H
#define OR_BACKENDS_CPU_KERNELS_GEMM_TERMS_F32_H
/* gemm_strip_template.h's terms for fp32, from a simd_*.h. */
#define G_T float
#define G_V v_t
#define G_W V_WIDTH
#define G_STRIP strip_f32
#define G_ZERO v_zero
#define G_SET1 v_set1
#define G_LOAD v_load
#define G_LOAD_N v_load_n
#define G_STORE v_store
#define G_STORE_N v_store_n
#define G_ADD v_add
#define G_MUL v_mul
#define G_FMA v_fma
#define G_FMA_INTO V_FMA_INTO
#define G_MAX_B v_max_b
#define G_MIN_B v_min_b
#define G_REDUCE_ADD v_reduce_add

#endif
