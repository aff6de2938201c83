#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/string.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/remote.h"
#include "cli/request.h"
#include "model/tensor_file.h"
#include "model/value_file.h"
#include "model/value_json.h"

#define MAX_IMAGES 64
#define MAX_TEXTS OR_CLI_MAX_VALUES
#define MAX_INPUTS 128
#define MAX_SHOWN_ELEMENTS 32 /* of a sequence */
#define MAX_IMAGE_BYTES ((size_t)256 << 20)

/* Tensors given by --input. Each holds one reference. */
typedef struct inputs_t {
  or_task_tensor_t items[MAX_INPUTS];
  size_t count;
} inputs_t;

static int read_inputs(or_cli_t *cli, inputs_t *inputs);
static int infer_once(or_cli_t *cli, const inputs_t *inputs, const char *image, const char *label);
static void print_similarities(or_cli_t *cli, const or_json_value_t *matrix);
static size_t collect(const or_cli_t *cli, const char *flag, const char **out, size_t capacity);
static bool check_texts(or_cli_t *cli);

int or_cli_infer_command(or_cli_t *cli) {
  const char *images[MAX_IMAGES];
  inputs_t inputs = {.count = 0};
  size_t image_count = collect(cli, "--image", images, MAX_IMAGES);
  if (image_count > 0 && or_cli_has(cli, "--text")) return or_cli_usage_error(cli, "give --image or --text, not both");
  if (image_count > MAX_IMAGES) return or_cli_usage_error(cli, "more than %d pictures", MAX_IMAGES);
  if (cli->json && image_count > 1) return or_cli_usage_error(cli, "--json prints one document: give one --image");
  if (!check_texts(cli)) return OR_EXIT_USAGE;
  if ((!or_cli_is_remote(cli) || or_cli_has(cli, "--input")) && !or_cli_runtime(cli)) return cli->code;
  int code = read_inputs(cli, &inputs);
  for (size_t i = 0; code == OR_EXIT_OK && i < image_count; ++i) {
    const char *slash = strrchr(images[i], '/');
    code = infer_once(cli, &inputs, images[i], image_count > 1 ? (slash != NULL ? slash + 1 : images[i]) : NULL);
  }
  if (code == OR_EXIT_OK && image_count == 0) code = infer_once(cli, &inputs, NULL, NULL);
  for (size_t i = 0; i < inputs.count; ++i) or_task_tensor_release(&inputs.items[i]);
  return code;
}

static size_t collect(const or_cli_t *cli, const char *flag, const char **out, size_t capacity) {
  size_t count = 0;
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    if (strcmp(cli->arguments.flags[i].flag->name, flag) != 0) continue;
    if (count < capacity) out[count] = cli->arguments.flags[i].value;
    ++count;
  }
  return count;
}

/* Here, where the bytes are still as they were given: JSON can't carry them all. */
static bool check_texts(or_cli_t *cli) {
  const char *texts[MAX_TEXTS];
  size_t count = collect(cli, "--text", texts, MAX_TEXTS);
  for (size_t i = 0; i < count; ++i) {
    const size_t length = strlen(texts[i]);
    size_t at = 0, width = 1;
    for (; at < length && width > 0; at += width) width = or_utf8_character(texts[i] + at, length - at);
    if (width > 0) continue;
    (void)or_cli_usage_error(cli, "--text number %zu: byte %zu (0x%02X) is not UTF-8", i + 1, at,
                             (unsigned)(unsigned char)texts[i][at]); /* its code is OR_EXIT_USAGE */
    return false;
  }
  return true;
}

/* The model, to be asked what it declares; a server's is not at hand: *model stays NULL. */
static or_status_t load_declared(or_cli_t *cli, or_model_t **model) {
  return or_cli_is_remote(cli) ? or_status_success() : or_cli_load_model(cli, cli->arguments.words[0], model);
}

/* `model` is loaded at the first file whose form only it knows. */
static int read_input(or_cli_t *cli, const char *pair, inputs_t *inputs, or_model_t **model) {
  const char *file = NULL;
  or_task_tensor_t *item = &inputs->items[inputs->count];
  if (!or_cli_split_input(pair, item->name, sizeof item->name, &file))
    return or_cli_usage_error(cli, "--input %s: must be NAME=FILE, NAME being at most %zu bytes", pair,
                              sizeof item->name - 1);
  for (size_t k = 0; k < inputs->count; ++k) {
    if (strcmp(inputs->items[k].name, item->name) == 0)
      return or_cli_usage_error(cli, "--input %s: the input is given twice", pair);
  }
  or_status_t status =
      or_string_ends_with(file, ".pb") && *model == NULL ? load_declared(cli, model) : or_status_success();
  if (or_ok(status)) status = or_cli_read_input(cli, *model, item->name, file, &item->tensor, &item->value);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  ++inputs->count;
  return OR_EXIT_OK;
}

