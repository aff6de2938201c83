/* A launch against the kernel's own signature. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "kernel/kernel_internal.h"

#define MESSAGE_BYTES 256
#define TWO_63 9223372036854775808.0

/* Where what is wrong is told. */
typedef struct report_t {
  or_kernel_problem_t problem;
  void *self;
  bool clean;
} report_t;

static void check_grid(const or_kernel_facts_t *facts, const or_kernel_grid_t *grid, report_t *report);
static void check_arguments(const or_kernel_facts_t *facts, const or_kernel_launch_t *launch, report_t *report);
static void check_argument(const or_kernel_parameter_t *parameter, const or_kernel_argument_t *argument, int index,
                           report_t *report);
static void check_buffer(const or_kernel_parameter_t *parameter, const or_tensor_t *tensor, int index,
                         report_t *report);
static void check_local(const or_kernel_facts_t *facts, const or_kernel_launch_t *launch, report_t *report);
static bool scalar_of_tensor(const or_kernel_parameter_t *parameter, const or_tensor_t *tensor, or_kernel_scalar_t *out,
                             char *message, size_t capacity);
static bool scalar_of_integer(or_dtype_t dtype, const or_kernel_argument_t *argument, or_kernel_scalar_t *out);
static bool scalar_of_real(or_dtype_t dtype, double value, or_kernel_scalar_t *out);

static void tell(report_t *report, const char *where, int index, const char *format, ...) OR_PRINTF(4, 5);
static void tell(report_t *report, const char *where, int index, const char *format, ...) {
  char message[MESSAGE_BYTES];
  va_list arguments;
  report->clean = false;
  if (report->problem == NULL) return;
  va_start(arguments, format);
  (void)vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  report->problem(report->self, where, index, message);
}

bool or_kernel_check(const or_kernel_t *kernel, const or_kernel_launch_t *launch, or_kernel_problem_t problem,
                     void *self) {
  report_t report = {problem, self, true};
  check_grid(&kernel->facts, &launch->grid, &report);
  check_arguments(&kernel->facts, launch, &report);
  return report.clean;
}

static void check_grid(const or_kernel_facts_t *facts, const or_kernel_grid_t *grid, report_t *report) {
  uint64_t block = 1, items = 1;
  bool whole = true, counted = true;
  for (int i = 0; i < 3; ++i) {
    if (grid->grid[i] == 0) tell(report, "grid", i, "a grid has at least 1 block along each extent");
    if (grid->block[i] == 0) {
      tell(report, "block", i, "a block has at least 1 work item along each extent");
      whole = false;
    } else if (grid->block[i] > facts->max_blocks[i]) {
      tell(report, "block", i, "%u work items; the device takes at most %u along this extent", grid->block[i],
           facts->max_blocks[i]);
      whole = false;
    }
    counted = counted && !__builtin_mul_overflow(items, grid->grid[i], &items) &&
              !__builtin_mul_overflow(items, (uint64_t)grid->block[i], &items);
    if (!counted || items > INT64_MAX) {
      tell(report, "grid", i, "more than 2^63 work items in all");
      counted = true;
      items = 1;
    }
    if (whole && facts->required_block[i] != 0 && grid->block[i] != facts->required_block[i]) {
      tell(report, "block", i, "%u work items; the kernel's source asks for blocks of %u x %u x %u", grid->block[i],
           facts->required_block[0], facts->required_block[1], facts->required_block[2]);
      whole = false;
    }
    if (whole) block *= grid->block[i]; /* both are below 2^32 */
    if (whole && block > facts->max_block) {
      tell(report, "block", i, "%llu work items in a block; this kernel takes at most %u", (unsigned long long)block,
           facts->max_block);
      whole = false;
    }
  }
}

