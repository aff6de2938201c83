#ifndef OPENRUNTIME_MODEL_H
#define OPENRUNTIME_MODEL_H
/* A model: a checked graph with its weights' whereabouts, as read from a file; sessions run it. Counted, immutable, any
 * thread. */

#include "openruntime/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct or_model_t or_model_t;

/* Bounds on what a file may ask for; 0 means the default of its constant. Each error names the value and the limit. */
typedef struct or_model_limits_t {
  uint64_t file_bytes;        /* OR_MODEL_MAX_FILE_BYTES, of the .onnx file itself */
  uint64_t initializer_bytes; /* OR_MODEL_MAX_INITIALIZER_BYTES, all together */
  uint32_t nodes;             /* OR_MODEL_MAX_NODES */
  uint32_t values;            /* OR_MODEL_MAX_VALUES */
  uint64_t tensor_elements;   /* OR_MODEL_MAX_TENSOR_ELEMENTS, of any one tensor at run time */
  uint32_t nesting;           /* OR_MODEL_MAX_NESTING, of bodies in bodies, and of functions in functions */
  uint64_t loop_iterations;   /* OR_MODEL_MAX_LOOP_ITERATIONS, of one Loop or Scan */
  double loop_seconds;        /* OR_MODEL_MAX_LOOP_SECONDS, of one Loop or Scan */
  uint64_t string_bytes;      /* OR_MODEL_MAX_STRING_BYTES, of the strings of any one tensor */
  /* OR_MODEL_MAX_EXPANSION_RATIO: what a run holds at once, and what folding makes, to the bytes of weights and
   * inputs; OR_MODEL_MIN_EXPANSION_BYTES are free, or fewer if the ratio is below 1. */
  double expansion_ratio;
  uint64_t run_bytes; /* OR_MODEL_MAX_RUN_BYTES, what a run holds at once, whatever the ratio allows */
  /* OR_MODEL_MAX_FOLD_WORK, elements and multiplications that folding may take, besides 4 for each byte of weights;
   * what takes more is left to the runs. */
  uint64_t fold_work;
} or_model_limits_t;
#define OR_MODEL_MAX_FILE_BYTES ((uint64_t)2 << 30)
#define OR_MODEL_MAX_INITIALIZER_BYTES ((uint64_t)256 << 30)
#define OR_MODEL_MAX_NODES 200000u
#define OR_MODEL_MAX_VALUES 1000000u
#define OR_MODEL_MAX_TENSOR_ELEMENTS ((uint64_t)1 << 36)
#define OR_MODEL_MAX_NESTING 16u
#define OR_MODEL_MAX_LOOP_ITERATIONS ((uint64_t)1 << 32)
#define OR_MODEL_MAX_LOOP_SECONDS 3600.0
#define OR_MODEL_MAX_STRING_BYTES ((uint64_t)1 << 30)
#define OR_MODEL_MAX_EXPANSION_RATIO 1024.0
#define OR_MODEL_MAX_RUN_BYTES ((uint64_t)64 << 30)
#define OR_MODEL_MAX_FOLD_WORK ((uint64_t)1 << 27)
#define OR_MODEL_MIN_EXPANSION_BYTES ((uint64_t)1 << 30)

typedef struct or_model_options_t {
  or_model_limits_t limits;
  const char *base_directory; /* from memory: where external data lies; NULL: external data is refused */
} or_model_options_t;

/* A path: NAME.onnx, a folder with model.onnx (and model.json), a folder of versions (the highest number); or, where
 * there is no such file or folder, the name of a network that is built in, with synthetic weights: resnet50,
 * mobilenet-v2, bert-base (or bert), gpt2 (or gpt). `options` may be NULL.
 * *out: one reference. NOT_FOUND; DATA_LOSS (truncated, corrupt); INVALID_ARGUMENT (cycle, duplicate name, bad shape:
 * names node and operator); UNIMPLEMENTED (unknown operator or opset: names node, operator, domain, opset and the
 * cure); RESOURCE_EXHAUSTED (memory, a limit); PERMISSION_DENIED (external data outside the model's folder). */
OR_API or_status_t or_model_load(or_runtime_t *runtime, const char *path, const or_model_options_t *options,
                                 or_model_t **out);
/* The bytes are read during the call only. `name` is for messages. */
OR_API or_status_t or_model_load_memory(or_runtime_t *runtime, const char *name, const void *bytes, size_t length,
                                        const or_model_options_t *options, or_model_t **out);