static int read_inputs(or_cli_t *cli, inputs_t *inputs) {
  const char *pairs[MAX_INPUTS];
  or_model_t *model = NULL;
  const size_t count = collect(cli, "--input", pairs, MAX_INPUTS);
  if (count > MAX_INPUTS) return or_cli_usage_error(cli, "more than %d inputs", MAX_INPUTS);
  int code = OR_EXIT_OK;
  for (size_t i = 0; code == OR_EXIT_OK && i < count; ++i) code = read_input(cli, pairs[i], inputs, &model);
  or_model_release(model);
  return code;
}

/* The picture goes beside the request; *bytes is the caller's until that has been carried out. */
static or_status_t add_image(or_cli_request_t *request, const char *path, char **bytes) {
  size_t length = 0;
  or_status_t status = or_file_read(request->cli->allocator, path, MAX_IMAGE_BYTES, bytes, &length);
  if (!or_ok(status)) return status;
  or_json_key(&request->json, "image");
  or_json_object_begin(&request->json);
  (void)or_cli_request_part(request, "image", *bytes, length); /* it is the first: there is room */
  or_json_object_end(&request->json);
  return status;
}

static void add_texts(or_cli_t *cli, or_cli_request_t *request) {
  const char *texts[MAX_TEXTS];
  size_t count = collect(cli, "--text", texts, MAX_TEXTS);
  if (count == 0) return;
  or_json_key(&request->json, "text");
  if (count > 1) or_json_array_begin(&request->json);
  for (size_t i = 0; i < count; ++i) or_json_string(&request->json, texts[i]);
  if (count > 1) or_json_array_end(&request->json);
}

static void print_predictions(or_cli_t *cli, const or_json_value_t *root, const char *label) {
  const or_json_value_t *rows = or_json_get(root, "predictions");
  for (size_t r = 0; r < or_json_count(rows); ++r) {
    const or_json_value_t *row = or_json_at(rows, r);
    if (label != NULL) (void)printf("%-20s ", label);
    for (size_t k = 0; k < or_json_count(row); ++k) {
      const or_json_value_t *prediction = or_json_at(row, k);
      const char *style = or_cli_style(cli, k == 0 ? OR_CLI_BOLD : OR_CLI_DIM);
      (void)printf(
          "%s%s%s %.1f %%%s", k > 0 ? "   " : "", style, or_json_get_string(or_json_get(prediction, "label"), "?"),
          100.0 * or_json_get_double(or_json_get(prediction, "probability"), NAN), or_cli_style(cli, OR_CLI_PLAIN));
    }
    (void)printf("\n");
  }
}

/* A row; of a sequence one for itself and one for each element. */
static void print_output(or_cli_table_t *table, const char *name, const or_tensor_t *tensor, const or_value_t *value) {
  char text[256];
  if (value != NULL && or_value_kind(value) == OR_VALUE_OPTIONAL && or_value_count(value) > 0)
    value = or_value_element(value, 0);
  if (value != NULL && or_value_kind(value) == OR_VALUE_TENSOR) tensor = or_value_tensor(value);
  or_cli_table_cell(table, "%s", name);
  if (tensor != NULL) {
    or_cli_table_cell(table, "%s", or_dtype_name(or_tensor_dtype(tensor)));
    or_cli_table_cell(table, "%s", or_shape_format(or_tensor_shape(tensor), text, sizeof text));
    or_cli_table_cell(table, "%zu", or_tensor_bytes(tensor));
    return;
  }
  const size_t count = or_value_count(value);
  const bool sequence = or_value_kind(value) == OR_VALUE_SEQUENCE;
  or_cli_table_cell(table, "%s", sequence ? "sequence" : "optional");
  or_cli_table_cell(table, "%s", sequence ? or_format(text, sizeof text, "%zu tensors", count) : "empty");
  or_cli_table_cell(table, "%llu", (unsigned long long)or_value_bytes(value));
  for (size_t i = 0; sequence && i < count && i < MAX_SHOWN_ELEMENTS; ++i)
    print_output(table, or_format(text, sizeof text, "%s[%zu]", name, i), NULL, or_value_element(value, i));
}

