#ifndef OR_MODEL_INPUTS_H
#define OR_MODEL_INPUTS_H
/* What may be given for a model's inputs, asked without a session. */

#include "openruntime/model.h"
#include "runtime/door.h"

/* The model outlives the door; indices are those of or_model_input. */
void or_model_door(const or_model_t *model, or_door_t *out);
/* INVALID_ARGUMENT: the model has no such input; it names those that there are. */
or_status_t or_model_find_input(const or_model_t *model, const char *name, size_t *index);
/* INVALID_ARGUMENT: nothing can be generated for that input: it has no shape, or is no tensor of numbers. */
or_status_t or_model_can_generate(const or_model_t *model, size_t index);

#endif
