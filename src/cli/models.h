#ifndef OR_CLI_MODELS_H
#define OR_CLI_MODELS_H
/* Models by name or path, and generated inputs for them: explain, verify and models share this. */

#include "cli/cli.h"
#include "model/generate.h"

/* A name below --models, or a path. Statuses of or_model_load. */
or_status_t or_cli_load_model(or_cli_t *cli, const char *name, or_model_t **out);

/* A line on stdout if a model's weights ("file", "synthetic") are not its own. */
void or_cli_note_weights(const char *weights);

typedef char or_cli_input_name_t[512];
/* "NAME=FILE" of --input: the name copied, *file a part of `pair`. False: it is not that, or the name is too long. */
bool or_cli_split_input(const char *pair, char *name, size_t capacity, const char **file);

/* The file of an --input NAME=FILE, as what the model declares; `model` may be NULL: it is not known. Either *tensor or
 * *value. Statuses of or_tensor_file_read. */
or_status_t or_cli_read_input(or_cli_t *cli, const or_model_t *model, const char *name, const char *file,
                              or_tensor_t **tensor, or_value_t **value);

/* Inputs of a model: what --input gives, the others with the extents of --batch and --dim, filled from --seed; call
 * or_model_inputs_deinit. INVALID_ARGUMENT: an input of unknown rank, a --dim or --input that the model does not have;
 * statuses of or_tensor_file_read. */
or_status_t or_cli_generate_inputs(or_cli_t *cli, const or_model_t *model, or_model_inputs_t *out);

#define OR_CLI_DIM_CURE "--dim NAME=N sets others" /* for or_model_name_extents */

/* One --dim NAME=N, by the index of its flag. INVALID_ARGUMENT: it is not that, N is not a whole number from `least` to
 * OR_MODEL_MAX_EXTENT, or an earlier --dim has the same name. */
or_status_t or_cli_read_dim(const or_cli_t *cli, size_t flag, int64_t least, or_model_dim_t *out);

/* What --precision names, or OR_DTYPE_NONE. False, with the usage error printed: no type's name. */
bool or_cli_precision(or_cli_t *cli, or_dtype_t *out);

/* Checks --batch and --seed; the error is printed. */
bool or_cli_check_generation(const or_cli_t *cli);

#endif
