#ifndef OR_BACKENDS_CPU_RECURRENT_INTERNAL_H
#define OR_BACKENDS_CPU_RECURRENT_INTERNAL_H
/* RNN, GRU and LSTM in float32: the inputs of many steps are multiplied at once, then each step adds its own product
 * with the state and goes through the gates. A task is some of the sequences in one direction. */

#include "backends/cpu/program_internal.h"
#include "ops/recurrent.h"

/* A function of a gate: a kernel, or element by element. */
typedef struct or_cpu_recurrent_act_t {
  or_act_t act; /* NONE: `plain` */
  or_recurrent_activation_t plain;
} or_cpu_recurrent_act_t;

/* What a step multiplies by: rows of W or R, as columns of a packed matrix. GRU's new gate has a product of its own. */
enum { OR_CPU_RECURRENT_W, OR_CPU_RECURRENT_R, OR_CPU_RECURRENT_R_NEW, OR_CPU_RECURRENT_MATRICES };
typedef struct or_cpu_recurrent_matrix_t {
  size_t k, columns, first; /* `first`: row of W or R */
  size_t at, bytes;         /* in what is packed of W or R for one direction */
} or_cpu_recurrent_matrix_t;

/* Products of a task with that many sequences. */
typedef struct or_cpu_recurrent_size_t {
  size_t rows;
  size_t chunk;                                   /* steps whose inputs are multiplied at once */
  or_gemm_plan_t input, last;                     /* of a whole chunk, and of the last one */
  or_gemm_plan_t step[OR_CPU_RECURRENT_MATRICES]; /* but for W */
} or_cpu_recurrent_size_t;

typedef struct or_cpu_recurrent_t {
  or_recurrent_t r;
  or_cpu_recurrent_act_t acts[2][OR_RECURRENT_FUNCTIONS];
  size_t steps, batch, input, hidden, columns; /* columns: of all gates */
  bool clipped;
  float clip;
  or_cpu_recurrent_matrix_t matrices[OR_CPU_RECURRENT_MATRICES];
  size_t w_bytes, r_bytes;          /* packed, of one direction */
  size_t slice, slices;             /* sequences of a task, and how many tasks a direction has */
  bool together;                    /* the team shares each product; else each thread has tasks of its own */
  bool small;                       /* not worth waking the team for */
  or_cpu_recurrent_size_t sizes[2]; /* of a whole slice and of the last one */
  /* A worker's memory, in bytes from its start. */
  size_t x_at, gates_at, h_at, c_at, part_at, workspace_at, scratch_at, scratch_bytes, worker_bytes;
} or_cpu_recurrent_t;

typedef struct or_cpu_recurrent_run_t {
  const or_cpu_recurrent_t *layer;
  const or_cpu_kernels_t *kernels;
  or_team_t *team; /* for the products of one task; NULL: each thread for itself */
  const or_cancel_t *cancel;
  const float *x, *peepholes, *initial_h, *initial_c; /* but for x NULL where left out */
  const int32_t *lengths;                             /* checked; NULL: all steps */
  const float *bias;                                  /* [directions][columns]; NULL: none */
  const float *late_bias;                             /* [directions][hidden], of linear_before_reset; NULL: none */
  float *y, *y_h, *y_c;                               /* NULL: left out */
  const char *w, *r;                                  /* packed */
  char *memory;                                       /* of all workers */
} or_cpu_recurrent_run_t;

/* Fills all but `r` from it. False where a size overflows. */
bool or_cpu_recurrent_plan(or_cpu_recurrent_t *layer, const or_cpu_device_t *device);
/* Packs W (or R) as it stands in the model, for all directions. */
void or_cpu_recurrent_pack(const or_cpu_recurrent_t *layer, const or_cpu_device_t *device, bool is_r, const float *from,
                           char *to);
/* Task `task` < directions * slices. Ends early, with nothing of worth, where cancel was asked for. */
void or_cpu_recurrent_task(const or_cpu_recurrent_run_t *run, size_t task, int thread);

#endif
