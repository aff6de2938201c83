#include "openruntime/model.h"

#include <string.h>

#include "base/file.h"
#include "base/string.h"
#include "graph/onnx/onnx.h"
#include "hal/device.h"
#include "model/huggingface.h"
#include "model/model_internal.h"
#include "model/repository.h"
#include "runtime/runtime.h"
#include "runtime/session.h"

#define DESCRIPTION_BYTES ((size_t)64 << 20)

static or_status_t make_model(or_runtime_t *runtime, const or_graph_t *graph, const char *name, const char *path,
                              or_model_t **out);
static or_status_t read_description(or_model_t *model);
static or_status_t read_class_names(or_model_t *model);

or_status_t or_model_load(or_runtime_t *runtime, const char *path, const or_model_options_t *options,
                          or_model_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  const or_model_options_t defaults = {.limits = *or_runtime_model_limits(runtime)};
  or_graph_t *graph = NULL;
  char *file = NULL;
  *out = NULL;
  if (options == NULL) options = &defaults;
  or_status_t status = or_repository_resolve(allocator, path, &file);
  const or_builtin_t *builtin = or_status_code(status) == OR_NOT_FOUND && path != NULL ? or_builtin_find(path) : NULL;
  if (builtin != NULL) {
    or_status_ignore(status); /* no file of that name: the network's own */
    return or_model_load_builtin(runtime, builtin, &options->limits, out);
  }
  char name[OR_REPOSITORY_NAME_BYTES] = "";
  bool folder = false;
  if (or_ok(status)) {
    (void)or_repository_name_of(file, name, sizeof name);
    folder = !or_string_ends_with(file, ".onnx");
    status = folder ? or_huggingface_read_folder(allocator, file, name, &options->limits, &graph)
                    : or_onnx_read_file(allocator, file, &options->limits, &graph);
  }
  if (or_ok(status)) status = make_model(runtime, graph, name, file, out);
  if (or_ok(status)) status = folder ? read_class_names(*out) : read_description(*out);
  if (!or_ok(status)) {
    or_model_release(*out);
    *out = NULL;
  }
  or_graph_release(graph);
  or_free(allocator, file);
  return status;
}

or_status_t or_model_load_builtin(or_runtime_t *runtime, const or_builtin_t *builtin, const or_model_limits_t *limits,
                                  or_model_t **out) {
  or_graph_t *graph = NULL;
  *out = NULL;
  or_status_t status = or_builtin_graph(builtin, or_runtime_allocator(runtime), limits, &graph);
  if (or_ok(status)) status = make_model(runtime, graph, builtin->name, "", out);
  or_graph_release(graph);
  return status;
}

or_status_t or_model_load_memory(or_runtime_t *runtime, const char *name, const void *bytes, size_t length,
                                 const or_model_options_t *options, or_model_t **out) {
  const or_model_options_t defaults = {.limits = *or_runtime_model_limits(runtime)};
  or_graph_t *graph = NULL;
  *out = NULL;
  if (options == NULL) options = &defaults;
  or_onnx_source_t source = {.name = name, .bytes = bytes, .length = length, .base_directory = options->base_directory};
  or_status_t status = or_onnx_read_memory(or_runtime_allocator(runtime), &source, &options->limits, &graph);
  if (or_ok(status)) status = make_model(runtime, graph, name, "", out);
  or_graph_release(graph);
  return status;
}

void or_model_retain(or_model_t *model) { or_ref_retain(&model->ref); }

void or_model_release(or_model_t *model) {
  if (model == NULL || !or_ref_release(&model->ref)) return;
  or_runtime_t *runtime = model->runtime;
  or_graph_release(model->graph);
  or_arena_deinit(&model->arena);
  or_model_text_deinit(&model->text);
  or_free(or_runtime_allocator(runtime), model);
  or_runtime_release(runtime);
}

static void release_model(void *model) { or_model_release(model); }

or_status_t or_session_create(or_model_t *model, const or_session_options_t *options, or_session_t **out) {
  or_owner_t keep_alive = {model, release_model};
  or_status_t status = or_session_create_for_graph(model->runtime, model->graph, options, keep_alive, out);
  if (or_ok(status)) or_model_retain(model); /* released by the session */
  return status;
}

static or_status_t copy_values(or_model_t *model, const or_value_id_t *ids, size_t count, bool input,
                               or_model_value_t **out) {
  void *memory = NULL;
  or_status_t status = or_arena_array(&model->arena, count + 1, sizeof(or_model_value_t), &memory);
  if (!or_ok(status)) return status;
  *out = memory;
  for (size_t i = 0; i < count; ++i) {
    const or_value_info_t *value = &model->graph->values[ids[i]];
    (*out)[i] =
        (or_model_value_t){value->name, value->dtype, value->shape, input && value->constant != NULL, value->form};
  }
  return status;
}

static or_status_t make_model(or_runtime_t *runtime, const or_graph_t *graph, const char *name, const char *path,
                              or_model_t **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(or_runtime_allocator(runtime), sizeof(or_model_t), &memory);
  if (!or_ok(status)) return status;
  or_model_t *model = memory;
  or_ref_init(&model->ref);
  model->runtime = runtime;
  model->graph = graph;
  or_runtime_retain(runtime);
  or_graph_retain(graph);
  or_arena_init(&model->arena, or_runtime_allocator(runtime));
  or_model_text_init(&model->text);
  status = or_arena_strndup(&model->arena, name, strlen(name), &model->name);
  if (or_ok(status)) status = or_arena_strndup(&model->arena, path, strlen(path), &model->path);
  if (or_ok(status)) status = copy_values(model, graph->inputs, graph->input_count, true, &model->inputs);
  if (or_ok(status)) status = copy_values(model, graph->outputs, graph->output_count, false, &model->outputs);
  if (!or_ok(status)) {
    or_model_release(model);
    return status;
  }
  *out = model;
  return status;
}

