#include "backends/opencl/programs.h"

#include <stdio.h>
#include <string.h>

#include "backends/opencl/binaries_internal.h"
#include "base/log.h"
#include "base/string.h"

/* Of every source: the floor's language, so that no device reads a kernel in another way. */
#define BASE_OPTIONS "-cl-std=CL1.2"
#define LOG_BYTES 4096u
#define OPTIONS_BYTES 1024u
#define BUCKETS 64u

/* Lives as long as the device. */
typedef struct entry_t {
  struct entry_t *next;
  const char *source; /* the embedded one's name */
  char *options;
  or_cl_program_ref_t program;
} entry_t;

struct or_cl_programs_t {
  or_cl_device_t *device;
  or_cl_binaries_t binaries;
  char options[160]; /* that every source of this device is built with */
  or_mutex_t mutex;  /* all below; held while a program is built, so that none is built twice */
  entry_t *buckets[BUCKETS];
  or_cl_programs_counters_t counters;
};

static or_status_t build_embedded(or_cl_programs_t *programs, const char *name, const char *options,
                                  or_cl_program_ref_t *out);
static or_status_t add_locked(or_cl_programs_t *programs, const char *source, const char *options, entry_t **slot);
static or_status_t compile(or_cl_programs_t *programs, const or_cl_source_t *source, const char *options,
                           or_cl_program_ref_t *out);
static or_status_t build_from_binary(or_cl_programs_t *programs, const char *options, const void *binary, size_t bytes,
                                     or_cl_program_ref_t *out);

or_status_t or_cl_programs_create(or_cl_device_t *device, const or_cl_found_t *found, or_cl_programs_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(device->allocator, sizeof(or_cl_programs_t), &memory);
  if (!or_ok(status)) return status;
  or_cl_programs_t *programs = memory;
  const or_cl_traits_t *traits = &device->traits;
  programs->device = device;
  or_cl_binaries_init(&programs->binaries, device, found);
  (void)or_format(programs->options, sizeof programs->options, BASE_OPTIONS "%s%s%s%s%s",
                  traits->exact_division ? " -cl-fp32-correctly-rounded-divide-sqrt" : "",
                  traits->is_cpu ? " -DOR_CPU=1" : "", traits->fp64 ? " -DOR_FP64=1" : "",
                  traits->fp16 ? " -DOR_FP16=1" : "", traits->subgroups ? " -DOR_SUBGROUPS=1" : "");
  or_mutex_init(&programs->mutex);
  *out = programs;
  return status;
}

void or_cl_programs_free(or_cl_programs_t *programs) {
  if (programs == NULL) return;
  const or_cl_device_t *device = programs->device;
  for (size_t i = 0; i < BUCKETS; ++i) {
    while (programs->buckets[i] != NULL) {
      entry_t *entry = programs->buckets[i];
      programs->buckets[i] = entry->next;
      (void)device->cl->ReleaseProgram(entry->program); /* fails for a wrong handle only */
      or_free(device->allocator, entry->options);
      or_free(device->allocator, entry);
    }
  }
  or_mutex_deinit(&programs->mutex);
  or_free(device->allocator, programs);
}

or_cl_programs_counters_t or_cl_programs_counters(or_cl_programs_t *programs) {
  or_mutex_lock(&programs->mutex);
  or_cl_programs_counters_t counters = programs->counters;
  or_mutex_unlock(&programs->mutex);
  return counters;
}

or_status_t or_cl_programs_get(or_cl_programs_t *programs, const char *source, const char *options,
                               or_cl_program_ref_t *out) {
  or_status_t status = or_status_success();
  uint64_t hash = or_hash_bytes(options, strlen(options), or_hash_bytes(source, strlen(source), 0));
  *out = NULL;
  or_mutex_lock(&programs->mutex);
  entry_t **slot = &programs->buckets[hash % BUCKETS];
  while (*slot != NULL && (strcmp((*slot)->source, source) != 0 || strcmp((*slot)->options, options) != 0))
    slot = &(*slot)->next;
  if (*slot == NULL) status = add_locked(programs, source, options, slot);
  if (or_ok(status)) *out = (*slot)->program;
  or_mutex_unlock(&programs->mutex);
  return status;
}

