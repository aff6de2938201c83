#ifndef OR_OPS_DRAW_H
#define OR_OPS_DRAW_H
/* Random numbers by position: number i of a stream is a function of (key, stream, i) alone, so that any part of a
 * tensor may be drawn by itself, by any thread, in any order. The generator is Philox4x32-10 (J. Salmon, M. Moraes,
 * R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Only additions, products, quotients and
 * square roots of IEEE 754 doubles are used: of one seed every machine draws the same numbers.
 *
 * An operator that draws sets `draws_anew` in its row (or_draw_without_seed, where nothing else decides), calls
 * or_draw_begin once in its reference, then or_draw_uniform or or_draw_normal for blocks of its elements. */

#include "ops/op.h"

typedef struct or_draw_t {
  uint64_t key, stream; /* a seed is a key, of which stream 0 is drawn from */
} or_draw_t;

/* The stream of a node's attribute `seed` (an int, or a float: the bits of its value as a double), or a fresh one if it
 * has none. UNAVAILABLE: the system gives no random bytes. Any thread. */
or_status_t or_draw_begin(const or_op_call_t *call, or_draw_t *out);
/* A stream that was not given out before: its key was drawn from the system once for the process, and the streams are
 * counted. UNAVAILABLE as above. Any thread. */
or_status_t or_draw_fresh(or_draw_t *out);
/* For `or_op_t.draws_anew`: whether a node has no attribute `seed`. Pure. */
bool or_draw_without_seed(const or_node_t *node);

/* Numbers first .. first + count - 1 of a stream. Pure; any thread.
 * uniform: multiples of 2^-53 in [0, 1), all with the same probability.
 * normal: of mean 0 and deviation 1, each the quantile of a uniform number: between -8.3 and 8.3. */
void or_draw_uniform(const or_draw_t *draw, uint64_t first, size_t count, double *out);
void or_draw_normal(const or_draw_t *draw, uint64_t first, size_t count, double *out);

/* The parts. One block of the generator; and the quantile of the normal distribution at 0 < p < 1, to 1e-15 of its
 * value (M. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37,
 * 1988). */
void or_draw_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
double or_draw_normal_quantile(double p);

#endif
