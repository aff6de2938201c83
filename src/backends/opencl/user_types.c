/* OpenCL C's numbers (The OpenCL C Specification, version 1.2, sections 6.1.1 and 6.1.2). */
#include <ctype.h>
#include <string.h>

#include "backends/opencl/user_kernel_internal.h"
#include "base/string.h"

static const struct {
  const char *name;
  or_dtype_t dtype;
} numbers[] = {
    {"char", OR_INT8},     {"uchar", OR_UINT8},    {"short", OR_INT16},  {"ushort", OR_UINT16},
    {"int", OR_INT32},     {"uint", OR_UINT32},    {"long", OR_INT64},   {"ulong", OR_UINT64},
    {"float", OR_FLOAT32}, {"double", OR_FLOAT64}, {"half", OR_FLOAT16}, {"signedchar", OR_INT8},
};
static const uint32_t widths[] = {2, 3, 4, 8, 16};

/* What stands between qualifiers, stars and spaces: "const unsigned int *" is "uint". */
static void strip(const char *name, char *out, size_t capacity) {
  size_t length = 0;
  while (*name != '\0' && length + 1 < capacity) {
    const size_t word = strcspn(name, " *");
    const bool left_out = word == 0 || (word == 5 && strncmp(name, "const", 5) == 0) ||
                          (word == 8 && (strncmp(name, "volatile", 8) == 0 || strncmp(name, "restrict", 8) == 0));
    if (word == 8 && strncmp(name, "unsigned", 8) == 0) {
      out[length++] = 'u';
    } else {
      for (size_t i = 0; i < word && !left_out && length + 1 < capacity; ++i) out[length++] = name[i];
    }
    name += word;
    name += strspn(name, " *");
  }
  out[length] = '\0';
}

bool or_cl_user_type(const char *name, or_dtype_t *dtype, uint32_t *width) {
  char text[64];
  strip(name, text, sizeof text);
  size_t stem = strlen(text);
  while (stem > 0 && isdigit((unsigned char)text[stem - 1])) --stem;
  bool known = text[stem] == '\0';
  *width = 1;
  for (size_t i = 0; i < sizeof widths / sizeof *widths && !known; ++i) {
    char digits[8];
    known = strcmp(text + stem, or_format(digits, sizeof digits, "%u", widths[i])) == 0;
    if (known) *width = widths[i];
  }
  text[stem] = '\0';
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers && known; ++i) {
    if (strcmp(text, numbers[i].name) != 0) continue;
    *dtype = numbers[i].dtype;
    return true;
  }
  *dtype = OR_DTYPE_NONE;
  *width = 1;
  return false;
}
