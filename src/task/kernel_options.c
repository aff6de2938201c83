/* Compiler options of a kernel: what a user may say to the compiler, which is everything that opens no file. */
#include <ctype.h>
#include <string.h>

#include "task/kernel_record.h"

#define MAX_OPTIONS 64u
#define MAX_DEFINE_BYTES 256u

/* A macro's value goes to the compiler between spaces, where quotes and backslashes would have a meaning. */
static bool is_plain(const char *text) {
  for (const char *c = text; *c != '\0'; ++c) {
    if (!isgraph((unsigned char)*c) || strchr("\"'\\`$;&|<>", *c) != NULL) return false;
  }
  return true;
}

static or_status_t add(or_text_t *options, const char *format, const char *name, const char *value) {
  if (options->length + strlen(name) + strlen(value) + 8 > OR_KERNEL_OPTIONS_BYTES)
    return or_error(OR_INVALID_ARGUMENT, "the options are more than %u bytes", OR_KERNEL_OPTIONS_BYTES);
  if (options->length > 0) {
    or_status_t status = or_text_append_string(options, " ");
    if (!or_ok(status)) return status;
  }
  return or_text_printf(options, format, name, value);
}

/* "N": 4, "T": "float", "FAST": true; false and null are left out. */
static or_status_t add_macro(or_text_t *options, const char *name, const or_json_value_t *value) {
  char number[64];
  uint64_t large = 0;
  const char *text = number;
  if (!or_kernel_name_valid(name)) return or_error(OR_INVALID_ARGUMENT, "\"%.64s\" is no name of a macro", name);
  switch (or_json_kind(value)) {
  case OR_JSON_NULL: return or_status_success();
  case OR_JSON_BOOL:
    if (!or_json_get_bool(value, false)) return or_status_success();
    text = "1";
    break;
  case OR_JSON_INTEGER: or_format(number, sizeof number, "%lld", (long long)or_json_get_int(value, 0)); break;
  case OR_JSON_REAL:
    if (or_json_get_uint(value, &large)) {
      or_format(number, sizeof number, "%lluUL", (unsigned long long)large);
    } else if (or_json_is_whole(value)) {
      return or_error(OR_INVALID_ARGUMENT, "a macro that is an integer has at most 64 bits");
    } else {
      or_format(number, sizeof number, "%.17g", or_json_get_double(value, 0));
    }
    break;
  case OR_JSON_STRING: text = or_json_get_string(value, ""); break;
  default: return or_error(OR_INVALID_ARGUMENT, "a macro is a number, a string or a truth value");
  }
  if (strlen(text) > MAX_DEFINE_BYTES || !is_plain(text))
    return or_error(OR_INVALID_ARGUMENT, "a macro's value has at most %u characters, no space, quote or backslash",
                    MAX_DEFINE_BYTES);
  return add(options, "-D%s=%s", name, text);
}

static bool is_known(const char *option) {
  if (strcmp(option, "-w") == 0 || strcmp(option, "-Werror") == 0) return true;
  if (or_string_starts_with(option, "-cl-")) return true;
  if (!or_string_starts_with(option, "-D") && !or_string_starts_with(option, "-U")) return false;
  char name[OR_KERNEL_NAME_BYTES + 2];
  const size_t length = strcspn(option + 2, "=");
  if (length >= sizeof name) return false;
  or_format(name, sizeof name, "%.*s", (int)length, option + 2);
  return or_kernel_name_valid(name);
}

static or_status_t add_option(or_text_t *options, const or_json_value_t *value) {
  const char *option = or_json_get_string(value, NULL);
  if (option == NULL) return or_error(OR_INVALID_ARGUMENT, "an option is a string: \"-DN=4\"");
  if (!is_known(option) || !is_plain(option))
    return or_error(OR_INVALID_ARGUMENT,
                    "\"%.64s\": only -DNAME, -DNAME=VALUE, -UNAME, -w, -Werror and -cl-… are taken, without spaces, "
                    "quotes and backslashes",
                    option);
  return add(options, "%s%s", option, "");
}

or_status_t or_kernel_options_read(const or_json_value_t *parameters, or_text_t *options,
                                   char field[OR_KERNEL_FIELD_BYTES]) {
  const or_json_kind_t kind = or_json_kind(parameters);
  const size_t count = or_json_count(parameters);
  or_format(field, OR_KERNEL_FIELD_BYTES, "parameters");
  if (kind == OR_JSON_NULL) return or_status_success();
  if ((kind != OR_JSON_OBJECT && kind != OR_JSON_ARRAY) || count > MAX_OPTIONS)
    return or_error(OR_INVALID_ARGUMENT, "must be an object of macros or an array of options, at most %u", MAX_OPTIONS);
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const or_json_value_t *value = or_json_at(parameters, i);
    if (kind == OR_JSON_OBJECT) {
      const char *name = or_json_key_at(parameters, i, &value);
      or_format(field, OR_KERNEL_FIELD_BYTES, "parameters.%.128s", name);
      status = add_macro(options, name, value);
    } else {
      or_format(field, OR_KERNEL_FIELD_BYTES, "parameters.%zu", i);
      status = add_option(options, value);
    }
  }
  return status;
}
