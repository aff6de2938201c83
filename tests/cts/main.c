/* openruntime-cts: runs the conformance suite and prints one line a failure, and the counts last. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cache_folder.h"
#include "base/file.h"
#include "cts/cts.h"

/* libgomp's barriers are unknown to the thread sanitizer, which reports false races in libraries that use it. */
#if defined(__SANITIZE_THREAD__)
#define VENDOR_LIBRARIES false
#else
#define VENDOR_LIBRARIES true
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* An allocation of absurd size is an answer to look at, not the end of the run. Read by the sanitizers' start-up
 * code. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
const char *__tsan_default_options(void) { return "allocator_may_return_null=1"; }
#endif

static void print_usage(FILE *file) {
  fprintf(file, "usage: openruntime-cts [--backend NAME] [--filter TEXT] [--types DTYPE,...]\n"
                "                       [--isa portable|avx2|avx512|amx|neon] [--vendor|--no-vendor] [--threads N]\n"
                "                       [--cache DIR] [--if-there] [--list] [--verbose]\n"
                "Runs the conformance suite against every backend that is compiled in, or one of them:");
  for (size_t i = 0; i < cts_backend_count; ++i) fprintf(file, " %s", cts_backends[i].name);
  fprintf(file, "\nExit code: 0 all passed, 1 some failed, 2 wrong usage.\n");
}

/* The value of an option that takes one; NULL if it is missing. */
static const char *value_of(int argc, char **argv, int *index) { return *index + 1 < argc ? argv[++*index] : NULL; }

static int parse(int argc, char **argv, cts_options_t *out) {
  *out = (cts_options_t){
      .settings = {.cpu_isa = "", .system_root = "", .cache_directory = "", .vendor_libraries = VENDOR_LIBRARIES}};
  for (int i = 1; i < argc; ++i) {
    const char *value = "", *name = argv[i];
    if (strcmp(name, "--list") == 0) {
      out->list = true;
    } else if (strcmp(name, "--verbose") == 0) {
      out->verbose = true;
    } else if (strcmp(name, "--vendor") == 0) {
      out->settings.vendor_libraries = true;
    } else if (strcmp(name, "--no-vendor") == 0) {
      out->settings.vendor_libraries = false;
    } else if (strcmp(name, "--backend") == 0) {
      value = out->backend = value_of(argc, argv, &i);
    } else if (strcmp(name, "--filter") == 0) {
      value = out->filter = value_of(argc, argv, &i);
    } else if (strcmp(name, "--types") == 0) {
      value = out->types = value_of(argc, argv, &i);
    } else if (strcmp(name, "--isa") == 0) {
      value = out->settings.cpu_isa = value_of(argc, argv, &i);
    } else if (strcmp(name, "--if-there") == 0) {
      out->if_there = true;
    } else if (strcmp(name, "--cache") == 0) {
      value = out->settings.cache_directory = value_of(argc, argv, &i);
    } else if (strcmp(name, "--threads") == 0) {
      value = value_of(argc, argv, &i);
      if (value != NULL) out->settings.threads = (int32_t)strtol(value, NULL, 10);
    } else {
      print_usage(strcmp(name, "--help") == 0 ? stdout : stderr);
      return strcmp(name, "--help") == 0 ? 0 : 2;
    }
    if (value == NULL) {
      fprintf(stderr, "%s needs a value\n", name);
      return 2;
    }
  }
  return -1;
}

/* Two devices of one kind run the same kernels: the operators are tried on the first. */
static bool is_of_new_kind(const cts_t *cts, uint32_t index) {
  const or_device_facts_t *facts = or_device_facts(cts->device);
  for (uint32_t i = 0; i < index; ++i) {
    const or_device_facts_t *earlier = or_device_facts(cts->rig.devices[i]);
    if (strcmp(earlier->name, facts->name) == 0 &&
        strcmp(earlier->compute_capability, facts->compute_capability) == 0) {
      return false;
    }
  }
  return true;
}

