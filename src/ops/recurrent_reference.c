/* The recurrent operators in double: one sequence after another, with the weights of its direction widened once. */
#include <string.h>

#include "ops/elements.h"
#include "ops/recurrent_internal.h"

typedef struct walk_t {
  const or_op_call_t *call;
  or_recurrent_t recurrent;
  or_recurrent_cell_t cell;
} walk_t;

static or_status_t take_memory(walk_t *walk, void **memory);
static void clear_outputs(const or_op_call_t *call);
static void load_direction(walk_t *walk, int64_t direction);
static or_status_t run_sequence(walk_t *walk, int64_t index);

or_status_t or_recurrent_reference(or_op_call_t *call) {
  walk_t walk = {.call = call};
  void *memory = NULL;
  or_status_t status = or_recurrent_read(call, &walk.recurrent);
  if (or_ok(status)) status = take_memory(&walk, &memory);
  if (!or_ok(status)) return status;
  clear_outputs(call);
  for (int64_t d = 0; or_ok(status) && d < walk.recurrent.directions; ++d) {
    load_direction(&walk, d);
    for (int64_t i = 0; or_ok(status) && i < walk.recurrent.batch && !or_stops(call->stop, 1); ++i)
      status = run_sequence(&walk, i);
  }
  or_free(call->allocator, memory);
  return status;
}

/* Hands out the next `count` of the doubles at *next. */
static double *take(double **next, size_t count) {
  double *piece = *next;
  *next += count;
  return piece;
}

/* Everything that the cell points to, in one piece: (input + hidden + 3) rows, and 7 hidden, and the input. */
static or_status_t take_memory(walk_t *walk, void **memory) {
  const or_recurrent_t *r = &walk->recurrent;
  or_recurrent_cell_t *cell = &walk->cell;
  *cell = (or_recurrent_cell_t){.recurrent = r, .input = (size_t)r->input, .hidden = (size_t)r->hidden};
  cell->rows = (size_t)r->gates * cell->hidden; /* there are weights of that many rows */
  size_t lines = 0, count = 0, states = 0;
  bool fits = or_add_size(cell->input, cell->hidden, &lines) && or_add_size(lines, 3, &lines) &&
              or_mul_size(lines, cell->rows, &count) && or_mul_size(cell->hidden, 7, &states) &&
              or_add_size(count, states, &count) && or_add_size(count, cell->input, &count);
  if (!fits) return or_error(OR_RESOURCE_EXHAUSTED, "the weights of one direction overflow size_t");
  or_status_t status = or_alloc_array(walk->call->allocator, count, sizeof(double), memory);
  if (!or_ok(status)) return status;
  double *next = *memory;
  cell->w = take(&next, cell->input * cell->rows);
  cell->r = take(&next, cell->hidden * cell->rows);
  cell->w_bias = take(&next, cell->rows);
  cell->r_bias = take(&next, cell->rows);
  cell->gates = take(&next, cell->rows);
  cell->peepholes = take(&next, 3 * cell->hidden);
  cell->h = take(&next, cell->hidden);
  cell->c = take(&next, cell->hidden);
  cell->part = take(&next, cell->hidden);
  cell->cell = take(&next, cell->hidden);
  cell->x = take(&next, cell->input);
  return status;
}

/* Only steps that a sequence has are written. */
static void clear_outputs(const or_op_call_t *call) {
  for (uint32_t i = 0; i < call->output_count; ++i) {
    const or_op_tensor_t *output = &call->outputs[i];
    uint64_t count = 0;
    if (output->data != NULL && or_shape_count(&output->shape, &count) && count > 0)
      memset(output->data, 0, or_dtype_bytes(output->dtype, count));
  }
}

/* `rows` rows of `columns` elements each, transposed. */
static void load_transposed(const or_op_tensor_t *from, int64_t direction, size_t rows, size_t columns, double *to) {
  double block[OR_LANES];
  uint64_t first = (uint64_t)direction * rows * columns;
  for (size_t row = 0; row < rows; ++row, first += columns) {
    for (size_t done = 0; done < columns; done += OR_LANES) {
      size_t count = columns - done < OR_LANES ? columns - done : OR_LANES;
      or_elements_load(from->dtype, from->data, first + done, count, block);
      for (size_t i = 0; i < count; ++i) to[(done + i) * rows + row] = block[i];
    }
  }
}

/* `count` elements from `first`, or zeros where the input is left out. */
static void load_optional(const walk_t *walk, uint32_t index, uint64_t first, size_t count, double *to) {
  const or_op_tensor_t *from = &walk->call->inputs[index];
  if (count == 0) return;
  if (or_op_has_input(walk->call, index)) {
    or_elements_load(from->dtype, from->data, first, count, to);
  } else {
    memset(to, 0, count * sizeof *to);
  }
}

static void load_direction(walk_t *walk, int64_t direction) {
  or_recurrent_cell_t *cell = &walk->cell;
  uint64_t d = (uint64_t)direction;
  cell->direction = direction;
  load_transposed(&walk->call->inputs[OR_RECURRENT_W], direction, cell->rows, cell->input, cell->w);
  load_transposed(&walk->call->inputs[OR_RECURRENT_R], direction, cell->rows, cell->hidden, cell->r);
  load_optional(walk, OR_RECURRENT_B, d * 2 * cell->rows, cell->rows, cell->w_bias);
  load_optional(walk, OR_RECURRENT_B, d * 2 * cell->rows + cell->rows, cell->rows, cell->r_bias);
  load_optional(walk, OR_RECURRENT_P, d * 3 * cell->hidden, 3 * cell->hidden, cell->peepholes);
}

static void store(const walk_t *walk, uint32_t output, int64_t first, const double *values) {
  if (!or_op_has_output(walk->call, output) || walk->call->outputs[output].data == NULL) return;
  const or_op_tensor_t *to = &walk->call->outputs[output];
  or_elements_store(to->dtype, to->data, (uint64_t)first, walk->cell.hidden, values);
}

static or_status_t run_sequence(walk_t *walk, int64_t index) {
  const or_recurrent_t *r = &walk->recurrent;
  const or_op_tensor_t *x = &walk->call->inputs[OR_RECURRENT_X];
  or_recurrent_cell_t *cell = &walk->cell;
  int64_t length = r->steps, d = cell->direction, state = or_recurrent_state_row(r, index, d);
  if (or_op_has_input(walk->call, OR_RECURRENT_LENGTHS)) {
    or_status_t status = or_recurrent_length(&walk->call->inputs[OR_RECURRENT_LENGTHS], r, index, &length);
    if (!or_ok(status)) return status;
  }
  load_optional(walk, OR_RECURRENT_H, (uint64_t)state, cell->hidden, cell->h);
  load_optional(walk, OR_RECURRENT_C, (uint64_t)state, cell->hidden, cell->c);
  for (int64_t number = 0; number < length && !or_stops(walk->call->stop, cell->rows * (cell->input + cell->hidden));
       ++number) {
    int64_t step = or_recurrent_step(r, number, length, d);
    or_elements_load(x->dtype, x->data, (uint64_t)or_recurrent_x_row(r, step, index), cell->input, cell->x);
    or_recurrent_cell_step(cell);
    store(walk, OR_RECURRENT_Y, or_recurrent_y_row(r, step, index, d), cell->h);
  }
  if (length > 0) {
    store(walk, OR_RECURRENT_Y_H, state, cell->h);
    store(walk, OR_RECURRENT_Y_C, state, cell->c);
  }
  return or_status_success();
}
