#ifndef OR_MODEL_MODEL_JSON_H
#define OR_MODEL_MODEL_JSON_H
/* A model's inputs and outputs as JSON, for whoever describes models. */

#include "base/json.h"
#include "openruntime/model.h"

/* The field "inputs" or "outputs": an array of {name, dtype, shape, optional}; an extent that is open is its symbol's
 * name or null, and so is a shape of unknown rank. Null without a model. */
void or_model_json_values(or_json_writer_t *json, const or_model_t *model, bool inputs);

#endif
