#ifndef OR_BACKENDS_CPU_ATTENTION_INTERNAL_H
#define OR_BACKENDS_CPU_ATTENTION_INTERNAL_H
/* Attention on the CPU: a block of queries of one head meets the keys block by block, with a softmax that is carried on
 * from block to block (Milakov and Gimelshein 2018; Dao and others 2022), so that no matrix of all scores exists. */

#include "backends/cpu/program_internal.h"
#include "ops/attention.h"

/* Rows of a block of queries and of keys, at most. A tile of scores stays in the second-level cache. */
#define OR_CPU_ATTENTION_QUERIES 64u
#define OR_CPU_ATTENTION_KEYS 256u
#define OR_CPU_ATTENTION_KEYS_OF_ONE 1024u /* for a single query, where a tile is a row */

/* The plans of the two products of a block: of whole blocks and of the last ones. */
typedef struct or_cpu_attention_plan_t {
  size_t m, n;
  or_gemm_plan_t scores, mix;
} or_cpu_attention_plan_t;

/* What a thread needs, by offsets into its scratch. */
typedef struct or_cpu_attention_scratch_t {
  size_t scores, out, max, factor, sum, query, key, value, mask, gemm, workspace;
  size_t bytes; /* of one thread */
} or_cpu_attention_scratch_t;

/* A node, read; immutable. */
typedef struct or_cpu_attention_t {
  or_attention_t a;
  or_dtype_t dtype, mask_dtype; /* float32, float16, bfloat16; bool or `dtype`, OR_DTYPE_NONE: no mask */
  size_t m_block, n_block, q_blocks;
  size_t score_ld;
  or_cpu_caches_t caches;
  or_cpu_attention_scratch_t scratch;
} or_cpu_attention_t;

/* Keys and values that lie together; `first` is the position of the first. */
typedef struct or_cpu_attention_keys_t {
  const char *k, *v;
  or_attention_rows_t k_rows, v_rows;
  int64_t first, count;
} or_cpu_attention_keys_t;

/* One run. Read by all threads. */
typedef struct or_cpu_attention_run_t {
  const or_cpu_attention_t *shape;
  const or_cpu_kernels_t *kernels;
  const char *q, *mask;
  char *y;
  const int64_t *lengths; /* nonpad_kv_seqlen, or NULL */
  int64_t past, total;
  or_cpu_attention_keys_t keys[2];
  size_t keys_count;
  or_cpu_attention_plan_t plans[6];
  size_t plan_count;
  char *scratch;
} or_cpu_attention_run_t;

/* Sets blocks and scratch for `threads`. False where sizes overflow. */
bool or_cpu_attention_lay_out(or_cpu_attention_t *shape, const or_cpu_kernels_t *kernels, size_t threads);
/* Sets run->plans for run->keys. */
void or_cpu_attention_plan(or_cpu_attention_run_t *run);
/* Queries [block * m_block, …) of one head. */
void or_cpu_attention_block(const or_cpu_attention_run_t *run, int64_t batch, int64_t head, size_t block, int thread);

#endif