OR_API void or_model_retain(or_model_t *model);
OR_API void or_model_release(or_model_t *model); /* takes NULL */

typedef struct or_model_value_t {
  const char *name;
  or_dtype_t dtype;
  or_shape_t shape; /* may be symbolic */
  bool optional;    /* an input with a default in the file */
  or_value_form_t form;
} or_model_value_t;
OR_API const char *or_model_name(const or_model_t *model);
OR_API const char *or_model_path(const or_model_t *model); /* of the .onnx file; "" from memory or built in */
/* "file", or "synthetic": generated numbers, for measuring, whose outputs mean nothing. Never NULL. */
OR_API const char *or_model_weights(const or_model_t *model);
OR_API size_t or_model_input_count(const or_model_t *model);
OR_API size_t or_model_output_count(const or_model_t *model);
OR_API const or_model_value_t *or_model_input(const or_model_t *model, size_t index); /* NULL outside */
OR_API const or_model_value_t *or_model_output(const or_model_t *model, size_t index);
OR_API size_t or_model_symbol_count(const or_model_t *model);
/* the name of symbol `index`: "batch"; NULL outside */
OR_API const char *or_model_symbol(const or_model_t *model, size_t index);
/* "[batch,1,28,28]" into `text`; returns it. */
OR_API char *or_model_format_shape(const or_model_t *model, const or_shape_t *shape, char *text, size_t capacity);
OR_API uint64_t or_model_weight_bytes(const or_model_t *model);
/* Bytes read so far from the files that its weights lie in: by the load, and by the sessions that packed them. What was
 * read twice counts twice. Any thread. */
OR_API uint64_t or_model_read_bytes(const or_model_t *model);
OR_API size_t or_model_node_count(const or_model_t *model); /* as in the file */
/* Class names from model.json; 0 and NULL if it has none. */
OR_API size_t or_model_label_count(const or_model_t *model);
OR_API const char *or_model_label(const or_model_t *model, size_t index);

typedef struct or_model_export_options_t {
  bool replace;       /* write over what is there */
  bool external_data; /* weights in PATH.data even if PATH could hold them (over 1.5 GiB they are there anyway) */
  /* Called on the caller's thread with what is done, 0..1; false stops. May be NULL. */
  bool (*progress)(void *self, double fraction);
  void *progress_self;
} or_model_export_options_t;
/* Writes the model as an ONNX file (and PATH.data), whole or not at all. `options` may be NULL. ALREADY_EXISTS;
 * UNIMPLEMENTED (the graph has what can't be written: named); CANCELLED; NOT_FOUND (the folder), PERMISSION_DENIED,
 * RESOURCE_EXHAUSTED (memory, disk), DATA_LOSS. Any thread. */
OR_API or_status_t or_model_export(const or_model_t *model, const char *path, const or_model_export_options_t *options);

/* A picture (PNG or JPEG bytes) as the tensor that model.json states for input `input_index`: decoded, resized, scaled,
 * batch 1. *out: one reference, host memory. FAILED_PRECONDITION (the model does not say how it takes pictures),
 * DATA_LOSS (corrupt), OUT_OF_RANGE (more than OR_IMAGE_MAX_PIXELS), UNIMPLEMENTED (format or no decoder in this build:
 * names it). */
OR_API or_status_t or_model_read_image(const or_model_t *model, size_t input_index, const void *bytes, size_t length,
                                       or_tensor_t **out);
#define OR_IMAGE_MAX_PIXELS ((uint64_t)64 << 20)

/* Texts (UTF-8) as the tensor of input `input_index`, a row each, by tokenizer.json in the model's folder: input_ids,
 * attention_mask, token_type_ids, position_ids as int64 or int32 [count, tokens of the longest], shorter ones padded;
 * past_key_values.* with a past of 0. Cut to what the model has positions for, or asks for. *out: one reference, host
 * memory. NOT_FOUND (the input takes no text); FAILED_PRECONDITION (the model has no tokenizer); INVALID_ARGUMENT (not
 * UTF-8, no token); OUT_OF_RANGE (count, length); UNIMPLEMENTED (a tokenizer's component, by name). Any thread. */
OR_API or_status_t or_model_encode_text(const or_model_t *model, size_t input_index, const or_string_t *texts,
                                        size_t count, or_tensor_t **out);
#define OR_TEXT_MAX_COUNT 65536u /* texts at once */

#ifdef __cplusplus
}
#endif
#endif
