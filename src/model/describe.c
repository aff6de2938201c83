/* model.json: labels, and how inputs take pictures; config.json: labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/model_internal.h"

#define MAX_LABELS 1000000u

static or_status_t read_labels(or_model_t *model, const or_json_value_t *root);
static or_status_t read_image(const char *input, const or_json_value_t *image, or_image_input_t *out);
static or_status_t fit_to_input(const or_model_value_t *value, or_image_input_t *image);

static or_status_t read_inputs(or_model_t *model, const or_json_value_t *root) {
  void *memory = NULL;
  const or_json_value_t *inputs = or_json_get(root, "inputs");
  or_status_t status = or_arena_array(&model->arena, model->graph->input_count + 1, sizeof(or_image_input_t), &memory);
  if (!or_ok(status)) return status;
  model->description.images = memory;
  if (inputs != NULL && or_json_kind(inputs) != OR_JSON_OBJECT)
    return or_error(OR_INVALID_ARGUMENT, "inputs: not an object of the model's inputs");
  for (size_t k = 0; or_ok(status) && k < or_json_count(inputs); ++k) {
    const or_json_value_t *entry = NULL;
    const char *name = or_json_key_at(inputs, k, &entry);
    const or_json_value_t *image = or_json_get(entry, "image");
    if (image == NULL) continue;
    size_t index = 0;
    while (index < model->graph->input_count && strcmp(model->inputs[index].name, name) != 0) ++index;
    if (index == model->graph->input_count)
      return or_error(OR_INVALID_ARGUMENT, "inputs: the model has no input \"%s\"", name);
    status = read_image(name, image, &model->description.images[index]);
    if (or_ok(status)) status = fit_to_input(&model->inputs[index], &model->description.images[index]);
  }
  return status;
}

or_status_t or_model_describe(or_model_t *model, const char *json_path, const char *text, size_t length) {
  or_json_document_t *document = NULL;
  or_status_t status = or_json_parse(model->graph->allocator, text, length, &document);
  if (or_ok(status)) {
    const or_json_value_t *root = or_json_root(document);
    status = or_json_kind(root) == OR_JSON_OBJECT ? read_labels(model, root)
                                                  : or_error(OR_INVALID_ARGUMENT, "the document is not an object");
    if (or_ok(status)) status = read_inputs(model, root);
  }
  or_json_document_free(document);
  return or_status_context(status, "%s", json_path);
}

static or_status_t read_labels(or_model_t *model, const or_json_value_t *root) {
  const or_json_value_t *labels = or_json_get(root, "labels");
  size_t count = or_json_count(labels);
  void *memory = NULL;
  if (labels == NULL) return or_status_success();
  if (or_json_kind(labels) != OR_JSON_ARRAY) return or_error(OR_INVALID_ARGUMENT, "labels: not an array");
  if (count > MAX_LABELS) return or_error(OR_OUT_OF_RANGE, "labels: %zu of them; the limit is %u", count, MAX_LABELS);
  or_status_t status = or_arena_array(&model->arena, count + 1, sizeof(char *), &memory);
  if (!or_ok(status)) return status;
  model->description.labels = memory;
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const char *label = or_json_get_string(or_json_at(labels, i), NULL);
    if (label == NULL) return or_error(OR_INVALID_ARGUMENT, "labels[%zu]: not a string", i);
    status = or_arena_strndup(&model->arena, label, strlen(label), &model->description.labels[i]);
  }
  if (or_ok(status)) model->description.label_count = count;
  return status;
}

/* id2label: {"0": "NEGATIVE", "1": "POSITIVE"} */
static or_status_t read_class_names(or_model_t *model, const or_json_value_t *names) {
  size_t count = or_json_count(names);
  void *memory = NULL;
  if (or_json_kind(names) != OR_JSON_OBJECT || count == 0) return or_status_success();
  if (count > MAX_LABELS) return or_error(OR_OUT_OF_RANGE, "id2label: %zu of them; the limit is %u", count, MAX_LABELS);
  or_status_t status = or_arena_array(&model->arena, count, sizeof(char *), &memory);
  if (!or_ok(status)) return status;
  const char **labels = memory;
  for (size_t i = 0; i < count; ++i) labels[i] = NULL;
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const or_json_value_t *name = NULL;
    const char *key = or_json_key_at(names, i, &name);
    char *end = NULL;
    unsigned long index = key[0] >= '0' && key[0] <= '9' ? strtoul(key, &end, 10) : count;
    const char *label = or_json_get_string(name, NULL);
    if (index >= count || *end != '\0' || labels[index] != NULL || label == NULL)
      return or_error(OR_INVALID_ARGUMENT, "id2label: \"%.32s\" is no text for a number below %zu of its own", key,
                      count);
    status = or_arena_strndup(&model->arena, label, strlen(label), &labels[index]);
  }
  if (!or_ok(status)) return status;
  model->description.labels = labels;
  model->description.label_count = count;
  return status;
}

