#include "ops/bitwise.h"

#include "ops/binary.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/rows.h"

/* x[i] = f(x[i], y[i]) on the bits of 64-bit integers; `bits` is the dtype's width. */
typedef void (*bits_fn_t)(or_lanes_t *x, const or_lanes_t *y, size_t count, int64_t bits);

static or_status_t bitwise_infer(or_op_call_t *call) { return or_infer_broadcast_pair(call, OR_DTYPE_NONE); }
static or_cost_t bitwise_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }

static or_status_t apply(or_op_call_t *call, bits_fn_t function) {
  const or_op_tensor_t *a = &call->inputs[0], *b = &call->inputs[call->input_count - 1], *out = &call->outputs[0];
  const or_shape_t *shapes[] = {&a->shape, &b->shape};
  or_lane_kind_t kind = or_lane_kind(out->dtype);
  int64_t bits = or_dtype_bits(out->dtype);
  or_rows_t rows;
  for (or_rows_begin_broadcast(&rows, &out->shape, shapes, 2, call->stop); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length; done += OR_LANES) {
      size_t count = (size_t)(rows.length - done < OR_LANES ? rows.length - done : OR_LANES);
      or_lanes_t x, y;
      or_lanes_load(a->dtype, a->data, rows.first[0] + done * rows.step[0], rows.step[0], count, &x);
      or_lanes_load(b->dtype, b->data, rows.first[1] + done * rows.step[1], rows.step[1], count, &y);
      function(&x, &y, count, bits);
      or_lanes_store(out->dtype, out->data, rows.out + done, count, kind, &x);
    }
  }
  return or_status_success();
}

#define DEFINE_BITS(name, expression)                                                \
  static void name(or_lanes_t *x, const or_lanes_t *y, size_t count, int64_t bits) { \
    (void)bits;                                                                      \
    for (size_t i = 0; i < count; ++i) {                                             \
      uint64_t a = x->natural[i], b = y->natural[i];                                 \
      (void)b;                                                                       \
      x->natural[i] = (expression);                                                  \
    }                                                                                \
  }                                                                                  \
  static or_status_t name##_reference(or_op_call_t *call) { return apply(call, name); }
DEFINE_BITS(and_bits, a &b)
DEFINE_BITS(or_bits, a | b)
DEFINE_BITS(xor_bits, a ^ b)
DEFINE_BITS(not_bits, ~a)

#define BITWISE(symbol, op_name, text, inputs, infer_fn, reference_fn) \
  const or_op_t or_op_##symbol = {                                     \
      .domain = "",                                                    \
      .name = op_name,                                                 \
      .summary = text,                                                 \
      .since = {18},                                                   \
      .input_min = inputs,                                             \
      .input_max = inputs,                                             \
      .output_min = 1,                                                 \
      .output_max = 1,                                                 \
      .dtypes = OR_OP_INTS,                                            \
      .pointwise = true,                                               \
      .infer = infer_fn,                                               \
      .cost = bitwise_cost,                                            \
      .reference = reference_fn,                                       \
  };
BITWISE(bitwise_and, "BitwiseAnd", "bits that are set in both integers, broadcast", 2, bitwise_infer,
        and_bits_reference)
BITWISE(bitwise_or, "BitwiseOr", "bits that are set in either integer, broadcast", 2, bitwise_infer, or_bits_reference)
BITWISE(bitwise_xor, "BitwiseXor", "bits that differ between integers, broadcast", 2, bitwise_infer, xor_bits_reference)
BITWISE(bitwise_not, "BitwiseNot", "the opposite of every bit", 1, or_infer_same_as_input, not_bits_reference)

/* ---- BitShift ---- */

static or_status_t shift_infer(or_op_call_t *call);
static or_status_t shift_reference(or_op_call_t *call);

const or_op_t or_op_bit_shift = {
    .domain = "",
    .name = "BitShift",
    .summary = "bits of integers moved left or right, broadcast",
    .since = {11, 28},
    .changes = {{28, OR_OP_SIGNED_INTS, 0}},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_INTS,
    .pointwise = true,
    .attributes = {{"direction", OR_ATTRIBUTE_STRING, true}},
    .infer = shift_infer,
    .cost = bitwise_cost,
    .reference = shift_reference,
};

static or_status_t shift_infer(or_op_call_t *call) {
  if (!or_op_attribute_is(call, "direction", "LEFT", "") && !or_op_attribute_is(call, "direction", "RIGHT", ""))
    return or_error(OR_INVALID_ARGUMENT, "attribute \"direction\" is neither LEFT nor RIGHT");
  return bitwise_infer(call);
}

/* A signed type's amount is sign-extended, so that one below 0 is larger than any width, as an unsigned number. */
static void shift_left(or_lanes_t *x, const or_lanes_t *y, size_t count, int64_t bits) {
  for (size_t i = 0; i < count; ++i)
    x->natural[i] = y->natural[i] < (uint64_t)bits ? x->natural[i] << y->natural[i] : 0;
}

static void shift_right(or_lanes_t *x, const or_lanes_t *y, size_t count, int64_t bits) {
  for (size_t i = 0; i < count; ++i)
    x->natural[i] = y->natural[i] < (uint64_t)bits ? x->natural[i] >> y->natural[i] : 0;
}

static void shift_right_signed(or_lanes_t *x, const or_lanes_t *y, size_t count, int64_t bits) {
  for (size_t i = 0; i < count; ++i) {
    uint64_t flip = x->integer[i] < 0 ? UINT64_MAX : 0; /* of a negative number the complement is shifted */
    uint64_t moved = y->natural[i] < (uint64_t)bits ? (x->natural[i] ^ flip) >> y->natural[i] : 0;
    x->natural[i] = moved ^ flip;
  }
}

static or_status_t shift_reference(or_op_call_t *call) {
  if (or_op_attribute_is(call, "direction", "LEFT", "")) return apply(call, shift_left);
  bool is_signed = or_dtype_is_one_of(call->inputs[0].dtype, OR_OP_SIGNED_INTS);
  return apply(call, is_signed ? shift_right_signed : shift_right);
}
