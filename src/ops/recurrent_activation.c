/* Which functions a recurrent operator's gates go through, and those functions. */
#include <math.h>
#include <string.h>

#include "base/string.h"
#include "ops/recurrent.h"

typedef struct function_row_t {
  const char *name;
  int parameters; /* 0; 1: alpha; 2: alpha and beta */
  bool required;  /* the parameters have no default */
  double alpha, beta;
} function_row_t;

static const function_row_t functions[OR_RECURRENT_FUNCTION_COUNT] = {
    [OR_RECURRENT_RELU] = {.name = "Relu"},
    [OR_RECURRENT_TANH] = {.name = "Tanh"},
    [OR_RECURRENT_SIGMOID] = {.name = "Sigmoid"},
    [OR_RECURRENT_AFFINE] = {"Affine", 2, false, 1, 0},
    [OR_RECURRENT_LEAKY_RELU] = {"LeakyRelu", 1, false, (double)0.01F, 0},
    [OR_RECURRENT_THRESHOLDED_RELU] = {"ThresholdedRelu", 1, false, 1, 0},
    [OR_RECURRENT_SCALED_TANH] = {"ScaledTanh", 2, true, 0, 0},
    [OR_RECURRENT_HARD_SIGMOID] = {"HardSigmoid", 2, false, (double)0.2F, 0.5},
    [OR_RECURRENT_ELU] = {"Elu", 1, false, 1, 0},
    [OR_RECURRENT_SOFTSIGN] = {.name = "Softsign"},
    [OR_RECURRENT_SOFTPLUS] = {.name = "Softplus"},
};

/* What is left of the lists of parameters. */
typedef struct parameters_t {
  const or_attribute_t *lists[2]; /* alpha, beta; NULL: none */
  size_t taken[2];
} parameters_t;

static or_status_t read_direction(const or_op_call_t *call, or_recurrent_t *out);
static or_status_t check_count(const or_op_call_t *call, const or_recurrent_t *recurrent, size_t given);
static or_status_t find_function(const or_string_t *name, or_recurrent_function_t *out);
static or_status_t take_parameters(parameters_t *parameters, or_recurrent_activation_t *activation);

int or_recurrent_function_count(or_recurrent_kind_t kind) {
  return kind == OR_RECURRENT_RNN ? 1 : kind == OR_RECURRENT_GRU ? 2 : 3;
}

or_status_t or_recurrent_read_activations(const or_op_call_t *call, or_recurrent_t *out) {
  or_status_t status = read_direction(call, out);
  if (!or_ok(status)) return status;
  const or_attribute_t *names = or_op_attribute(call, "activations");
  parameters_t parameters = {
      .lists = {or_op_attribute(call, "activation_alpha"), or_op_attribute(call, "activation_beta")}};
  int count = or_recurrent_function_count(out->kind);
  if (names != NULL) status = check_count(call, out, names->count);
  for (int64_t d = 0; d < out->directions; ++d) {
    for (int i = 0; or_ok(status) && i < count; ++i) {
      or_recurrent_activation_t *activation = &out->activations[d][i];
      activation->function = i == 0 && count > 1 ? OR_RECURRENT_SIGMOID : OR_RECURRENT_TANH;
      if (names != NULL) status = find_function(&names->strings[d * count + i], &activation->function);
      if (or_ok(status)) status = take_parameters(&parameters, activation);
    }
  }
  return status;
}

static or_status_t read_direction(const or_op_call_t *call, or_recurrent_t *out) {
  bool both = or_op_attribute_is(call, "direction", "bidirectional", "forward");
  bool reverse = or_op_attribute_is(call, "direction", "reverse", "forward");
  if (!both && !reverse && !or_op_attribute_is(call, "direction", "forward", "forward")) {
    const or_string_t *given = &or_op_attribute(call, "direction")->string;
    return or_error(OR_INVALID_ARGUMENT,
                    "attribute \"direction\" is \"%.*s\", expected forward, reverse or bidirectional",
                    given->length < 32 ? (int)given->length : 32, given->data);
  }
  out->directions = both ? 2 : 1;
  out->reversed[0] = reverse;
  out->reversed[1] = both;
  return or_status_success();
}

