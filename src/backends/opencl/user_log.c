/* What compilers say of a user's source. Each has a name of its own for it, "<kernel>" or a temporary file's path. */
#include <ctype.h>
#include <string.h>

#include "backends/opencl/user_kernel_internal.h"
#include "base/alloc.h"
#include "base/string.h"

#define SOURCE_NAME "kernel.cl"

/* The bytes of a name that a line and a column follow, "NAME:3:10", if it is what a compiler calls the source; 0: it is
 * none, or is a name of the source's own: of a file that it includes. */
static size_t foreign_name(const char *text, const char *source) {
  char base[128];
  if (*text != '/' && *text != '<') return 0;
  const size_t length = strcspn(text, ": \t\n\"'");
  if (text[length] != ':' || !isdigit((unsigned char)text[length + 1])) return 0;
  if (*text == '<') return text[length - 1] == '>' ? length : 0;
  size_t start = length;
  while (text[start - 1] != '/') --start;
  or_format(base, sizeof base, "%.*s", (int)(length - start), text + start);
  return base[0] != '\0' && strstr(source, base) == NULL ? length : 0;
}

or_status_t or_cl_user_log(const or_allocator_t *allocator, const char *source, char *log, size_t capacity) {
  or_text_t text;
  or_status_t status = or_status_success();
  or_text_init(&text, allocator);
  for (size_t at = 0; log != NULL && log[at] != '\0' && or_ok(status);) {
    const bool begins = at == 0 || isspace((unsigned char)log[at - 1]);
    const size_t foreign = begins ? foreign_name(log + at, source) : 0;
    status = foreign > 0 ? or_text_append_string(&text, SOURCE_NAME) : or_text_append(&text, log + at, 1);
    at += foreign > 0 ? foreign : 1;
  }
  if (or_ok(status) && log != NULL) or_format(log, capacity, "%s", or_text_string(&text));
  if (log != NULL) or_utf8_repair(log, strlen(log), true);
  or_text_deinit(&text);
  return status;
}