static void run_suites(cts_t *cts, uint32_t index) {
  cts_suite_self(cts);
  cts_suite_device(cts);
  cts_suite_memory(cts);
  cts_suite_queue(cts);
  cts_suite_run(cts);
  if (!is_of_new_kind(cts, index)) return;
  cts_suite_fused(cts);
  cts_suite_ops(cts);
}

static void print_skips(const cts_t *cts) {
  for (size_t i = 0; i < cts->skip_count; ++i) {
    printf("skip  %s: %u %s: %s\n", cts->backend->name, cts->skips[i].count,
           cts->skips[i].count == 1 ? "case" : "cases", cts->skips[i].reason);
  }
}

/* Prints what kept the backend from running at all. A backend that was asked for by name must run. */
static void report_absent(cts_t *cts, or_status_t status, const char *reason) {
  bool required = cts->options->backend != NULL && !cts->options->if_there;
  printf("%s  %s: no device: %s\n", required ? "FAIL" : "skip", cts->backend->name,
         or_ok(status) ? reason : or_status_message(status));
  or_status_ignore(status); /* printed */
  ++*(required ? &cts->failed : &cts->skipped);
}

static void run_backend(cts_t *cts) {
  if (cts->backend->prepare != NULL) cts->backend->prepare();
  or_status_t status = or_rig_open(&cts->rig, cts->allocator, cts->backend->entry, &cts->options->settings);
  if (!or_ok(status)) {
    report_absent(cts, status, "");
    return;
  }
  if (cts->rig.device_count == 0) {
    const char *detail = NULL, *advice = NULL;
    cts->rig.backend.describe(cts->rig.backend.self, &detail, &advice);
    report_absent(cts, or_status_success(), detail != NULL ? detail : "no reason given");
  }
  for (uint32_t i = 0; i < cts->rig.device_count; ++i) {
    cts->device = cts->rig.devices[i];
    status = or_device_open(cts->device, &cts->opened);
    if (or_ok(status)) status = or_queue_create(cts->device, &cts->queue);
    if (!or_ok(status)) {
      report_absent(cts, status, "");
      continue;
    }
    run_suites(cts, i);
    if (i == 0 && cts->options->filter == NULL && cts->options->types == NULL && !cts->options->list)
      cts_check_offered(cts);
    or_queue_release(cts->queue);
    cts->queue = NULL;
  }
  or_rig_close(&cts->rig);
  print_skips(cts);
}

/* A folder that can't be had is as good as none: the cases take longer. */
static void open_cache(cts_options_t *options, char path[OR_FILE_PATH_BYTES]) {
  if (options->settings.cache_directory[0] == '\0') return;
  or_status_t status = or_cache_folder_open(options->settings.cache_directory, path, OR_FILE_PATH_BYTES);
  options->settings.cache_directory = or_ok(status) ? path : "";
  if (!or_ok(status)) fprintf(stderr, "%s\n", or_status_message(status));
  or_status_ignore(status); /* printed */
}

int main(int argc, char **argv) {
  static char cache[OR_FILE_PATH_BYTES];
  cts_options_t options;
  int code = parse(argc, argv, &options);
  if (code >= 0) return code;
  open_cache(&options, cache);
  unsigned passed = 0, failed = 0, skipped = 0;
  bool found = false;
  for (size_t i = 0; i < cts_backend_count; ++i) {
    static cts_t cts; /* too large for some stacks */
    if (options.backend != NULL && strcmp(options.backend, cts_backends[i].name) != 0) continue;
    found = true;
    cts = (cts_t){.options = &options, .backend = &cts_backends[i], .allocator = or_allocator_system()};
    run_backend(&cts);
    passed += cts.passed;
    failed += cts.failed;
    skipped += cts.skipped;
  }
  if (!found) {
    fprintf(stderr, "no backend \"%s\"\n", options.backend);
    print_usage(stderr);
    return 2;
  }
  if (!options.list) printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
  return failed > 0 ? 1 : 0;
}