static or_status_t add_locked(or_cl_programs_t *programs, const char *source, const char *options, entry_t **slot) {
  const or_allocator_t *allocator = programs->device->allocator;
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(entry_t), &memory);
  if (!or_ok(status)) return status;
  entry_t *entry = memory;
  status = or_strdup(allocator, options, &entry->options);
  if (or_ok(status)) status = build_embedded(programs, source, options, &entry->program);
  if (!or_ok(status)) {
    or_free(allocator, entry->options);
    or_free(allocator, entry);
    return status;
  }
  for (const or_cl_embedded_t *row = or_cl_embedded; row->name != NULL; ++row) {
    if (strcmp(row->name, source) == 0) entry->source = row->name;
  }
  *slot = entry;
  return status;
}

static const or_cl_embedded_t *find_embedded(const char *name) {
  const or_cl_embedded_t *row = or_cl_embedded;
  while (row->name != NULL && strcmp(row->name, name) != 0) ++row;
  return row->name != NULL ? row : NULL;
}

static or_status_t build_locked(or_cl_programs_t *programs, const or_cl_source_t *source, or_cl_program_ref_t *out,
                                bool *cached);

/* Each text begins at line 1, so that the compiler's log counts as the files do. */
static or_status_t build_embedded(or_cl_programs_t *programs, const char *name, const char *options,
                                  or_cl_program_ref_t *out) {
  const or_cl_embedded_t *common = find_embedded("common"), *own = find_embedded(name);
  if (own == NULL) return or_error(OR_INTERNAL, "there is no kernel source \"%s\"", name);
  char first[64] = "#line 1 \"common.cl\"\n", second[128], log[LOG_BYTES] = "", quiet[OPTIONS_BYTES];
  (void)or_format(second, sizeof second, "\n#line 1 \"%s.cl\"\n", name);
  const char *texts[4] = {first, common != NULL ? common->text : "", second, own->text};
  const size_t lengths[4] = {strlen(first), common != NULL ? *common->bytes : 0, strlen(second), *own->bytes};
  /* Warnings are ours to read while kernels are written; drivers print their number where users see it. */
  int length = snprintf(quiet, sizeof quiet, "-w %s", options);
  if (length < 0 || (size_t)length >= sizeof quiet) {
    return or_error(OR_OUT_OF_RANGE, "%s.cl: compiler options of %zu bytes; the limit is %zu", name, strlen(options),
                    sizeof quiet - 4);
  }
  const or_cl_source_t source = {
      .texts = texts, .lengths = lengths, .count = 4, .options = quiet, .log = log, .log_capacity = sizeof log};
  bool cached = false;
  or_status_t status = build_locked(programs, &source, out, &cached);
  if (or_status_code(status) != OR_INVALID_ARGUMENT) return status;
  or_status_ignore(status); /* a source of ours: no caller's mistake */
  return or_error(OR_INTERNAL, "%s.cl with \"%s\" is refused by the device's compiler: %s", name, options, log);
}

or_status_t or_cl_programs_build(or_cl_programs_t *programs, const or_cl_source_t *source, or_cl_program_ref_t *out,
                                 bool *cached) {
  or_mutex_lock(&programs->mutex);
  or_status_t status = build_locked(programs, source, out, cached);
  or_mutex_unlock(&programs->mutex);
  return status;
}

/* From the disk if it is there and the driver takes it, else by the compiler, and then onto the disk. */
static or_status_t build_locked(or_cl_programs_t *programs, const or_cl_source_t *source, or_cl_program_ref_t *out,
                                bool *cached) {
  char options[OPTIONS_BYTES];
  int length = snprintf(options, sizeof options, "%s %s", programs->options, source->options);
  *out = NULL;
  *cached = false;
  if (length < 0 || (size_t)length >= sizeof options) {
    return or_error(OR_OUT_OF_RANGE, "compiler options of %zu bytes; the limit is %zu", strlen(source->options),
                    sizeof options - strlen(programs->options) - 2);
  }
  or_cl_binary_key_t key;
  or_cl_binaries_key(&programs->binaries, source, options, &key);
  char *binary = NULL;
  size_t bytes = 0;
  or_status_t status =
      source->anew ? or_status_success() : or_cl_binaries_load(&programs->binaries, &key, &binary, &bytes);
  if (or_ok(status) && binary != NULL) {
    status = build_from_binary(programs, options, binary, bytes, out);
    *cached = *out != NULL;
    or_free(programs->device->allocator, binary);
  }
  if (!or_ok(status)) return status;
  if (*cached) {
    ++programs->counters.loaded;
    return status;
  }
  ++programs->counters.compiled;
  status = compile(programs, source, options, out);
  if (or_ok(status)) or_cl_binaries_save(&programs->binaries, &key, *out);
  return status;
}

