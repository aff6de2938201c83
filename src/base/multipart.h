#ifndef OR_BASE_MULTIPART_H
#define OR_BASE_MULTIPART_H
/* multipart/form-data (RFC 7578, RFC 2046 section 5.1): a body that lies whole in memory is cut into its parts
 * without a copy; those that are to be tensors' bytes are moved to an aligned place. */

#include "base/alloc.h"
#include "base/slice.h"

#define OR_MULTIPART_MAX_PARTS 64
#define OR_MULTIPART_NAME_BYTES 256
#define OR_MULTIPART_BOUNDARY_BYTES 70 /* RFC 2046 */
#define OR_MULTIPART_HEADER_BYTES 4096 /* of one part */

typedef struct or_multipart_part_t {
  char name[OR_MULTIPART_NAME_BYTES]; /* UTF-8 */
  or_slice_t content_type;            /* data is NULL if it is not said */
  const char *data;
  size_t bytes;
} or_multipart_part_t;

/* Owned by one thread. Parts point into the body, which must outlive this; or into `aligned`. */
typedef struct or_multipart_t {
  const or_allocator_t *allocator;
  or_multipart_part_t *parts; /* in the order they came */
  size_t count, capacity;
  char boundary[OR_MULTIPART_BOUNDARY_BYTES + 5]; /* with CR LF and two hyphens before it */
  size_t boundary_length;
  void *aligned[OR_MULTIPART_MAX_PARTS]; /* memory of part i, where it was moved */
} or_multipart_t;

/* `content_type`: the header's value. INVALID_ARGUMENT: not this type, no or a bad boundary, a part without a name, a
 * name twice, a body that ends before its last boundary; OUT_OF_RANGE: more or longer than the limits above;
 * RESOURCE_EXHAUSTED. On failure nothing is held. */
or_status_t or_multipart_parse(const or_allocator_t *allocator, or_slice_t content_type, const char *body, size_t bytes,
                               or_multipart_t *out);
void or_multipart_deinit(or_multipart_t *multipart);
/* NULL if there is none of this name. */
or_multipart_part_t *or_multipart_find(or_multipart_t *multipart, const char *name);
/* The part's bytes at a multiple of OR_DEFAULT_ALIGNMENT: where they lie if that is one, else in a copy that lives as
 * long as `multipart`. RESOURCE_EXHAUSTED. */
or_status_t or_multipart_align(or_multipart_t *multipart, or_multipart_part_t *part);

#endif
