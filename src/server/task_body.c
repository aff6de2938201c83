#include "server/task_body.h"

#include <string.h>

#include "base/string.h"

static or_status_t make(const or_allocator_t *allocator, or_task_body_t **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_task_body_t), &memory);
  if (!or_ok(status)) return status;
  or_task_body_t *body = memory;
  or_ref_init(&body->ref);
  body->allocator = allocator;
  *out = body;
  return status;
}

/* Room for parts. */
static or_status_t make_parts(or_task_body_t *body) {
  void *memory = NULL;
  or_status_t status = or_alloc(body->allocator, sizeof(or_task_body_parts_t), &memory);
  if (!or_ok(status)) return status;
  body->several = memory;
  body->several->multipart = (or_multipart_t){.allocator = body->allocator};
  body->parts = body->several->parts;
  body->copies = body->several->copies;
  body->blobs = body->several->blobs;
  body->tensors = body->several->tensors;
  return status;
}

static void let_go(void *self) {
  or_task_body_t *body = self;
  if (!or_ref_release(&body->ref)) return;
  const or_allocator_t *allocator = body->allocator;
  for (size_t i = 0; i < body->part_count; ++i) or_free(allocator, body->copies[i]);
  if (body->several != NULL) or_multipart_deinit(&body->several->multipart);
  or_free(allocator, body->several);
  or_json_document_free(body->document);
  or_task_free(body->task);
  or_free(allocator, body->memory);
  or_free(allocator, body);
}

void or_task_body_release(or_task_body_t *body) {
  if (body == NULL) return;
  for (size_t i = 0; i < body->tensor_count; ++i) or_task_tensor_release(&body->tensors[i]);
  body->tensor_count = 0;
  let_go(body);
}

/* What is wrong with the body's form, among the problems. */
static or_status_t tell(or_task_problems_t *problems, const char *type, or_status_t status) {
  const or_status_code_t code = or_status_code(status);
  if (code != OR_INVALID_ARGUMENT && code != OR_OUT_OF_RANGE) return status;
  or_task_problem_t *problem = &problems->items[0];
  problems->count = 1;
  problem->loc[0] = '\0';
  (void)or_format(problem->type, sizeof problem->type, "%s", type);
  (void)or_format(problem->msg, sizeof problem->msg, "%s", or_status_message(status));
  if (code == OR_INVALID_ARGUMENT) return status;
  or_status_ignore(status); /* told: the request is wrong, whatever the limit */
  return or_error(OR_INVALID_ARGUMENT, "%s", problem->msg);
}

/* The parts beside the request, in their order. */
static or_status_t cut(or_task_body_t *body, const or_task_source_t *source) {
  or_status_t status = make_parts(body);
  if (!or_ok(status)) return status;
  or_multipart_t *multipart = &body->several->multipart;
  status = or_multipart_parse(body->allocator, source->content_type, source->body, source->bytes, multipart);
  if (!or_ok(status)) return status;
  const or_multipart_part_t *request = or_multipart_find(multipart, "request");
  if (request == NULL) return or_error(OR_INVALID_ARGUMENT, "multipart/form-data: there is no part \"request\"");
  body->json = request->data;
  body->json_bytes = request->bytes;
  for (size_t i = 0; i < multipart->count; ++i) {
    const or_multipart_part_t *part = &multipart->parts[i];
    if (part == request) continue;
    if (strlen(part->name) >= OR_TASK_PART_NAME_BYTES)
      return or_error(OR_OUT_OF_RANGE, "multipart/form-data: the name of a part has %zu bytes; the limit is %d",
                      strlen(part->name), OR_TASK_PART_NAME_BYTES - 1);
    body->copies[body->part_count] = NULL;
    body->parts[body->part_count++] = (or_task_part_t){part->name, part->data, part->bytes, false};
  }
  return status;
}

static or_status_t parse(or_task_body_t *body, const or_task_source_t *source, or_task_problems_t *problems) {
  const or_task_parts_t parts = {body->parts, body->part_count};
  or_status_t status = or_json_parse_keeping_numbers(body->allocator, body->json, body->json_bytes, &body->document);
  if (!or_ok(status)) return tell(problems, "json_invalid", status);
  const or_json_value_t *root = or_json_root(body->document);
  if (source != NULL && source->check != NULL) status = source->check(source->check_self, root);
  if (or_ok(status)) status = or_task_parse_parts(body->allocator, root, &parts, problems, &body->task);
  if (or_ok(status)) body->task_id = or_json_get_string(or_json_get(root, "task_id"), NULL);
  return status;
}

or_status_t or_task_body_read(const or_allocator_t *allocator, const or_task_source_t *source,
                              or_task_problems_t *problems, or_task_body_t **out) {
  or_task_body_t *body = NULL;
  *out = NULL;
  problems->count = 0;
  or_status_t status = make(allocator, &body);
  if (!or_ok(status)) return status;
  static const char kind[] = "multipart/";
  const bool multipart = source->content_type.length >= sizeof kind - 1 &&
                         or_slice_is_nocase((or_slice_t){source->content_type.data, sizeof kind - 1}, kind);
  body->json = source->body != NULL ? source->body : "";
  body->json_bytes = source->bytes;
  if (multipart) status = cut(body, source);
  if (multipart && !or_ok(status)) status = tell(problems, "multipart_invalid", status);
  if (or_ok(status)) status = parse(body, source, problems);
  if (or_ok(status)) {
    *out = body;
  } else {
    or_task_body_release(body);
  }
  return status;
}

