#ifndef OR_MODEL_GENERATE_H
#define OR_MODEL_GENERATE_H
/* Generated inputs for a model: numbers that are the same on every machine. */

#include "openruntime/session.h"

#define OR_MODEL_MAX_INPUTS 64
#define OR_MODEL_MAX_EXTENT ((int64_t)1 << 24)

/* The extent of an open dimension, as or_model_is_dim knows it. */
typedef struct or_model_dim_t {
  char name[128];
  int64_t extent;
} or_model_dim_t;

typedef struct or_model_generation_t {
  int64_t batch; /* of a first dimension that is open and not in `dims`; others become 1 */
  int64_t seed;
  const or_model_dim_t *dims;
  size_t dim_count;
  const or_binding_t *given; /* inputs by name that are taken as they are */
  size_t given_count;
} or_model_generation_t;

/* Each binding holds one reference. */
typedef struct or_model_inputs_t {
  or_binding_t items[OR_MODEL_MAX_INPUTS];
  size_t count;
} or_model_inputs_t;

/* Whether `name` means dimension `d` of that input, which is open: its symbol, or INPUT.D, D counted from 0. */
bool or_model_is_dim(const or_model_t *model, const or_model_value_t *input, int32_t d, const char *name);
/* Whether it means one of any input, or a symbol of the model. */
bool or_model_has_dim(const or_model_t *model, const char *name);

/* Every input without a default, on `device`, whose memory the host reaches, and those that are given.
 * INVALID_ARGUMENT: an input whose rank nobody knows, one of strings, a sequence or an optional that is not given, a
 * given one that the model does not have; RESOURCE_EXHAUSTED: memory, more than OR_MODEL_MAX_INPUTS. Call deinit in any
 * case. */
or_status_t or_model_generate(const or_model_t *model, or_device_t *device, const or_model_generation_t *options,
                              or_model_inputs_t *out);
void or_model_inputs_deinit(or_model_inputs_t *inputs);
/* A run that refused its inputs (INVALID_ARGUMENT, OUT_OF_RANGE) may want other extents: the message then names those
 * that the inputs have where the model leaves them open, and `cure`, where others are given. Takes and gives the
 * status. */
or_status_t or_model_name_extents(or_status_t status, const or_model_t *model, const or_model_inputs_t *inputs,
                                  const char *cure);

#endif
