#ifndef OPENRUNTIME_COMPUTE_H
#define OPENRUNTIME_COMPUTE_H
/* Single operators on tensors: a compute operation is a one-node graph of the operator catalogue, run as models are. */

#include "openruntime/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An attribute of the operator. Exactly one of the values counts, as the operator declares it. */
typedef struct or_compute_attribute_t {
  const char *name;
  int64_t integer;
  double real;
  const char *string;
  const int64_t *integers;
  size_t integer_count;
} or_compute_attribute_t;

/* Runs `op` ("MatMul", "Softmax", "openruntime:Triad") on the inputs and waits. Plans are kept by (op, attributes,
 * dtypes, shapes), so that repeating a call costs only the run. outputs: NULL entries are allocated (one reference
 * each), others written into.
 * NOT_FOUND (no such operator; the nearest name), INVALID_ARGUMENT, UNIMPLEMENTED, RESOURCE_EXHAUSTED, DEVICE_LOST. Any
 * thread. */
typedef struct or_compute_call_t {
  const char *op;
  int64_t opset; /* of ai.onnx; 0: the newest known */
  const or_compute_attribute_t *attributes;
  size_t attribute_count;
  or_tensor_t *const *inputs; /* an entry may be NULL: an optional input left out */
  size_t input_count;
  or_tensor_t **outputs;
  size_t output_count;
  bool reference; /* by the C reference */
} or_compute_call_t;
OR_API or_status_t or_compute(or_device_t *device, const or_compute_call_t *call);

/* A compute operation prepared once: a session of the one-node model, for repeated timing and for or_session_explain.
 * Inputs are named "in0", "in1", …, outputs "out0", …. Only shapes and dtypes of call->inputs are looked at, unless a
 * value decides a shape. */
OR_API or_status_t or_compute_session(or_device_t *device, const or_compute_call_t *call, or_session_t **out);

/* The catalogue. */
typedef struct or_operator_info_t {
  const char *domain; /* "" is ai.onnx */
  const char *name;
  const int *versions; /* opset versions with semantics of their own */
  size_t version_count;
  uint32_t input_min, input_max, output_min, output_max;
  const char *summary;
} or_operator_info_t;
OR_API size_t or_operator_count(void);
OR_API bool or_operator_info(size_t index, or_operator_info_t *out); /* false outside */

#ifdef __cplusplus
}
#endif
#endif