or_status_t or_model_describe_config(or_model_t *model, const char *json_path, const char *text, size_t length) {
  or_json_document_t *document = NULL;
  or_status_t status = or_json_parse(model->graph->allocator, text, length, &document);
  if (or_ok(status)) status = read_class_names(model, or_json_get(or_json_root(document), "id2label"));
  or_json_document_free(document);
  return or_status_context(status, "%s", json_path);
}

/* One of a field's words, as its index; `fallback` if the field is absent. */
static or_status_t read_word(const or_json_value_t *image, const char *key, const char *const *words, int *index) {
  const or_json_value_t *value = or_json_get(image, key);
  if (value == NULL) return or_status_success();
  const char *word = or_json_get_string(value, "");
  for (int i = 0; words[i] != NULL; ++i) {
    if (strcmp(words[i], word) == 0) {
      *index = i;
      return or_status_success();
    }
  }
  return or_error(OR_INVALID_ARGUMENT, "\"%s\": \"%s\" is none of %s, %s%s%s", key, word, words[0], words[1],
                  words[2] != NULL ? ", " : "", words[2] != NULL ? words[2] : "");
}

static or_status_t read_numbers(const or_json_value_t *image, const char *key, int channels, double *out) {
  const or_json_value_t *value = or_json_get(image, key);
  if (value == NULL) return or_status_success();
  if (or_json_count(value) != (size_t)channels) {
    return or_error(OR_INVALID_ARGUMENT, "\"%s\" has %zu numbers; there are %d channels", key, or_json_count(value),
                    channels);
  }
  for (int c = 0; c < channels; ++c) {
    out[c] = or_json_get_double(or_json_at(value, (size_t)c), NAN);
    if (!isfinite(out[c])) return or_error(OR_INVALID_ARGUMENT, "\"%s\"[%d] is not a number", key, c);
  }
  return or_status_success();
}

static or_status_t read_extent(const or_json_value_t *image, const char *key, int64_t *out) {
  const or_json_value_t *value = or_json_get(image, key);
  *out = 0;
  if (value == NULL) return or_status_success();
  if (or_json_kind(value) != OR_JSON_INTEGER) return or_error(OR_INVALID_ARGUMENT, "\"%s\" is not a whole number", key);
  *out = or_json_get_int(value, 0);
  if (*out >= 1 && *out <= 65536) return or_status_success();
  return or_error(OR_OUT_OF_RANGE, "\"%s\" is %lld; it must be from 1 to 65536", key, (long long)*out);
}

