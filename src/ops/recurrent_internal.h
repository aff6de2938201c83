#ifndef OR_OPS_RECURRENT_INTERNAL_H
#define OR_OPS_RECURRENT_INTERNAL_H
/* One step of one sequence, in double. */

#include "ops/recurrent.h"

/* A direction's weights, and the state of the sequence in hand. N is the hidden size, `rows` gates N. */
typedef struct or_recurrent_cell_t {
  const or_recurrent_t *recurrent;
  int64_t direction;
  size_t input, hidden, rows;
  double *w, *r;       /* transposed: [input][rows], [hidden][rows] */
  double *w_bias;      /* [rows] */
  double *r_bias;      /* [rows] */
  double *peepholes;   /* [3][hidden]: of i, o, f */
  double *x;           /* [input]: what the step reads */
  double *h, *c;       /* [hidden]: before and after the step */
  double *gates;       /* [rows] */
  double *part, *cell; /* [hidden]: scratch */
} or_recurrent_cell_t;

/* Takes h and c on by one step. */
void or_recurrent_cell_step(or_recurrent_cell_t *cell);

#endif
