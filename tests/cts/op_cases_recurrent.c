/* RNN, GRU, LSTM; and Det. */
#include <string.h>

#include "cts/op_case.h"
#include "ops/recurrent.h"

#define MAX_BATCH 17

typedef struct extents_t {
  int64_t steps, batch, input, hidden;
} extents_t;

typedef struct form_t {
  const char *direction; /* NULL: left out */
  bool constant;         /* weights and biases */
  bool bias, lengths, state, peepholes, batch_first;
  bool option; /* input_forget, or linear_before_reset */
  float clip;  /* 0: left out */
  int outputs;
} form_t;

static bool is(const cts_generator_t *g, const char *name) { return strcmp(g->op->name, name) == 0; }

static int64_t gates_of(const cts_generator_t *g) { return is(g, "RNN") ? 1 : is(g, "GRU") ? 3 : 4; }

/* An input that is there if `given`. */
static void optional(cts_op_case_t *it, bool given, or_dtype_t dtype, or_shape_t shape, bool constant) {
  if (given) {
    cts_input_range(it, dtype, shape, -1, 1)->constant = constant;
  } else {
    cts_input_absent(it);
  }
}

/* `lengths` is borrowed, of e->batch numbers. */
static cts_op_case_t recurrent(const cts_generator_t *g, or_dtype_t dtype, const extents_t *e, const form_t *form,
                               const double *lengths) {
  cts_op_case_t it = cts_op_case(g, form->constant ? "" : "all given");
  int64_t d = form->direction != NULL && strcmp(form->direction, "bidirectional") == 0 ? 2 : 1;
  int64_t rows = gates_of(g) * e->hidden;
  bool turned = form->batch_first && g->version >= 14, lstm = is(g, "LSTM");
  or_shape_t state = turned ? SHAPE(e->batch, d, e->hidden) : SHAPE(d, e->batch, e->hidden);
  cts_input(&it, dtype, turned ? SHAPE(e->batch, e->steps, e->input) : SHAPE(e->steps, e->batch, e->input));
  cts_input_range(&it, dtype, SHAPE(d, rows, e->input), -0.4, 0.4)->constant = form->constant;
  cts_input_range(&it, dtype, SHAPE(d, rows, e->hidden), -0.25, 0.25)->constant = form->constant;
  optional(&it, form->bias, dtype, SHAPE(d, 2 * rows), form->constant);
  if (form->lengths) {
    cts_input_values(&it, OR_INT32, lengths, (size_t)e->batch)->constant = false;
  } else {
    cts_input_absent(&it);
  }
  optional(&it, form->state, dtype, state, false);
  if (lstm) optional(&it, form->state, dtype, state, false);
  if (lstm) optional(&it, form->peepholes, dtype, SHAPE(d, 3 * e->hidden), form->constant);
  cts_attribute_int(&it, "hidden_size", e->hidden);
  if (form->direction != NULL) cts_attribute_string(&it, "direction", form->direction);
  if (turned) cts_attribute_int(&it, "layout", 1);
  if (form->clip > 0) cts_attribute_float(&it, "clip", form->clip);
  if (form->option && lstm) cts_attribute_int(&it, "input_forget", 1);
  if (form->option && is(g, "GRU") && g->version >= 3) cts_attribute_int(&it, "linear_before_reset", 1);
  it.output_count = (uint32_t)(form->outputs < g->op->output_max ? form->outputs : g->op->output_max);
  return it;
}

static const form_t forms[] = {
    {.constant = true, .bias = true, .outputs = 1},
    {.direction = "bidirectional", .constant = true, .bias = true, .option = true, .outputs = 3},
    {.direction = "reverse", .state = true, .peepholes = true, .outputs = 2},
    {.constant = true, .lengths = true, .state = true, .batch_first = true, .clip = 0.5F, .outputs = 3},
    {.direction = "bidirectional", .constant = true, .bias = true, .lengths = true, .peepholes = true, .outputs = 3},
    {.direction = "reverse", .bias = true, .lengths = true, .option = true, .outputs = 3},
    {.direction = "bidirectional",
     .constant = true,
     .state = true,
     .peepholes = true,
     .batch_first = true,
     .option = true,
     .outputs = 3},
};
#define FORM_COUNT (sizeof forms / sizeof *forms)

/* Every function of the standard in every place. */
static void functions(cts_generator_t *g) {
  static const or_string_t names[] = {{"Relu", 4},        {"Tanh", 4},         {"Sigmoid", 7},
                                      {"Affine", 6},      {"LeakyRelu", 9},    {"ThresholdedRelu", 15},
                                      {"ScaledTanh", 10}, {"HardSigmoid", 11}, {"Elu", 3},
                                      {"Softsign", 8},    {"Softplus", 8}};
  static const float alpha[] = {0.75F, 0.5F, 0.25F}, beta[] = {0.5F, 0.125F, 0.25F};
  const extents_t extents = {3, 2, 5, 19};
  const size_t count = sizeof names / sizeof *names;
  size_t each = is(g, "RNN") ? 1 : is(g, "GRU") ? 2 : 3;
  or_string_t list[3];
  for (size_t i = 0; i < count; ++i) {
    const form_t form = {.constant = true, .bias = true, .clip = i % 3 == 0 ? 0.5F : 0, .outputs = 3};
    for (size_t k = 0; k < each; ++k) list[k] = names[(i + 4 * k) % count];
    cts_op_case_t it = recurrent(g, OR_FLOAT32, &extents, &form, NULL);
    cts_attribute_strings(&it, "activations", list, each);
    cts_attribute_floats(&it, "activation_alpha", alpha, 3);
    cts_attribute_floats(&it, "activation_beta", beta, 3);
    cts_emit(g, &it);
  }
}

static void every_form(cts_generator_t *g, or_dtype_t dtype, const extents_t *e) {
  double lengths[MAX_BATCH];
  for (int64_t i = 0; i < e->batch; ++i) lengths[i] = (double)((e->steps + 2 * i) % (e->steps + 1));
  for (size_t k = 0; k < FORM_COUNT; ++k) {
    if (forms[k].lengths && e->batch == 0) continue;
    cts_op_case_t it = recurrent(g, dtype, e, &forms[k], lengths);
    cts_emit(g, &it);
  }
}

void cts_generate_recurrent(cts_generator_t *g) {
  const extents_t rows[] = {{1, 1, 3, 4}, {3, 4, 5, 8}, {4, 2, 17, 33}, {3, 3, 1, 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    if (!g->newest && i != 1) continue;
    CTS_EACH_DTYPE(g, dtype) every_form(g, dtype, &rows[i]);
  }
  if (!g->newest) return;
  functions(g);
  const extents_t wide[] = {{1, 1, 128, 128}, {9, 8, 64, 160}, {5, MAX_BATCH, 40, 64},
                            {2, 1, 300, 600}, {530, 1, 4, 64}, {40, 3, 24, 48},
                            {0, 2, 3, 4},     {2, 0, 3, 4},    {2, 3, 0, 4}};
  for (size_t i = 0; i < sizeof wide / sizeof *wide; ++i) every_form(g, OR_FLOAT32, &wide[i]);
}

void cts_generate_det(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(1, 1),    SHAPE(3, 3),    SHAPE(2, 3, 4, 4),
                               SHAPE(5, 7, 7), SHAPE(0, 2, 2), SHAPE(2, 0, 0)};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, shapes[i]);
      cts_emit(g, &it);
    }
  }
}