static or_status_t read_image(const char *input, const or_json_value_t *image, or_image_input_t *out) {
  static const char *const channels[] = {"rgb", "bgr", "gray", NULL}, *const layouts[] = {"NCHW", "NHWC", NULL},
                           *const resizes[] = {"bilinear", "nearest", NULL};
  int channel = OR_IMAGE_RGB, layout = 0, resize = 0;
  *out = (or_image_input_t){.stated = true, .scale = 1.0 / 255.0, .std = {1, 1, 1}};
  const or_json_value_t *invert = or_json_get(image, "invert");
  or_status_t status = or_status_success();
  if (or_json_kind(image) != OR_JSON_OBJECT) status = or_error(OR_INVALID_ARGUMENT, "not an object");
  if (or_ok(status) && or_json_get(image, "scale") != NULL)
    out->scale = or_json_get_double(or_json_get(image, "scale"), NAN);
  if (or_ok(status) && !isfinite(out->scale)) status = or_error(OR_INVALID_ARGUMENT, "\"scale\" is not a number");
  if (or_ok(status) && invert != NULL && or_json_kind(invert) != OR_JSON_BOOL)
    status = or_error(OR_INVALID_ARGUMENT, "\"invert\" is neither true nor false");
  if (or_ok(status)) status = read_word(image, "channels", channels, &channel);
  if (or_ok(status)) status = read_word(image, "layout", layouts, &layout);
  if (or_ok(status)) status = read_word(image, "resize", resizes, &resize);
  if (or_ok(status)) status = read_extent(image, "width", &out->width);
  if (or_ok(status)) status = read_extent(image, "height", &out->height);
  int count = channel == OR_IMAGE_GRAY ? 1 : 3;
  if (or_ok(status)) status = read_numbers(image, "mean", count, out->mean);
  if (or_ok(status)) status = read_numbers(image, "std", count, out->std);
  for (int c = 0; or_ok(status) && c < count; ++c) {
    if (out->std[c] == 0.0) status = or_error(OR_INVALID_ARGUMENT, "\"std\"[%d] is 0", c);
  }
  out->channels = (or_image_channels_t)channel;
  out->channels_last = layout == 1;
  out->nearest = resize == 1;
  out->invert = or_json_get_bool(invert, false);
  return or_status_context(status, "inputs.%s.image", input);
}

/* The tensor that the picture becomes must be one that the input takes. */
static or_status_t fit_to_input(const or_model_value_t *value, or_image_input_t *image) {
  const or_shape_t *shape = &value->shape;
  int64_t channels = image->channels == OR_IMAGE_GRAY ? 1 : 3;
  if (value->dtype != OR_FLOAT32 || shape->rank != 4) {
    return or_error(OR_INVALID_ARGUMENT,
                    "inputs.%s.image: the input is %s of rank %d; pictures become float32 of rank 4", value->name,
                    or_dtype_name(value->dtype), shape->rank);
  }
  int h = image->channels_last ? 1 : 2, c = image->channels_last ? 3 : 1;
  if (image->height == 0 && shape->dims[h] > 0) image->height = shape->dims[h];
  if (image->width == 0 && shape->dims[h + 1] > 0) image->width = shape->dims[h + 1];
  int64_t made[4] = {1, 0, 0, 0};
  made[c] = channels;
  made[h] = image->height;
  made[h + 1] = image->width;
  for (int d = 0; d < 4; ++d) {
    if (made[d] <= 0)
      return or_error(OR_INVALID_ARGUMENT, "inputs.%s.image: width and height are needed: the input leaves them open",
                      value->name);
    if (d > 0 && shape->dims[d] >= 0 && shape->dims[d] != made[d]) {
      return or_error(OR_INVALID_ARGUMENT, "inputs.%s.image: dimension %d of the input is %lld, the picture gives %lld",
                      value->name, d, (long long)shape->dims[d], (long long)made[d]);
    }
  }
  if ((uint64_t)image->width * (uint64_t)image->height > OR_IMAGE_MAX_PIXELS) {
    return or_error(OR_OUT_OF_RANGE, "inputs.%s.image: %lld x %lld pixels; the limit is %llu", value->name,
                    (long long)image->width, (long long)image->height, (unsigned long long)OR_IMAGE_MAX_PIXELS);
  }
  return or_status_success();
}
