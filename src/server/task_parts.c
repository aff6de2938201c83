#include "server/task_parts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/multipart.h"
#include "base/numbers.h"
#include "model/tensor_json.h"

#define BOUNDARY_BYTES 48
#define HEAD_BYTES 4096 /* about what stands around the tensors */

/* Where the pieces of the response lie that are kept: up to the outputs, and behind them. */
typedef struct cut_t {
  size_t head, tail;
} cut_t;

/* The result is in the response as it is; in it a quote in a text has a backslash before it, so this is a key. */
static bool find_outputs(const or_text_t *response, const or_task_result_t *result, cut_t *out) {
  static const char before[] = "\"result\":", key[] = ",\"outputs\":{";
  const char *const text = response->data, *const end = text + response->length;
  const char *at = response->length > 0 ? memmem(text, response->length, before, sizeof before - 1) : NULL;
  if (at == NULL || (size_t)(end - at) < sizeof before - 1 + result->json.length) return false;
  at += sizeof before - 1;
  const char *outputs = memmem(at, result->json.length, key, sizeof key - 1);
  if (outputs == NULL) return false;
  out->head = (size_t)(outputs - text);
  out->tail = (size_t)(at - text) + result->json.length - 1; /* the outputs are its last field */
  return true;
}

/* Strings have no bytes of their own, and a sequence is more than one tensor. */
static bool is_part(const or_task_tensor_t *output) {
  return output->tensor != NULL && or_tensor_dtype(output->tensor) != OR_STRING;
}

static or_status_t write_reference(or_json_writer_t *json, const or_task_tensor_t *output, size_t index) {
  char part[32];
  if (!is_part(output)) return or_task_tensor_write(json->text->allocator, output, json);
  or_tensor_json_begin(json, output->tensor);
  or_json_field_string(json, "part", or_format(part, sizeof part, "output%zu", index));
  or_json_object_end(json);
  return or_status_success();
}

/* {NAME: {shape, dtype, part}} */
static or_status_t write_references(const or_task_result_t *result, or_text_t *text) {
  or_json_writer_t json;
  or_status_t status = or_status_success();
  or_json_begin(&json, text, 0);
  or_json_object_begin(&json);
  for (size_t i = 0; or_ok(status) && i < result->output_count; ++i) {
    or_json_key(&json, result->outputs[i].name);
    status = write_reference(&json, &result->outputs[i], i);
  }
  or_json_object_end(&json);
  or_status_t finished = or_json_finish(&json);
  return or_status_first(status, finished);
}

static or_status_t append_tensor(or_text_t *text, const or_tensor_t *tensor) {
  const size_t bytes = or_tensor_bytes(tensor);
  const void *data = or_tensor_data(tensor);
  or_status_t status = or_text_reserve(text, bytes);
  if (!or_ok(status) || bytes == 0) return status;
  if (data != NULL) return or_text_append(text, data, bytes);
  status = or_tensor_read(tensor, text->data + text->length, bytes);
  if (or_ok(status)) text->length += bytes;
  return status;
}

static or_status_t begin_part(or_text_t *text, const char *boundary, const char *name, const char *content_type) {
  return or_text_printf(text, "%s--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\nContent-Type: %s\r\n\r\n",
                        text->length > 0 ? "\r\n" : "", boundary, name, content_type);
}

static or_status_t write_body(const or_text_t *response, const or_task_result_t *result, const char *boundary,
                              or_text_t *text) {
  static const char key[] = ",\"outputs\":";
  cut_t cut;
  if (!find_outputs(response, result, &cut)) return or_status_success();
  or_text_t references;
  or_text_init(&references, text->allocator);
  or_status_t status = write_references(result, &references);
  if (or_ok(status)) status = begin_part(text, boundary, "response", "application/json");
  if (or_ok(status)) status = or_text_append(text, response->data, cut.head);
  if (or_ok(status)) status = or_text_append(text, key, sizeof key - 1);
  if (or_ok(status)) status = or_text_append(text, references.data, references.length);
  if (or_ok(status)) status = or_text_append(text, response->data + cut.tail, response->length - cut.tail);
  for (size_t i = 0; or_ok(status) && i < result->output_count; ++i) {
    char name[32];
    if (!is_part(&result->outputs[i])) continue;
    status = begin_part(text, boundary, or_format(name, sizeof name, "output%zu", i), "application/octet-stream");
    if (or_ok(status)) status = append_tensor(text, result->outputs[i].tensor);
  }
  if (or_ok(status)) status = or_text_printf(text, "\r\n--%s--\r\n", boundary);
  or_text_deinit(&references);
  return status;
}

static size_t bytes_of(const or_task_result_t *result) {
  size_t bytes = 0;
  for (size_t i = 0; i < result->output_count; ++i) bytes += (size_t)or_task_tensor_bytes(&result->outputs[i]);
  return bytes;
}

or_status_t or_task_parts_write(const or_text_t *response, const or_task_result_t *result, or_task_parts_body_t *out) {
  const void *const salt[2] = {result, response->data};
  const int64_t now[2] = {or_clock_ns(), or_clock_wall_us()};
  char boundary[BOUNDARY_BYTES]; /* of the instant, so that no one could put it into a tensor */
  if (result->output_count == 0 || result->output_count >= OR_MULTIPART_MAX_PARTS) return or_status_success();
  or_format(boundary, sizeof boundary, "%016llx%016llx", (unsigned long long)or_hash_bytes(now, sizeof now, 0),
            (unsigned long long)or_hash_bytes(salt, sizeof salt, (uint64_t)now[0]));
  or_format(out->content_type, sizeof out->content_type, "multipart/form-data; boundary=%s", boundary);
  or_status_t status = or_text_reserve(&out->text, bytes_of(result) + HEAD_BYTES);
  if (or_ok(status)) status = write_body(response, result, boundary, &out->text);
  if (!or_ok(status)) or_text_clear(&out->text);
  return status;
}
