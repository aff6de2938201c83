/* Kernels that users bring as source. Until a device can compile one, each request is checked whole and then told which
 * devices were looked at; so there are none to list, find or remove. */
#include <string.h>

#include "server/body.h"
#include "server/server.h"
#include "task/kernel.h"

void or_handle_kernel_compile(or_request_t *request) {
  static const or_body_field_t fields[] = {
      {"name", OR_BODY_KIND(OR_JSON_STRING), true, 1, OR_KERNEL_NAME_BYTES},
      {"source_code", OR_BODY_KIND(OR_JSON_STRING), true, 1, OR_KERNEL_SOURCE_BYTES},
      {"entry_point", OR_BODY_KIND(OR_JSON_STRING), true, 1, OR_KERNEL_NAME_BYTES},
      {"parameters", OR_BODY_KIND(OR_JSON_OBJECT) | OR_BODY_KIND(OR_JSON_ARRAY), false, 0, 0},
      {"target_device", OR_BODY_KIND(OR_JSON_STRING), false, 1, 31},
  };
  static const char *const names[] = {"name", "entry_point"};
  or_json_document_t *document = NULL;
  bool valid = or_body_read(request, fields, sizeof fields / sizeof *fields, &document);
  for (size_t i = 0; valid && i < sizeof names / sizeof *names; ++i) {
    valid = or_kernel_name_valid(or_json_get_string(or_json_get(or_json_root(document), names[i]), ""));
    if (!valid)
      or_reply_problem(request, "body", names[i], "value_error.name",
                       "must be letters, digits and '_', and must not start with a digit");
  }
  if (valid) {
    const char *target = or_json_get_string(or_json_get(or_json_root(document), "target_device"), NULL);
    or_reply_failure(request, or_kernel_find_compiler(or_server_runtime(request->server), target));
  }
  or_json_document_free(document);
}

void or_handle_kernels(or_request_t *request) {
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "kernels");
  or_json_array_begin(&json);
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

/* GET and DELETE of one. */
void or_handle_kernel(or_request_t *request) {
  or_reply_error(request, 404, "not_found", "no kernel \"%.128s\"; no device of this version can compile one",
                 or_request_parameter(request, 0));
}
