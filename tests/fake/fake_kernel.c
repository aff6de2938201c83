/* Kernels of users on the fake device, in a language of its own, a line each:
 *   kernel NAME ACTION PARAMETER…   a kernel; a parameter is NAME:DTYPE and, for a buffer, `*` (read) or `!` (written)
 *                                   behind it, for local memory `@`
 *   error WORDS                     a mistake in the source
 *   compiler ACTION                 what the compiler does before it answers
 * Actions: saxpy (of a, x and y), nothing, spin, crash, hog (memory), lost (the device), stray (writes beyond the last
 * argument). */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "fake/fake_internal.h"

#define MAX_PARAMETERS 8u
#define WORD_BYTES 64

typedef struct fake_kernel_t {
  const or_host_t *host;
  fake_device_t *device;
  char action[WORD_BYTES];
  char names[MAX_PARAMETERS][WORD_BYTES], types[MAX_PARAMETERS][WORD_BYTES];
  or_kernel_parameter_t parameters[MAX_PARAMETERS];
  uint32_t count;
} fake_kernel_t;

/* Writes all that there is, until there is none. */
static void hog(const or_host_t *host) {
  const size_t piece = (size_t)16 << 20;
  void *memory = NULL;
  while ((memory = host->allocator->alloc(host->allocator->self, piece, 64)) != NULL) memset(memory, 1, piece);
}

