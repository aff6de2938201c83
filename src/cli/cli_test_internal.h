#ifndef OR_CLI_CLI_TEST_INTERNAL_H
#define OR_CLI_CLI_TEST_INTERNAL_H
/* For unit tests only: a command line in process, what it printed, and small models in a folder. The devices are fakes,
   which measure no limits of their own and so cost nothing but the work; and the CPU, whose memory is the host's. */

#include "base/testing.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "cli/cli.h"
#include "fake/fake.h"
#include "graph/onnx/testing.h"
#include "runtime/runtime.h"

/* What a command left. */
static int exit_code;
static char out[1 << 17], err[1 << 14];
static or_cli_t cli; /* the last command's: static, for a signal handler keeps its address */

static inline or_status_t open_runtime(const or_allocator_t *allocator, or_runtime_t **runtime) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}, {"cpu", or_backend_cpu_entry}};
  or_runtime_options_t options = {.allocator = allocator, .threads = 1};
  return or_runtime_create_with(&options, backends, 2, runtime);
}

static inline int redirect(FILE *stream, FILE *to) {
  (void)fflush(stream);
  int kept = dup(fileno(stream));
  assert_true(kept >= 0 && dup2(fileno(to), fileno(stream)) >= 0);
  return kept;
}
static inline void restore(FILE *stream, int kept, FILE *from, char *text, size_t capacity) {
  (void)fflush(stream);
  assert_true(dup2(kept, fileno(stream)) >= 0);
  (void)close(kept);
  rewind(from);
  text[fread(text, 1, capacity - 1, from)] = '\0';
  (void)fclose(from);
}

/* Runs the words, up to NULL, with `cli` as the test has filled it. A given runtime is taken. */
static inline int run_prepared(const char *const *words) {
  char *arguments[160];
  int count = 0;
  FILE *files[2] = {tmpfile(), tmpfile()};
  assert_true(files[0] != NULL && files[1] != NULL);
  for (; words[count] != NULL; ++count) arguments[count] = (char *)(uintptr_t)words[count]; /* argv's type */
  int kept[2] = {redirect(stdout, files[0]), redirect(stderr, files[1])};
  exit_code = or_cli_execute(&cli, count, arguments);
  restore(stdout, kept[0], files[0], out, sizeof out);
  restore(stderr, kept[1], files[1], err, sizeof err);
  return exit_code;
}

/* Runs on the fakes and the CPU; nothing may be left alive. */
static inline int run_words(const char *const *words) {
  cli = (or_cli_t){.allocator = or_allocator_system(), .columns = 100};
  expect_ok(open_runtime(NULL, &cli.runtime));
  (void)run_prepared(words);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return exit_code;
}
#define RUN(...) run_words((const char *const[]){__VA_ARGS__, NULL})

static inline void expect_printed_at(bool there, const char *words, const char *text, const char *file, int line) {
  if (there) return;
  print_error("%s:%d: \"%s\" is not in what was printed: %s\n", file, line, words, text);
  _fail(file, line);
}
#define expect_out(words) expect_printed_at(strstr(out, (words)) != NULL, (words), out, __FILE__, __LINE__)
#define expect_err(words) expect_printed_at(strstr(err, (words)) != NULL, (words), err, __FILE__, __LINE__)

/* The command fails with this exit code and these words on stderr. */
#define expect_exit(code, words, ...)           \
  do {                                          \
    assert_int_equal(RUN(__VA_ARGS__), (code)); \
    expect_err(words);                          \
  } while (0)

/* The document on stdout; the caller frees it. */
static inline or_json_document_t *printed(void) {
  or_json_document_t *document = NULL;
  expect_ok(or_json_parse(or_allocator_system(), out, strlen(out), &document));
  return document;
}
#define expect_json()                 \
  do {                                \
    or_json_document_free(printed()); \
  } while (0)

/* A command whose own n-th allocation fails, for every n: it fails and says so, or, where an allocation was only for
   speed, does its work; nothing leaks. The runtime's memory is not in question. */
static inline void expect_command_survives(const char *const *words) {
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    cli = (or_cli_t){.allocator = &counting.base, .columns = 100};
    expect_ok(open_runtime(NULL, &cli.runtime));
    (void)run_prepared(words);
    assert_int_equal(counting.live_blocks, 0);
    assert_int_equal(or_fake_live_objects(), 0);
    assert_int_equal(or_status_live_count(), 0);
    if (!counting.triggered) break;
    assert_int_equal(exit_code, OR_EXIT_FAILED);
    assert_true(err[0] != '\0');
  }
  assert_int_equal(exit_code, OR_EXIT_OK);
}
#define SURVIVES(...) expect_command_survives((const char *const[]){__VA_ARGS__, NULL})

/* A folder of this test's own: models, and where commands may write. */
static char folder[64];

static inline const char *in_folder(const char *name) {
  static char paths[4][256];
  static unsigned next;
  return or_format(paths[next++ % 4], sizeof paths[0], "%s/%s", folder, name);
}
static inline void write_file(const char *name, const void *bytes, size_t length) {
  expect_ok(or_file_write(in_folder(name), bytes, length));
}
static inline void write_model(const char *name, pb_t graph) {
  pb_t proto = model_proto(graph, 17);
  write_file(name, proto.data, proto.length);
  pb_free(&proto);
}
static inline int make_folder(void **state) {
  (void)state;
  or_fake_reset();
  or_format(folder, sizeof folder, "/tmp/cli_test_XXXXXX");
  return mkdtemp(folder) != NULL ? 0 : -1;
}
static inline int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info, (void)kind, (void)place;
  return remove(path);
}
static inline int remove_folder(void **state) {
  (void)state;
  return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