static void check_arguments(const or_kernel_facts_t *facts, const or_kernel_launch_t *launch, report_t *report) {
  if (launch->argument_count != facts->parameter_count) {
    char names[MESSAGE_BYTES / 2] = "";
    for (uint32_t i = 0; i < facts->parameter_count; ++i) {
      const size_t used = strlen(names);
      or_format(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", facts->parameters[i].name);
    }
    tell(report, "arguments", -1, "%u were given; the kernel takes %u (%s)", launch->argument_count,
         facts->parameter_count, names);
    return;
  }
  for (uint32_t i = 0; i < facts->parameter_count; ++i) {
    check_argument(&facts->parameters[i], &launch->arguments[i], (int)i, report);
  }
  check_local(facts, launch, report);
}

static void check_argument(const or_kernel_parameter_t *parameter, const or_kernel_argument_t *argument, int index,
                           report_t *report) {
  const bool number = argument->is_number, tensor = argument->tensor != NULL, local = argument->local_bytes != 0;
  if ((int)number + (int)tensor + (int)local > 1) {
    tell(report, "arguments", index, "%s is given one thing: a tensor, a number or a size", parameter->name);
  } else if (parameter->role == OR_KERNEL_BUFFER && !tensor) {
    tell(report, "arguments", index, "%s is a buffer (%s): it takes a tensor", parameter->name, parameter->type);
  } else if (parameter->role == OR_KERNEL_BUFFER) {
    check_buffer(parameter, argument->tensor, index, report);
  } else if (parameter->role == OR_KERNEL_LOCAL && !local) {
    tell(report, "arguments", index, "%s is local memory (%s): it takes a number of bytes, at least 1", parameter->name,
         parameter->type);
  } else if (parameter->role == OR_KERNEL_LOCAL && argument->local_bytes % or_kernel_element_bytes(parameter) != 0) {
    tell(report, "arguments", index, "%zu bytes of local memory for %s; a multiple of %zu is needed (%s)",
         argument->local_bytes, parameter->name, or_kernel_element_bytes(parameter), parameter->type);
  } else if (parameter->role == OR_KERNEL_SCALAR) {
    char message[MESSAGE_BYTES];
    or_kernel_scalar_t scalar;
    if (!or_kernel_scalar(parameter, argument, &scalar, message, sizeof message))
      tell(report, "arguments", index, "%s", message);
  }
}

static void check_buffer(const or_kernel_parameter_t *parameter, const or_tensor_t *tensor, int index,
                         report_t *report) {
  const or_dtype_t dtype = or_tensor_dtype(tensor);
  const size_t bytes = or_tensor_bytes(tensor), element = or_kernel_element_bytes(parameter);
  if (dtype == OR_STRING) {
    tell(report, "arguments", index, "%s can't be given text", parameter->name);
  } else if (parameter->dtype != OR_DTYPE_NONE && dtype != parameter->dtype) {
    tell(report, "arguments", index, "%s is %s (%s); a tensor of %s was given", parameter->name,
         or_dtype_name(parameter->dtype), parameter->type, or_dtype_name(dtype));
  } else if (bytes == 0) {
    tell(report, "arguments", index, "%s is given no elements", parameter->name);
  } else if (bytes % element != 0) {
    tell(report, "arguments", index, "%zu bytes for %s; a multiple of %zu is needed (%s)", bytes, parameter->name,
         element, parameter->type);
  }
}

static void check_local(const or_kernel_facts_t *facts, const or_kernel_launch_t *launch, report_t *report) {
  size_t left = facts->local_bytes;
  for (uint32_t i = 0; i < facts->parameter_count; ++i) {
    const size_t bytes = launch->arguments[i].local_bytes;
    if (facts->parameters[i].role != OR_KERNEL_LOCAL) continue;
    if (bytes > left) {
      tell(report, "arguments", (int)i, "%zu bytes of local memory for %s; a block has %zu of %zu left", bytes,
           facts->parameters[i].name, left, facts->local_bytes);
      return;
    }
    left -= bytes;
  }
}

size_t or_kernel_element_bytes(const or_kernel_parameter_t *parameter) {
  if (parameter->dtype == OR_DTYPE_NONE) return 1;
  return or_dtype_bytes(parameter->dtype, parameter->width == 3 ? 4 : parameter->width);
}

/* Rounded once: to float32 where that is what is wanted. */
static double real_of(or_dtype_t dtype, const or_kernel_argument_t *argument) {
  if (!argument->is_integer) return argument->real;
  if (dtype == OR_FLOAT32)
    return (double)(argument->is_unsigned ? (float)(uint64_t)argument->integer : (float)argument->integer);
  return argument->is_unsigned ? (double)(uint64_t)argument->integer : (double)argument->integer;
}

bool or_kernel_scalar(const or_kernel_parameter_t *parameter, const or_kernel_argument_t *argument,
                      or_kernel_scalar_t *out, char *message, size_t capacity) {
  memset(out, 0, sizeof *out);
  if (argument->tensor != NULL) return scalar_of_tensor(parameter, argument->tensor, out, message, capacity);
  if (!argument->is_number || parameter->width != 1) {
    or_format(message, capacity, "%s is %s: it takes a %s", parameter->name, parameter->type,
              parameter->width != 1 ? "tensor of as many elements" : "number");
    return false;
  }
  const bool fits = or_dtype_is_float(parameter->dtype)
                        ? scalar_of_real(parameter->dtype, real_of(parameter->dtype, argument), out)
                        : scalar_of_integer(parameter->dtype, argument, out);
  if (fits) return true;
  if (argument->is_integer && argument->is_unsigned) {
    or_format(message, capacity, "%llu does not fit %s, which is %s", (unsigned long long)argument->integer,
              parameter->name, parameter->type);
  } else if (argument->is_integer) {
    or_format(message, capacity, "%lld does not fit %s, which is %s", (long long)argument->integer, parameter->name,
              parameter->type);
  } else {
    or_format(message, capacity, "%s%g does not fit %s, which is %s", argument->is_rounded ? "about " : "",
              argument->real, parameter->name, parameter->type);
  }
  return false;
}

static bool scalar_of_tensor(const or_kernel_parameter_t *parameter, const or_tensor_t *tensor, or_kernel_scalar_t *out,
                             char *message, size_t capacity) {
  const size_t bytes = or_tensor_bytes(tensor);
  if (or_tensor_dtype(tensor) != parameter->dtype || or_tensor_count(tensor) != parameter->width ||
      bytes > sizeof out->bytes) {
    or_format(message, capacity, "%s is %s: it takes %u elements of %s; %llu of %s were given", parameter->name,
              parameter->type, parameter->width, or_dtype_name(parameter->dtype),
              (unsigned long long)or_tensor_count(tensor), or_dtype_name(or_tensor_dtype(tensor)));
    return false;
  }
  or_status_t status = or_tensor_read(tensor, out->bytes, bytes);
  if (!or_ok(status)) {
    or_format(message, capacity, "%s can't be read: %s", parameter->name, or_status_message(status));
    or_status_ignore(status); /* its words are in the message */
    return false;
  }
  out->length = (uint32_t)or_kernel_element_bytes(parameter);
  return true;
}

static bool scalar_of_integer(or_dtype_t dtype, const or_kernel_argument_t *argument, or_kernel_scalar_t *out) {
  const uint32_t bits = or_dtype_bits(dtype);
  const bool is_signed = dtype == OR_INT8 || dtype == OR_INT16 || dtype == OR_INT32 || dtype == OR_INT64;
  const bool is_unsigned = dtype == OR_UINT8 || dtype == OR_UINT16 || dtype == OR_UINT32 || dtype == OR_UINT64;
  uint64_t word = 0;
  bool negative = false;
  if (!is_signed && !is_unsigned) return false;
  if (argument->is_integer) {
    word = (uint64_t)argument->integer;
    negative = !argument->is_unsigned && argument->integer < 0;
  } else {
    const double real = argument->real;
    if (argument->is_rounded || !(real >= -TWO_63 && real < 2 * TWO_63) || real != trunc(real)) return false;
    negative = real < 0;
    word = negative ? (uint64_t)(int64_t)real : (uint64_t)real;
  }
  const uint64_t most = is_unsigned ? UINT64_MAX >> (64 - bits) : (uint64_t)INT64_MAX >> (64 - bits);
  if (negative ? is_unsigned || ~word > most : word > most) return false;
  for (uint32_t i = 0; i < bits / 8; ++i) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    out->bytes[i] = (unsigned char)(word >> 8 * i);
#else
    out->bytes[bits / 8 - 1 - i] = (unsigned char)(word >> 8 * i);
#endif
  }
  out->length = bits / 8;
  return true;
}

/* Rounded; what is finite stays finite. */
static bool scalar_of_real(or_dtype_t dtype, double value, or_kernel_scalar_t *out) {
  const float narrow = (float)value;
  uint16_t half = 0;
  const void *from = &value;
  if (isfinite(value) && dtype != OR_FLOAT64 && !isfinite(narrow)) return false;
  switch (dtype) {
  case OR_FLOAT64: out->length = 8; break;
  case OR_FLOAT32:
    out->length = 4;
    from = &narrow;
    break;
  case OR_FLOAT16:
    half = or_float_to_float16(narrow);
    if (isfinite(value) && !isfinite(or_float16_to_float(half))) return false;
    out->length = 2;
    from = &half;
    break;
  default: return false;
  }
  memcpy(out->bytes, from, out->length);
  return true;
}