/* As an access out of bounds ends a process; no sanitizer's handler is in between. */
static void crash(void) {
  sigset_t set;
  (void)signal(SIGSEGV, SIG_DFL);
  (void)sigemptyset(&set);
  (void)sigaddset(&set, SIGSEGV);
  (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  (void)raise(SIGSEGV);
}

static or_status_t act(const or_host_t *host, const char *action) {
  static volatile unsigned turns;
  if (strcmp(action, "hog") == 0) hog(host);
  if (strcmp(action, "spin") == 0 || strcmp(action, "hog") == 0) {
    for (;;) ++turns;
  }
  if (strcmp(action, "crash") == 0) crash();
  if (strcmp(action, "lost") == 0) return host->status_make(OR_DEVICE_LOST, __FILE__, "told to be lost");
  return or_status_success();
}

static void saxpy(const or_kernel_grid_t *grid, const or_kernel_value_t *values) {
  const float *x = (const float *)(const void *)fake_bytes(values[1].range->memory);
  float *y = (float *)(void *)fake_bytes(values[2].range->memory);
  const size_t room = values[2].range->bytes / sizeof *y, items = (size_t)grid->grid[0] * grid->block[0];
  float a = 0;
  memcpy(&a, values[0].scalar, sizeof a);
  for (size_t i = 0; i < items && i < room; ++i) y[i] += a * x[i];
}

static or_status_t run(void *self, void *queue, const or_kernel_grid_t *grid, const or_kernel_value_t *values,
                       int64_t *device_ns) {
  fake_kernel_t *kernel = self;
  (void)queue;
  *device_ns = 1000;
  or_status_t status = fake_arrive(kernel->device, OR_FAKE_RUN);
  if (!or_ok(status)) return status;
  if (strcmp(kernel->action, "saxpy") == 0) saxpy(grid, values);
  if (strcmp(kernel->action, "stray") == 0) /* quietly, in memory that may be anybody's */
    memset(fake_bytes(values[kernel->count - 1].range->memory), 0x5a, values[kernel->count - 1].range->bytes + 8192);
  return act(kernel->host, kernel->action);
}

static void release(void *self) {
  fake_kernel_t *kernel = self;
  or_free(kernel->host->allocator, kernel);
  fake_object_gone();
}

static bool read_parameter(fake_kernel_t *kernel, const char *word) {
  const char *colon = strchr(word, ':');
  or_kernel_parameter_t *out = &kernel->parameters[kernel->count];
  char dtype[WORD_BYTES];
  if (colon == NULL || colon[1] == '\0') return false;
  or_format(kernel->names[kernel->count], WORD_BYTES, "%.*s", (int)(colon - word), word);
  or_format(kernel->types[kernel->count], WORD_BYTES, "%s", colon + 1);
  or_format(dtype, sizeof dtype, "%.*s", (int)strcspn(colon + 1, "*!@"), colon + 1);
  const char kind = word[strlen(word) - 1];
  *out = (or_kernel_parameter_t){.name = kernel->names[kernel->count],
                                 .type = kernel->types[kernel->count],
                                 .role = kind == '@'                  ? OR_KERNEL_LOCAL
                                         : kind == '*' || kind == '!' ? OR_KERNEL_BUFFER
                                                                      : OR_KERNEL_SCALAR,
                                 .dtype = or_dtype_from_name(dtype),
                                 .width = 1,
                                 .writable = kind == '!'};
  ++kernel->count;
  return true;
}

/* Words of a line behind "kernel NAME". */
static bool read_kernel(fake_kernel_t *kernel, const char *line, size_t length) {
  char text[512], word[WORD_BYTES];
  int used = 0;
  or_format(text, sizeof text, "%.*s", (int)length, line);
  const char *at = text;
  if (sscanf(at, "%63s%n", kernel->action, &used) != 1) return false;
  for (at += used; kernel->count < MAX_PARAMETERS && sscanf(at, "%63s%n", word, &used) == 1; at += used) {
    if (!read_parameter(kernel, word)) return false;
  }
  return true;
}

/* Sets kernel->action where the entry is found. */
static or_status_t read_source(const or_kernel_source_t *source, fake_kernel_t *kernel) {
  const or_host_t *host = kernel->host;
  int number = 1;
  for (const char *line = source->source; *line != '\0'; ++number) {
    const size_t length = strcspn(line, "\n");
    char name[WORD_BYTES] = "", action[WORD_BYTES] = "";
    int used = 0;
    if (or_string_starts_with(line, "error ")) {
      or_format(source->log, source->log_capacity, "source:%d: %.*s", number, (int)(length - 6), line + 6);
      return host->status_make(OR_INVALID_ARGUMENT, __FILE__, "the source has a mistake in line %d", number);
    }
    or_status_t status = or_status_success();
    if (sscanf(line, "compiler %63s", action) == 1) status = act(host, action);
    if (!or_ok(status)) return status;
    if (sscanf(line, "kernel %63s%n", name, &used) == 1 && strcmp(name, source->entry) == 0 && (size_t)used < length &&
        !read_kernel(kernel, line + used, length - (size_t)used))
      return host->status_make(OR_INVALID_ARGUMENT, __FILE__, "line %d is no kernel", number);
    line += length;
    line += *line == '\n';
  }
  if (kernel->action[0] != '\0') return or_status_success();
  return host->status_make(OR_NOT_FOUND, __FILE__, "the source has no kernel \"%s\"", source->entry);
}

or_status_t fake_kernel_compile(void *self, void *queue, const or_kernel_source_t *source, or_backend_kernel_t *out) {
  fake_device_t *device = self;
  void *memory = NULL;
  (void)queue;
  or_status_t status = or_alloc_zeroed(device->host->allocator, sizeof(fake_kernel_t), &memory);
  if (!or_ok(status)) return status;
  fake_kernel_t *kernel = memory;
  kernel->host = device->host;
  kernel->device = device;
  status = read_source(source, kernel);
  if (!or_ok(status)) {
    or_free(device->host->allocator, kernel);
    return status;
  }
  fake_object_made();
  *out = (or_backend_kernel_t){.abi_version = OR_BACKEND_ABI_VERSION,
                               .struct_size = sizeof *out,
                               .self = kernel,
                               .parameters = kernel->parameters,
                               .parameter_count = kernel->count,
                               .binary_bytes = source->source_bytes,
                               .max_block = 256,
                               .max_blocks = {256, 64, 4},
                               .local_bytes = 1024,
                               .run = run,
                               .release = release};
  return status;
}