/* RNN's default is a list for two directions, whichever there are. */
static or_status_t check_count(const or_op_call_t *call, const or_recurrent_t *recurrent, size_t given) {
  size_t wanted = (size_t)or_recurrent_function_count(recurrent->kind) * (size_t)recurrent->directions;
  if (given == wanted || (recurrent->kind == OR_RECURRENT_RNN && given == 2)) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT,
                  "attribute \"activations\" has %zu entries, expected %zu for %s in %lld directions", given, wanted,
                  call->op->name, (long long)recurrent->directions);
}

/* In any case of letters, as files have them. */
static or_status_t find_function(const or_string_t *name, or_recurrent_function_t *out) {
  char text[32] = "";
  if (name->length < sizeof text && name->length > 0) memcpy(text, name->data, name->length);
  for (int i = 0; i < OR_RECURRENT_FUNCTION_COUNT; ++i) {
    if (!or_string_equal_nocase(text, functions[i].name)) continue;
    *out = (or_recurrent_function_t)i;
    return or_status_success();
  }
  return or_error(OR_INVALID_ARGUMENT,
                  "attribute \"activations\" names \"%.*s\", which is no activation of the standard",
                  name->length < 32 ? (int)name->length : 32, name->data);
}

static or_status_t take_parameters(parameters_t *parameters, or_recurrent_activation_t *activation) {
  const function_row_t *row = &functions[activation->function];
  double *values[2] = {&activation->alpha, &activation->beta};
  activation->alpha = row->alpha;
  activation->beta = row->beta;
  for (int i = 0; i < 2 && i < row->parameters; ++i) {
    const or_attribute_t *list = parameters->lists[i];
    if (list != NULL && parameters->taken[i] < list->count) {
      *values[i] = (double)list->reals[parameters->taken[i]++];
    } else if (row->required) {
      return or_error(OR_INVALID_ARGUMENT, "%s has no default for %s: attribute \"activation_%s\" is too short",
                      row->name, i == 0 ? "alpha" : "beta", i == 0 ? "alpha" : "beta");
    }
  }
  return or_status_success();
}

static void elu(double alpha, size_t count, double *x) {
  for (size_t i = 0; i < count; ++i) x[i] = x[i] < 0 ? alpha * expm1(x[i]) : x[i];
}

/* log(1 + e^x) without overflow. */
static void softplus(size_t count, double *x) {
  for (size_t i = 0; i < count; ++i) x[i] = x[i] > 0 ? x[i] + log1p(exp(-x[i])) : log1p(exp(x[i]));
}

static void hard_sigmoid(double alpha, double beta, size_t count, double *x) {
  for (size_t i = 0; i < count; ++i) {
    double value = alpha * x[i] + beta;
    x[i] = value < 0 ? 0 : value > 1 ? 1 : value;
  }
}

void or_recurrent_activate(const or_recurrent_activation_t *activation, size_t count, double *x) {
  double alpha = activation->alpha, beta = activation->beta;
  switch (activation->function) {
  case OR_RECURRENT_RELU:
    for (size_t i = 0; i < count; ++i) x[i] = x[i] < 0 ? 0 : x[i];
    break;
  case OR_RECURRENT_TANH:
    for (size_t i = 0; i < count; ++i) x[i] = tanh(x[i]);
    break;
  case OR_RECURRENT_SIGMOID:
    for (size_t i = 0; i < count; ++i) x[i] = 1 / (1 + exp(-x[i]));
    break;
  case OR_RECURRENT_AFFINE:
    for (size_t i = 0; i < count; ++i) x[i] = alpha * x[i] + beta;
    break;
  case OR_RECURRENT_LEAKY_RELU:
    for (size_t i = 0; i < count; ++i) x[i] = x[i] < 0 ? alpha * x[i] : x[i];
    break;
  case OR_RECURRENT_THRESHOLDED_RELU:
    for (size_t i = 0; i < count; ++i) x[i] = x[i] < alpha ? 0 : x[i];
    break;
  case OR_RECURRENT_SCALED_TANH:
    for (size_t i = 0; i < count; ++i) x[i] = alpha * tanh(beta * x[i]);
    break;
  case OR_RECURRENT_HARD_SIGMOID: hard_sigmoid(alpha, beta, count, x); break;
  case OR_RECURRENT_ELU: elu(alpha, count, x); break;
  case OR_RECURRENT_SOFTSIGN:
    for (size_t i = 0; i < count; ++i) x[i] = x[i] / (1 + fabs(x[i]));
    break;
  case OR_RECURRENT_SOFTPLUS: softplus(count, x); break;
  case OR_RECURRENT_FUNCTION_COUNT: break;
  }
}
