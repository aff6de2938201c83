#ifndef OR_BACKENDS_CPU_KERNELS_GEMM_TERMS_F64_H
#define OR_BACKENDS_CPU_KERNELS_GEMM_TERMS_F64_H
/* gemm_strip_template.h's terms for fp64, from a simd_*.h. */
#define G_T double
#define G_V d_t
#define G_W D_WIDTH
#define G_STRIP strip_f64
#define G_ZERO d_zero
#define G_SET1 d_set1
#define G_LOAD d_load
#define G_LOAD_N d_load_n
#define G_STORE d_store
#define G_STORE_N d_store_n
#define G_ADD d_add
#define G_MUL d_mul
#define G_FMA d_fma
#define G_FMA_INTO D_FMA_INTO
#define G_MAX_B d_max_b
#define G_MIN_B d_min_b
#define G_REDUCE_ADD d_reduce_add

#endif
