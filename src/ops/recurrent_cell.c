#include <string.h>

#include "ops/recurrent_internal.h"

static void rnn_step(or_recurrent_cell_t *cell);
static void gru_step(or_recurrent_cell_t *cell);
static void lstm_step(or_recurrent_cell_t *cell);

/* out[j] += sum of x[i] matrix[i][j], of a matrix whose lines lie `rows` apart. */
static void multiply(const double *x, size_t depth, const double *matrix, size_t rows, size_t count, double *out) {
  for (size_t i = 0; i < depth; ++i) {
    const double *line = matrix + i * rows, factor = x[i];
    for (size_t j = 0; j < count; ++j) out[j] += factor * line[j];
  }
}

/* Function `index` (f, g, h) of the direction, after the bound. */
static void activate(const or_recurrent_cell_t *cell, int index, bool bounded, size_t count, double *values) {
  double clip = cell->recurrent->clip;
  for (size_t i = 0; bounded && i < count; ++i) {
    values[i] = values[i] > clip ? clip : values[i] < -clip ? -clip : values[i];
  }
  or_recurrent_activate(&cell->recurrent->activations[cell->direction][index], count, values);
}

void or_recurrent_cell_step(or_recurrent_cell_t *cell) {
  for (size_t i = 0; i < cell->rows; ++i) cell->gates[i] = cell->w_bias[i];
  multiply(cell->x, cell->input, cell->w, cell->rows, cell->rows, cell->gates);
  switch (cell->recurrent->kind) {
  case OR_RECURRENT_RNN: rnn_step(cell); break;
  case OR_RECURRENT_GRU: gru_step(cell); break;
  case OR_RECURRENT_LSTM: lstm_step(cell); break;
  }
}

/* Adds H R^T and its bias to the first `count` gate elements. */
static void add_recurrent(or_recurrent_cell_t *cell, size_t count) {
  for (size_t i = 0; i < count; ++i) cell->gates[i] += cell->r_bias[i];
  multiply(cell->h, cell->hidden, cell->r, cell->rows, count, cell->gates);
}

static void rnn_step(or_recurrent_cell_t *cell) {
  add_recurrent(cell, cell->rows);
  activate(cell, 0, true, cell->hidden, cell->gates);
  for (size_t i = 0; i < cell->hidden; ++i) cell->h[i] = cell->gates[i];
}

static void gru_step(or_recurrent_cell_t *cell) {
  size_t n = cell->hidden;
  double *z = cell->gates, *r = z + n, *new_h = r + n, *part = cell->part;
  const double *bias = cell->r_bias + 2 * n;
  bool linear = cell->recurrent->linear_before_reset;
  add_recurrent(cell, 2 * n);
  activate(cell, 0, true, 2 * n, z);
  if (linear) {
    memcpy(part, bias, n * sizeof *part);
    multiply(cell->h, n, cell->r + 2 * n, cell->rows, n, part);
    for (size_t i = 0; i < n; ++i) new_h[i] += r[i] * part[i];
  } else {
    for (size_t i = 0; i < n; ++i) part[i] = r[i] * cell->h[i];
    for (size_t i = 0; i < n; ++i) new_h[i] += bias[i];
    multiply(part, n, cell->r + 2 * n, cell->rows, n, new_h);
  }
  activate(cell, 1, true, n, new_h);
  for (size_t i = 0; i < n; ++i) cell->h[i] = (1 - z[i]) * new_h[i] + z[i] * cell->h[i];
}

static void lstm_step(or_recurrent_cell_t *cell) {
  size_t n = cell->hidden;
  double *i = cell->gates, *o = i + n, *f = o + n, *g = f + n, *c = cell->c;
  const double *p = cell->peepholes;
  add_recurrent(cell, cell->rows);
  for (size_t k = 0; k < n; ++k) i[k] += p[k] * c[k];
  activate(cell, 0, true, n, i);
  if (cell->recurrent->input_forget) {
    for (size_t k = 0; k < n; ++k) f[k] = 1 - i[k];
  } else {
    for (size_t k = 0; k < n; ++k) f[k] += p[2 * n + k] * c[k];
    activate(cell, 0, true, n, f);
  }
  activate(cell, 1, true, n, g);
  for (size_t k = 0; k < n; ++k) c[k] = f[k] * c[k] + i[k] * g[k];
  for (size_t k = 0; k < n; ++k) o[k] += p[n + k] * c[k];
  activate(cell, 0, true, n, o);
  memcpy(cell->cell, c, n * sizeof *c);
  activate(cell, 2, false, n, cell->cell);
  for (size_t k = 0; k < n; ++k) cell->h[k] = o[k] * cell->cell[k];
}
