#ifndef OR_SERVER_TASK_PARTS_H
#define OR_SERVER_TASK_PARTS_H
/* The TaskResponse for a client that accepts multipart/form-data: the part "response" is the JSON, in which each tensor
 * of result.outputs is {shape, dtype, part} naming one of the further parts, its little-endian bytes. */

#include "base/string.h"
#include "task/task.h"

#define OR_TASK_PARTS_TYPE_BYTES 96 /* of the content type with its boundary, terminated */

typedef struct or_task_parts_body_t {
  or_text_t text;
  char content_type[OR_TASK_PARTS_TYPE_BYTES];
} or_task_parts_body_t;

/* `response`: the same as JSON, which was made of `result`. `out->text` is inited, and the caller's; it stays empty
 * where the response is as good as it is: without tensors, or with more than a body has parts. RESOURCE_EXHAUSTED; what
 * or_tensor_read says. */
or_status_t or_task_parts_write(const or_text_t *response, const or_task_result_t *result, or_task_parts_body_t *out);

#endif
