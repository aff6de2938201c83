#ifndef OR_OPS_RECURRENT_H
#define OR_OPS_RECURRENT_H
/* RNN, GRU and LSTM (ONNX ai.onnx 1, 7, 14, 22; GRU 3 too; Hochreiter, Schmidhuber: Long Short-Term Memory, 1997; Cho
 * et al.: Learning Phrase Representations using RNN Encoder-Decoder, 2014): one layer over the steps of each sequence,
 * in one direction or in both. With a = X W^T + H R^T + Wb + Rb of a gate, in the order of the weights:
 *
 *   RNN   H = f(a)
 *   GRU   z = f(a), r = f(a), n = g(X W^T + Wb + (r H) R^T + Rb), H = (1 - z) n + z H;
 *         linear_before_reset: n = g(X W^T + Wb + r (H R^T + Rb))
 *   LSTM  i = f(a + Pi C), o = f(a + Po C'), u = f(a + Pf C), n = g(a), C' = u C + i n, H = o h(C');
 *         input_forget: u = 1 - i
 *
 * X: [S, B, I]. W: [D, gates N, I]. R: [D, gates N, N]. B: [D, 2 gates N], the biases of W, then those of R.
 * sequence_lens: int32 [B], 0 to S. initial_h, initial_c: [D, B, N]. P: [D, 3 N], of i, o and u. Y: [S, D, B, N]. Y_h,
 * Y_c: [D, B, N]. With layout 1 X is [B, S, I], Y [B, S, D, N], and the states are [B, D, N]. D is 2 for
 * "bidirectional", else 1. All are float16, bfloat16, float32 or float64, of one type; what is left out is zero.
 *
 * Backward a sequence is read from its own end, and Y has each step at its place. Behind a sequence's end Y is zero, as
 * are Y_h and Y_c of an empty one. `clip` bounds what f and g are given, not C' as h is given it (so does ONNX
 * Runtime). alpha and beta are taken from their lists by those functions that have them, in the order of the
 * functions. Affine is x by default; ScaledTanh has no default. */

#include "ops/op.h"

extern const or_op_t or_op_rnn, or_op_gru, or_op_lstm;

/* Inputs and outputs, for backends. */
enum {
  OR_RECURRENT_X,
  OR_RECURRENT_W,
  OR_RECURRENT_R,
  OR_RECURRENT_B,
  OR_RECURRENT_LENGTHS,
  OR_RECURRENT_H,
  OR_RECURRENT_C,
  OR_RECURRENT_P,
};
enum { OR_RECURRENT_Y, OR_RECURRENT_Y_H, OR_RECURRENT_Y_C };

typedef enum or_recurrent_kind_t { OR_RECURRENT_RNN, OR_RECURRENT_GRU, OR_RECURRENT_LSTM } or_recurrent_kind_t;

typedef enum or_recurrent_function_t {
  OR_RECURRENT_RELU,
  OR_RECURRENT_TANH,
  OR_RECURRENT_SIGMOID,
  OR_RECURRENT_AFFINE,           /* alpha x + beta */
  OR_RECURRENT_LEAKY_RELU,       /* x, or alpha x where x < 0 */
  OR_RECURRENT_THRESHOLDED_RELU, /* x, or 0 where x < alpha */
  OR_RECURRENT_SCALED_TANH,      /* alpha tanh(beta x) */
  OR_RECURRENT_HARD_SIGMOID,     /* clip(alpha x + beta, 0, 1) */
  OR_RECURRENT_ELU,              /* x, or alpha (e^x - 1) where x < 0 */
  OR_RECURRENT_SOFTSIGN,
  OR_RECURRENT_SOFTPLUS,
  OR_RECURRENT_FUNCTION_COUNT,
} or_recurrent_function_t;

typedef struct or_recurrent_activation_t {
  or_recurrent_function_t function;
  double alpha, beta;
} or_recurrent_activation_t;

#define OR_RECURRENT_FUNCTIONS 3 /* f, g, h: at most, of one direction */

/* A call's attributes and extents; in `infer` an extent may be unknown or a symbol. */
typedef struct or_recurrent_t {
  or_recurrent_kind_t kind;
  int64_t gates; /* 1, 3, 4 */
  int64_t steps, batch, input, hidden, directions;
  bool reversed[2]; /* by direction */
  bool batch_first; /* layout 1 */
  bool input_forget, linear_before_reset;
  double clip; /* infinite where there is none */
  or_recurrent_activation_t activations[2][OR_RECURRENT_FUNCTIONS];
} or_recurrent_t;

/* Reads and checks all attributes and the extents of all inputs. INVALID_ARGUMENT; OUT_OF_RANGE (gates N overflows). */
or_status_t or_recurrent_read(const or_op_call_t *call, or_recurrent_t *out);
/* The direction, and which functions with which parameters, into *out, whose `kind` is set. INVALID_ARGUMENT. */
or_status_t or_recurrent_read_activations(const or_op_call_t *call, or_recurrent_t *out);
/* Functions of one direction: 1, 2, 3. */
int or_recurrent_function_count(or_recurrent_kind_t kind);
/* x[i] = f(x[i]); NaN stays. */
void or_recurrent_activate(const or_recurrent_activation_t *activation, size_t count, double *x);
/* The length of sequence `index` of a call whose data is there. INVALID_ARGUMENT: not within 0 to S. */
or_status_t or_recurrent_length(const or_op_tensor_t *lengths, const or_recurrent_t *recurrent, int64_t index,
                                int64_t *out);
/* Elements from the start of X, of Y and of a state to a row: of step `step`, sequence `index`, direction `d`. */
static inline int64_t or_recurrent_x_row(const or_recurrent_t *r, int64_t step, int64_t index) {
  return (r->batch_first ? index * r->steps + step : step * r->batch + index) * r->input;
}
static inline int64_t or_recurrent_y_row(const or_recurrent_t *r, int64_t step, int64_t index, int64_t d) {
  int64_t row =
      r->batch_first ? (index * r->steps + step) * r->directions + d : (step * r->directions + d) * r->batch + index;
  return row * r->hidden;
}
static inline int64_t or_recurrent_state_row(const or_recurrent_t *r, int64_t index, int64_t d) {
  return (r->batch_first ? index * r->directions + d : d * r->batch + index) * r->hidden;
}
/* The step that a sequence of `length` steps reads as its `number`th. */
static inline int64_t or_recurrent_step(const or_recurrent_t *r, int64_t number, int64_t length, int64_t d) {
  return r->reversed[d] ? length - 1 - number : number;
}

or_status_t or_recurrent_reference(or_op_call_t *call);

#endif