static void print_outputs(or_cli_t *cli, const or_task_result_t *result) {
  if (result->output_count == 0) return; /* a server keeps those of generated inputs to itself */
  or_cli_table_t *table = or_cli_table_create(cli, "OUTPUT|DTYPE|SHAPE|>BYTES");
  for (size_t i = 0; i < result->output_count; ++i) {
    print_output(table, result->outputs[i].name, result->outputs[i].tensor, result->outputs[i].value);
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
}

static int write_outputs(or_cli_t *cli, const or_task_result_t *result) {
  const char *directory = or_cli_value(cli, "--output");
  if (result->output_count == 0)
    return or_cli_fail(cli, or_error(OR_FAILED_PRECONDITION,
                                     "--output: a server gives back what it makes of given input alone: "
                                     "give --input, --image or --text"));
  for (size_t i = 0; i < result->output_count; ++i) {
    const or_task_tensor_t *output = &result->outputs[i];
    or_status_t status = output->value != NULL
                             ? or_value_file_write(cli->runtime, directory, output->name, output->value)
                             : or_tensor_file_write(cli->runtime, directory, output->name, output->tensor);
    if (!or_ok(status)) return or_cli_fail(cli, status);
  }
  return OR_EXIT_OK;
}

static int infer_once(or_cli_t *cli, const inputs_t *inputs, const char *image, const char *label) {
  or_cli_request_t request;
  or_cli_outcome_t outcome;
  char *picture = NULL;
  or_cli_request_begin(&request, cli, "inference");
  or_json_field_string(&request.json, "model", cli->arguments.words[0]);
  if (or_cli_value(cli, "--top") != NULL) or_cli_request_field(&request, "top_k", or_cli_value(cli, "--top"));
  if (or_cli_value(cli, "--precision") != NULL)
    or_json_field_string(&request.json, "precision", or_cli_value(cli, "--precision"));
  add_texts(cli, &request);
  or_status_t status = image != NULL ? add_image(&request, image, &picture) : or_status_success();
  if (!or_ok(status)) {
    or_cli_request_drop(&request);
    return or_cli_fail(cli, status);
  }
  or_cli_execution_t execution = {
      .tensors = inputs->items, .tensor_count = inputs->count, .wants_outputs = true, .subject = image};
  int code = or_cli_request_execute(&request, &execution, true, &outcome);
  or_free(cli->allocator, picture);
  if (code == OR_EXIT_OK && or_cli_has(cli, "--output")) code = write_outputs(cli, &outcome.result);
  if (code == OR_EXIT_OK && !cli->json) {
    bool labelled = or_json_kind(or_json_get(outcome.root, "predictions")) == OR_JSON_ARRAY;
    print_predictions(cli, outcome.root, label);
    const or_json_value_t *similarities = or_json_get(outcome.root, "similarities");
    if (or_json_kind(similarities) == OR_JSON_ARRAY) {
      print_similarities(cli, similarities);
    } else if (!labelled) {
      print_outputs(cli, &outcome.result);
    }
    or_cli_note_weights(or_json_get_string(or_json_get(outcome.root, "weights"), ""));
    if (!cli->quiet && strcmp(or_json_get_string(or_json_get(outcome.root, "inputs"), ""), "generated") == 0)
      (void)fprintf(
          stderr,
          "openruntime: the input was generated: give --image or --input to see an answer that means something\n");
    if (label == NULL && !cli->quiet) {
      (void)fprintf(stderr, "%s on %s: %.3f ms (median of %lld)\n",
                    or_json_get_string(or_json_get(outcome.root, "model"), ""), outcome.result.device_used,
                    or_json_get_double(or_json_get(outcome.root, "latency_ms"), NAN),
                    (long long)or_json_get_int(or_json_get(outcome.root, "runs"), 0));
    }
  }
  or_cli_outcome_deinit(&outcome);
  return code;
}

static double similarity(const or_json_value_t *row, size_t index) {
  return or_json_get_double(or_json_at(row, index), -INFINITY);
}

/* The other texts, the most similar to the first one first; equal ones in their order. */
static void print_similarities(or_cli_t *cli, const or_json_value_t *matrix) {
  const char *texts[MAX_TEXTS] = {""};
  bool printed[MAX_TEXTS] = {true};
  const or_json_value_t *row = or_json_at(matrix, 0);
  size_t count = collect(cli, "--text", texts, MAX_TEXTS);
  if (or_json_count(row) < count) count = or_json_count(row);
  (void)printf("similarity to \"%s\"\n", texts[0]);
  for (size_t line = 1; line < count; ++line) {
    size_t best = 0;
    for (size_t i = 1; i < count; ++i) {
      if (printed[i]) continue;
      if (best == 0 || similarity(row, i) > similarity(row, best)) best = i;
    }
    printed[best] = true;
    (void)printf("%7.3f  %s\n", similarity(row, best), texts[best]);
  }
}
