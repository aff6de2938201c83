#ifndef OR_RUNTIME_DOOR_H
#define OR_RUNTIME_DOOR_H
/* What may be given for a model's inputs: form, dtype and shape, looked at before there is a run, even before there are
 * tensors. Messages name the input, what is wanted and what is given. Nothing here allocates, but for the words. */

#include "openruntime/value.h"

struct or_graph_t;

#define OR_DOOR_SYMBOLS ((size_t)OR_MAX_RANK * 4) /* whose values are compared; inference compares those of more */

/* On the stack of one thread. The inputs of one run, in any order: a symbol is what the first of them says. */
typedef struct or_door_t {
  const struct or_graph_t *graph; /* outlives it */
  int64_t symbols[OR_DOOR_SYMBOLS];
} or_door_t;
void or_door_open(or_door_t *door, const struct or_graph_t *graph);

/* Each of the input at that index of the graph's; INVALID_ARGUMENT says what is wrong.
 * A tensor alone: also what an optional may hold. */
or_status_t or_door_check_tensor(or_door_t *door, size_t input, or_dtype_t dtype, const or_shape_t *shape);
/* An empty optional. */
or_status_t or_door_check_nothing(const or_door_t *door, size_t input);
/* A sequence of so many elements, each of which is checked as well: */
or_status_t or_door_check_sequence(const or_door_t *door, size_t input, size_t count);
or_status_t or_door_check_element(const or_door_t *door, size_t input, size_t element, or_dtype_t dtype,
                                  const or_shape_t *shape);
/* A value; an optional may be given as what it holds. */
or_status_t or_door_check_given(or_door_t *door, size_t input, const or_value_t *value);
/* A value in the form that the model declares: an optional is an optional. */
or_status_t or_door_check_value(or_door_t *door, size_t input, const or_value_t *value);

/* INVALID_ARGUMENT: that the input has to be given; that there is no input (or output) of that name. */
or_status_t or_door_missing(const or_door_t *door, size_t input);
or_status_t or_door_unknown(const struct or_graph_t *graph, const char *name, bool input);

#endif