or_status_t or_task_body_recall(const or_allocator_t *allocator, const or_task_record_t *record,
                                const or_journal_blob_t *inputs, size_t input_count, or_task_body_t **out) {
  or_task_body_t *body = NULL;
  or_task_problems_t problems;
  *out = NULL;
  if (input_count > OR_MULTIPART_MAX_PARTS)
    return or_error(OR_OUT_OF_RANGE, "%zu parts; the limit is %d", input_count, OR_MULTIPART_MAX_PARTS);
  or_status_t status = make(allocator, &body);
  if (!or_ok(status)) return status;
  body->json = record->request;
  body->json_bytes = record->request_bytes;
  if (input_count > 0) status = make_parts(body);
  for (size_t i = 0; or_ok(status) && i < input_count; ++i) {
    status = or_alloc(allocator, inputs[i].bytes, &body->copies[i]); /* NULL on failure */
    if (!or_ok(status)) break;
    if (inputs[i].bytes > 0) memcpy(body->copies[i], inputs[i].data, inputs[i].bytes);
    body->parts[body->part_count++] = (or_task_part_t){inputs[i].name, body->copies[i], inputs[i].bytes, false};
  }
  problems.count = 0;
  if (or_ok(status)) status = parse(body, NULL, &problems);
  body->json = NULL; /* the record's, as the names of the parts are */
  if (or_ok(status)) {
    *out = body;
  } else {
    or_task_body_release(body);
  }
  return status;
}

/* The part's bytes where elements of that type can be read. */
static or_status_t align(or_task_body_t *body, size_t index, or_dtype_t dtype) {
  or_task_part_t *part = &body->parts[index];
  if (part->bytes == 0 || (uintptr_t)part->data % or_dtype_bytes(dtype, 1) == 0) return or_status_success();
  or_status_t status = or_alloc(body->allocator, part->bytes, &body->copies[index]);
  if (!or_ok(status)) return status;
  memcpy(body->copies[index], part->data, part->bytes);
  part->data = body->copies[index];
  return status;
}

static or_status_t wrap(or_task_body_t *body, or_runtime_t *runtime, const or_task_part_use_t *use) {
  size_t index = 0;
  while (strcmp(body->parts[index].name, use->part) != 0) ++index; /* the task was made of these parts */
  or_status_t status = align(body, index, use->dtype);
  if (!or_ok(status)) return status;
  const or_task_part_t *part = &body->parts[index];
  or_task_tensor_t *tensor = &body->tensors[body->tensor_count];
  (void)or_format(tensor->name, sizeof tensor->name, "%s", use->tensor);
  tensor->value = NULL;
  or_ref_retain(&body->ref);
  status = or_tensor_wrap(runtime, use->dtype, use->shape, (void *)(uintptr_t)part->data,
                          (or_owner_t){.self = body, .release = let_go}, &tensor->tensor);
  if (!or_ok(status)) {
    let_go(body);
    return status;
  }
  ++body->tensor_count;
  body->blobs[index].dtype = use->dtype;
  body->blobs[index].shape = use->shape;
  return status;
}

or_status_t or_task_body_tensors(or_task_body_t *body, or_runtime_t *runtime) {
  or_status_t status = or_status_success();
  or_task_part_use_t use;
  for (size_t i = 0; i < body->part_count; ++i) {
    const or_task_part_t *part = &body->parts[i];
    const or_shape_t bytes = or_shape_make(1, (int64_t[]){(int64_t)part->bytes});
    body->blobs[i] = (or_journal_blob_t){.name = part->name, .dtype = OR_UINT8, .shape = bytes, .bytes = part->bytes};
  }
  for (size_t i = 0; or_ok(status) && or_task_part_use(body->task, i, &use); ++i) status = wrap(body, runtime, &use);
  for (size_t i = 0; i < body->part_count; ++i) body->blobs[i].data = body->parts[i].data;
  return status;
}

or_status_t or_task_body_digest(const or_task_body_t *body, uint8_t out[OR_TASK_DIGEST_BYTES]) {
  or_store_digest_t digest;
  or_status_t status = or_store_digest_begin(&digest);
  if (!or_ok(status)) return status;
  status = or_store_digest_add(&digest, body->json, body->json_bytes);
  for (size_t i = 0; or_ok(status) && i < body->part_count; ++i) {
    const or_task_part_t *part = &body->parts[i];
    const uint64_t bytes = part->bytes;
    status = or_store_digest_add(&digest, part->name, strlen(part->name) + 1);
    if (or_ok(status)) status = or_store_digest_add(&digest, &bytes, sizeof bytes);
    if (or_ok(status)) status = or_store_digest_add(&digest, part->data, part->bytes);
  }
  or_status_t ended = or_store_digest_end(&digest, out);
  return or_status_first(status, ended);
}