/* model.json beside model.onnx; NAME.json beside NAME.onnx. A model without one is complete. */
static or_status_t read_description(or_model_t *model) {
  const or_allocator_t *allocator = or_runtime_allocator(model->runtime);
  or_text_t path;
  char *text = NULL;
  size_t length = 0;
  or_text_init(&path, allocator);
  or_status_t status = or_text_append(&path, model->path, strlen(model->path) - strlen(".onnx"));
  if (or_ok(status)) status = or_text_append_string(&path, ".json");
  if (or_ok(status)) status = or_file_read(allocator, or_text_string(&path), DESCRIPTION_BYTES, &text, &length);
  if (or_ok(status)) {
    status = or_model_describe(model, or_text_string(&path), text, length);
  } else if (or_status_code(status) == OR_NOT_FOUND) {
    or_status_ignore(status); /* the file is optional */
    status = or_status_success();
  }
  or_free(allocator, text);
  or_text_deinit(&path);
  return status;
}

/* What classifies has names for its classes in config.json, where they are not the default ones. */
static or_status_t read_class_names(or_model_t *model) {
  const or_allocator_t *allocator = or_runtime_allocator(model->runtime);
  char path[OR_FILE_PATH_BYTES], *text = NULL;
  size_t length = 0;
  if (strcmp(model->outputs[0].name, "probabilities") != 0) return or_status_success();
  or_format(path, sizeof path, "%s/config.json", model->path);
  or_status_t status = or_file_read(allocator, path, DESCRIPTION_BYTES, &text, &length);
  if (or_ok(status)) status = or_model_describe_config(model, path, text, length);
  or_free(allocator, text);
  return status;
}

const char *or_model_name(const or_model_t *model) { return model->name; }
const char *or_model_path(const or_model_t *model) { return model->path; }
const char *or_model_weights(const or_model_t *model) { return model->graph->synthetic ? "synthetic" : "file"; }
size_t or_model_input_count(const or_model_t *model) { return model->graph->input_count; }
size_t or_model_output_count(const or_model_t *model) { return model->graph->output_count; }
const or_model_value_t *or_model_input(const or_model_t *model, size_t index) {
  return index < model->graph->input_count ? &model->inputs[index] : NULL;
}
const or_model_value_t *or_model_output(const or_model_t *model, size_t index) {
  return index < model->graph->output_count ? &model->outputs[index] : NULL;
}
size_t or_model_symbol_count(const or_model_t *model) { return model->graph->symbol_count; }
const char *or_model_symbol(const or_model_t *model, size_t index) {
  return index < model->graph->symbol_count ? model->graph->symbols[index] : NULL;
}
char *or_model_format_shape(const or_model_t *model, const or_shape_t *shape, char *text, size_t capacity) {
  return or_graph_format_shape(model->graph, shape, text, capacity);
}
uint64_t or_model_weight_bytes(const or_model_t *model) { return model->graph->weight_bytes; }
uint64_t or_model_read_bytes(const or_model_t *model) { return or_graph_bytes_read(model->graph); }
size_t or_model_node_count(const or_model_t *model) { return model->graph->file_node_count; }
size_t or_model_label_count(const or_model_t *model) { return model->description.label_count; }
const char *or_model_label(const or_model_t *model, size_t index) {
  return index < model->description.label_count ? model->description.labels[index] : NULL;
}

or_status_t or_model_export(const or_model_t *model, const char *path, const or_model_export_options_t *options) {
  return or_onnx_write_file(model->graph, path, options);
}

or_status_t or_model_read_image(const or_model_t *model, size_t input_index, const void *bytes, size_t length,
                                or_tensor_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(model->runtime);
  or_image_t image;
  *out = NULL;
  if (input_index >= model->graph->input_count) {
    return or_error(OR_OUT_OF_RANGE, "the model has %zu inputs; there is none of index %zu", model->graph->input_count,
                    input_index);
  }
  const char *name = model->inputs[input_index].name;
  const or_image_input_t *input = model->description.images != NULL ? &model->description.images[input_index] : NULL;
  if (input == NULL || !input->stated) {
    return or_error(OR_FAILED_PRECONDITION,
                    "model \"%s\" does not say how input \"%s\" takes a picture: add inputs.%s.image to its model.json",
                    model->name, name, name);
  }
  or_status_t status = or_image_decode(allocator, bytes, length, OR_IMAGE_MAX_PIXELS, &image);
  if (!or_ok(status)) return status;
  int64_t channels = input->channels == OR_IMAGE_GRAY ? 1 : 3;
  int64_t nchw[4] = {1, channels, input->height, input->width}, nhwc[4] = {1, input->height, input->width, channels};
  or_tensor_t *tensor = NULL;
  or_device_t *host = or_runtime_host_device(model->runtime);
  if (host == NULL) status = or_error(OR_UNAVAILABLE, "the runtime has no device whose memory is the host's");
  if (or_ok(status))
    status = or_tensor_create(host, OR_FLOAT32, or_shape_make(4, input->channels_last ? nhwc : nchw), &tensor);
  if (or_ok(status)) status = or_image_to_input(allocator, &image, input, (float *)(uintptr_t)or_tensor_data(tensor));
  if (or_ok(status)) {
    *out = tensor;
  } else {
    or_tensor_release(tensor);
  }
  or_free(allocator, image.rgba);
  return status;
}