/* *out stays NULL where the driver refuses the binary, which is no error: it is compiled anew. */
static or_status_t build_from_binary(or_cl_programs_t *programs, const char *options, const void *binary, size_t bytes,
                                     or_cl_program_ref_t *out) {
  const or_cl_device_t *device = programs->device;
  const unsigned char *const data = binary;
  const unsigned char *list[1] = {data};
  int32_t code = OR_CL_SUCCESS, of_binary = OR_CL_SUCCESS;
  or_cl_program_ref_t program =
      device->cl->CreateProgramWithBinary(device->context, 1, &device->ref, &bytes, list, &of_binary, &code);
  if (code == OR_CL_SUCCESS) code = of_binary;
  if (code == OR_CL_SUCCESS) code = device->cl->BuildProgram(program, 1, &device->ref, options, NULL, NULL);
  if (code == OR_CL_SUCCESS) {
    *out = program;
    return or_status_success();
  }
  if (program != NULL) (void)device->cl->ReleaseProgram(program); /* fails for a wrong handle only */
  or_status_t status = or_cl_check(code, "a compiled program from the disk");
  if (or_status_code(status) == OR_DEVICE_LOST) return status;
  or_log(OR_LOG_BACKEND, OR_LOG_DEBUG, "opencl_binary_refused", "code=%s", or_cl_code_name(code));
  or_status_ignore(status); /* another driver's, perhaps: the compiler makes a new one */
  return or_status_success();
}

static void read_log(const or_cl_device_t *device, or_cl_program_ref_t program, const or_cl_source_t *source) {
  size_t bytes = 0;
  if (source->log == NULL || source->log_capacity == 0) return;
  source->log[0] = '\0';
  int32_t code = device->cl->GetProgramBuildInfo(program, device->ref, OR_CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
  void *memory = NULL;
  if (code != OR_CL_SUCCESS || bytes == 0) return;
  or_status_t status = or_alloc(device->allocator, bytes + 1, &memory);
  if (or_ok(status)) {
    char *text = memory;
    code = device->cl->GetProgramBuildInfo(program, device->ref, OR_CL_PROGRAM_BUILD_LOG, bytes, text, NULL);
    text[bytes] = '\0';
    if (code == OR_CL_SUCCESS) (void)or_format(source->log, source->log_capacity, "%s", text);
    or_utf8_repair(source->log, strlen(source->log), true);
    or_free(device->allocator, memory);
  }
  or_status_ignore(status); /* the log is words beside an error that is told anyway */
}

static or_status_t compile(or_cl_programs_t *programs, const or_cl_source_t *source, const char *options,
                           or_cl_program_ref_t *out) {
  const or_cl_device_t *device = programs->device;
  const or_cl_library_t *cl = device->cl;
  int32_t code = OR_CL_SUCCESS;
  /* The standard's signature lacks a const that its meaning has. */
  const char **texts = (const char **)(uintptr_t)source->texts;
  or_cl_program_ref_t program =
      cl->CreateProgramWithSource(device->context, source->count, texts, source->lengths, &code);
  if (code != OR_CL_SUCCESS) return or_cl_check(code, "clCreateProgramWithSource");
  code = cl->BuildProgram(program, 1, &device->ref, options, NULL, NULL);
  read_log(device, program, source);
  if (code == OR_CL_SUCCESS) {
    *out = program;
    return or_status_success();
  }
  (void)cl->ReleaseProgram(program); /* fails for a wrong handle only */
  if (code == OR_CL_BUILD_PROGRAM_FAILURE || code == OR_CL_INVALID_BUILD_OPTIONS) {
    return or_error(OR_INVALID_ARGUMENT, "the device's compiler refuses the source: %s",
                    source->log != NULL ? source->log : or_cl_code_name(code));
  }
  return or_cl_check(code, "clBuildProgram");
}
