#ifndef OR_SERVER_TASK_BODY_H
#define OR_SERVER_TASK_BODY_H
/* The body that asks for a task: JSON, or multipart/form-data whose part "request" is the JSON and whose further parts
 * are tensors' bytes or a picture. The parts are not copied (but for those that lie where their type can't be read):
 * tensors are views of the body, and keep it. */

#include "base/multipart.h"
#include "base/thread.h"
#include "store/store.h"
#include "task/task.h"

/* Of a body that has parts. */
typedef struct or_task_body_parts_t {
  or_multipart_t multipart;
  or_task_part_t parts[OR_MULTIPART_MAX_PARTS];
  void *copies[OR_MULTIPART_MAX_PARTS]; /* of parts that had to be copied */
  or_journal_blob_t blobs[OR_MULTIPART_MAX_PARTS];
  or_task_tensor_t tensors[OR_MULTIPART_MAX_PARTS];
} or_task_body_parts_t;

/* Counted: its reader and each of its tensors. */
typedef struct or_task_body_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  or_json_document_t *document;
  or_task_t *task;     /* taken by setting it to NULL */
  const char *task_id; /* in the document; NULL: not given */
  const char *json;    /* of the request */
  size_t json_bytes;
  void *memory; /* what the parts lie in, given back (or_free) with the last reference; NULL: someone else's */
  or_task_body_parts_t *several; /* NULL: there are no parts; else what the next four point into */
  or_task_part_t *parts;
  void **copies;
  or_journal_blob_t *blobs;
  or_task_tensor_t *tensors;
  size_t part_count, tensor_count;
} or_task_body_t;

typedef struct or_task_source_t {
  or_slice_t content_type;
  const char *body;
  size_t bytes;
  /* Asked before the request is looked at any closer: a failure is returned. May be NULL. */
  or_status_t (*check)(void *self, const or_json_value_t *request);
  void *check_self;
} or_task_source_t;

/* Reads and checks; `problems` has what is wrong with the request, the status then being INVALID_ARGUMENT. The source
 * must live as long as the body that is made of it, or be given to it (or_task_body_t.memory). *out: one reference. */
or_status_t or_task_body_read(const or_allocator_t *allocator, const or_task_source_t *source,
                              or_task_problems_t *problems, or_task_body_t **out);
/* The same of what the journal kept; inputs are copied. */
or_status_t or_task_body_recall(const or_allocator_t *allocator, const or_task_record_t *record,
                                const or_journal_blob_t *inputs, size_t input_count, or_task_body_t **out);
/* Makes its tensors and blobs. UNAVAILABLE: no device has the host's memory; RESOURCE_EXHAUSTED. */
or_status_t or_task_body_tensors(or_task_body_t *body, or_runtime_t *runtime);
/* Lets go of the reader's reference and of the tensors' first ones. Takes NULL. */
void or_task_body_release(or_task_body_t *body);
/* SHA-256 of the request and of the names and bytes of its parts: not of how they were written down, which differs from
 * one sending to the next. */
or_status_t or_task_body_digest(const or_task_body_t *body, uint8_t out[OR_TASK_DIGEST_BYTES]);

#endif
