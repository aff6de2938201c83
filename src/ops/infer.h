#ifndef OR_OPS_INFER_H
#define OR_OPS_INFER_H
/* Pieces that the infer and cost functions of many operators share. All functions are pure: any thread. */

#include "ops/op.h"

/* Output 0 gets input 0's dtype and shape. OK. */
or_status_t or_infer_same_as_input(or_op_call_t *call);
/* INVALID_ARGUMENT unless input `index` (where it is given) has input 0's dtype. */
or_status_t or_infer_check_dtype(const or_op_call_t *call, uint32_t index);
/* INVALID_ARGUMENT unless input `index` has the form. */
or_status_t or_infer_check_form(const or_op_call_t *call, uint32_t index, or_value_form_t form);
/* INVALID_ARGUMENT unless the rank of input `index` is `rank` or unknown. */
or_status_t or_infer_check_rank(const or_op_call_t *call, uint32_t index, int32_t rank);
/* Two extents that must agree: the known one, or the first where both are unknown. INVALID_ARGUMENT names `what`
 * ("input channels"). */
or_status_t or_infer_same_extent(const char *what, int64_t a, int64_t b, int64_t *out);
/* INVALID_ARGUMENT unless input `index` (where it is given) broadcasts to `shape` without making it larger. */
or_status_t or_infer_check_broadcast(const or_op_call_t *call, uint32_t index, const or_shape_t *shape);
/* What two tensors have in common: extents that differ are unknown, and so is a rank that does. */
void or_infer_join_shape(or_shape_t *shape, const or_shape_t *other);
/* Bytes of a tensor of static shape. */
double or_cost_bytes(const or_op_tensor_t *tensor);
/* Of what moves whole tensors about: nothing. */
or_cost_t or_cost_none(const or_op_call_t *call);
/* Every input read once, every output written once, `flops_per_output` floating-point operations an element of output
 * 0. */
or_cost_t or_cost_per_output(const or_op_call_t *call, double flops_per_output);

#endif
