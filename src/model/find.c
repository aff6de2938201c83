#include "model/find.h"

#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "model/model_internal.h"
#include "model/repository.h"
#include "runtime/runtime.h"

static or_status_t find_elsewhere(or_runtime_t *runtime, const or_model_search_t *search, const char *name,
                                  or_model_t **out);
static or_status_t load(or_runtime_t *runtime, const char *path, or_model_t **out);

or_status_t or_model_find(or_runtime_t *runtime, const or_model_search_t *search, const char *name, or_model_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  const bool is_path = strchr(name, '/') != NULL;
  char *file = NULL;
  *out = NULL;
  or_status_t status = is_path || search->directory == NULL
                           ? or_error(OR_NOT_FOUND, "no model \"%s\"", name)
                           : or_repository_find(allocator, search->directory, name, &file);
  if (or_ok(status)) {
    status = load(runtime, file, out);
    or_free(allocator, file);
    return status;
  }
  or_status_t other = find_elsewhere(runtime, search, name, out);
  if (or_ok(other) || or_status_code(other) != OR_NOT_FOUND ||
      (search->allow_paths && (is_path || or_string_ends_with(name, ".onnx")))) {
    or_status_ignore(status); /* it was a path, whose answer counts, or built in */
    return other;
  }
  or_status_ignore(other); /* neither: the repository's answer has the hint */
  return status;
}

static or_status_t find_elsewhere(or_runtime_t *runtime, const or_model_search_t *search, const char *name,
                                  or_model_t **out) {
  const or_builtin_t *builtin = or_builtin_find(name);
  if (search->allow_paths) return load(runtime, name, out);
  if (builtin != NULL) return or_model_load_builtin(runtime, builtin, or_runtime_model_limits(runtime), out);
  return or_error(OR_NOT_FOUND, "no model \"%s\"", name);
}

/* To the loader a file that contradicts itself is a wrong argument. Whoever named the model named it rightly: for them
 * its content is at fault, as it is when it ends too soon. */
static or_status_t load(or_runtime_t *runtime, const char *path, or_model_t **out) {
  or_status_t status = or_model_load(runtime, path, NULL, out);
  if (or_status_code(status) != OR_INVALID_ARGUMENT) return status;
  or_status_t content = or_error(OR_DATA_LOSS, "%s", or_status_message(status));
  or_status_ignore(status); /* its words go on */
  return content;
}
