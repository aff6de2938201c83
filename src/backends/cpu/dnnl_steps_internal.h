#ifndef OR_BACKENDS_CPU_DNNL_STEPS_INTERNAL_H
#define OR_BACKENDS_CPU_DNNL_STEPS_INTERNAL_H
/* Steps that call oneDNN, and values in its layouts. */

#include "backends/cpu/program_internal.h"

/* What a step gives the op: a slot, or memory that is the same in every run. */
typedef struct or_cpu_dnnl_operands_t {
  or_slot_id_t slots[OR_DNNL_ROLES]; /* OR_NO_SLOT: none, or fixed */
  void *fixed[OR_DNNL_ROLES];
  bool alone; /* as or_cpu_dnnl_alone said when the op was made */
} or_cpu_dnnl_operands_t;
void or_cpu_dnnl_operands_init(or_cpu_dnnl_operands_t *operands);

/* True for work so small that waking the team would take longer: the op is made, and will run, on one thread. Ask
 * before the op is made. `flops` and `bytes` (of memory traffic) of one run. */
bool or_cpu_dnnl_alone(or_cpu_build_t *build, double flops, double bytes);
/* The program owns the op from here on, whatever is answered. */
or_status_t or_cpu_dnnl_own(or_cpu_build_t *build, or_dnnl_op_t *op);
/* Adds the step that runs `op`, which the program owns; scratch is found here. */
or_status_t or_cpu_dnnl_step(or_cpu_build_t *build, or_dnnl_op_t *op, const or_cpu_dnnl_operands_t *operands);

/* The slot of a value in `layout` that the step will read; `dense` is the row-major layout of the same shape. Adds a
 * reorder where the value lies in another order. */
or_status_t or_cpu_dnnl_read(or_cpu_build_t *build, or_value_id_t value, const or_dnnl_layout_t *layout,
                             const or_dnnl_layout_t *dense, or_slot_id_t *out);
/* The slot of a value that the step will write in `layout`. */
or_status_t or_cpu_dnnl_write(or_cpu_build_t *build, or_value_id_t value, const or_dnnl_layout_t *layout,
                              const or_dnnl_layout_t *dense, or_slot_id_t *out);
/* The same, where the slot must hold a copy of `source` before the step (a sum in place): the source's own place, if
 * this is its last use. */
or_status_t or_cpu_dnnl_write_over(or_cpu_build_t *build, or_value_id_t source, or_value_id_t value,
                                   const or_dnnl_layout_t *layout, const or_dnnl_layout_t *dense, or_slot_id_t *out);
/* True if the value lies with channels last, where elementwise kernels can work on it as it is. */
bool or_cpu_is_channels_last(const or_cpu_build_t *build, or_value_id_t value);
/* The slot of a value of the same shape that the step will write with channels last: the place of `source`, which lies
 * so and which this step reads, where that is its last use. */
or_status_t or_cpu_channels_last_overwrite(or_cpu_build_t *build, or_value_id_t source, or_value_id_t value,
                                           or_slot_id_t *out);
/* The like of a value of any shape [N,C,H,W], in a place of its own. */
or_status_t or_cpu_channels_last_write(or_cpu_build_t *build, or_value_id_t value, or_slot_id_t *out);
/* Adds a reorder from the value's blocked slot to its dense one, which is there already. */
or_status_t or_cpu_dnnl_to_dense(or_cpu_build_t *build, or_value_id_t value);

/* Runs a reorder now, on the build's queue: constants. */
or_status_t or_cpu_dnnl_reorder_now(or_cpu_build_t *build, const or_dnnl_layout_t *from, const void *source,
                                    const or_dnnl_layout_t *to, void *destination);

#endif
